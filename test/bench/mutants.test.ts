import { existsSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { MUTANTS } from '../../bench/mutants/mutants.js';
import { mutated, Trial } from '../../bench/mutants/trial.js';

it.each(MUTANTS.map((mutant) => [`${mutant.file}: ${mutant.what}`, mutant] as const))(
  'the mutant can still be made, and its tests are there: %s',
  (_, mutant) => {
    const text = readFileSync(mutant.file, 'utf8');
    expect(mutated(text, mutant)).not.toBe(text);
    for (const test of mutant.tests) expect(existsSync(test), test).toBe(true);
  },
);

it('no two mutants are the same', () => {
  expect(new Set(MUTANTS.map(({ file, before, after }) => `${file} ${before} ${after}`)).size).toBe(
    MUTANTS.length,
  );
});

it('a mutant that a test notices is killed, one that none notices survives', async () => {
  const trial = await Trial.open();
  const common = { what: 'a trial', file: 'src/printable.ts', tests: ['test/printable.test.ts'] };
  const wrong = { ...common, before: 'JSON.stringify(value).replace', after: 'String(value).replace' };
  const harmless = { ...common, before: '/** The same for text', after: '/** That for text' };
  try {
    expect(await trial.run(wrong, 120)).toBe('killed');
    expect(await trial.run(harmless, 120)).toBe('survived');
  } finally {
    await trial.close();
  }
});
