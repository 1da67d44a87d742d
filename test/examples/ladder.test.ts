import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, it } from 'vitest';
import { PLACES, RUNGS, stepOf } from '../../examples/ladder/models.js';
import { blocksOf, refusesInOneLine, runExample } from './run.js';

const folder = mkdtempSync(join(tmpdir(), 'example-ladder-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('a short run of two rungs of examples/ladder prints what its README shows', async () => {
  const { stdout } = await runExample('ladder', '--steps', '100', '--only', 'bigram,RNN', '--out', folder);
  expect(blocksOf('ladder')).toContain(stdout);
  expect(readFileSync(join(folder, 'ladder.svg'), 'utf8')).toContain('<svg');
});

it('the table in its README has every rung, and what sees more loses less than what sees one letter', () => {
  const [full] = blocksOf('ladder');
  const losses = ['counted', ...RUNGS.map(({ name }) => name)].map((name) => {
    const line = full.split('\n').find((line) => line.startsWith(`${name} `))!;
    return line.match(/\d\.\d{4}/g)!.map(Number);
  });
  const [counted, bigram, mlp, ...rest] = losses.map(([, , test]) => test);
  // Gradients find what counting finds.
  expect(Math.abs(bigram - counted)).toBeLessThan(0.005);
  expect(mlp).toBeLessThan(bigram - 0.2);
  for (const test of rest) expect(test).toBeLessThan(mlp);
  const svg = readFileSync(
    fileURLToPath(new URL('../../examples/ladder/ladder.svg', import.meta.url)),
    'utf8',
  );
  for (const { name } of RUNGS) expect(svg).toContain(`>${name}</text>`);
});

it.each(RUNGS)('$name sees $sees, and none that comes later', ({ name, sees, make }) => {
  const vocab = 7;
  const session = stepOf(make(vocab), vocab, name).interpret({ seed: 3 });
  const x = Int32Array.from({ length: PLACES }, (_, i) => (3 * i) % vocab);
  // The bigram's table begins with zeros.
  session.step({ lr: 0.1, batch: { x: repeated(x), y: repeated(x) } });
  const changed = x.with(6, (x[6] + 1) % vocab);
  const [before, after] = [x, changed].map((ids) =>
    Array.from(session.predict({ x: ids }) as ArrayLike<number>),
  );
  const differs = Array.from({ length: PLACES }, (_, t) => {
    const row = (all: number[]) => String(all.slice(t * vocab, (t + 1) * vocab));
    return row(before) !== row(after);
  });
  const seen = sees.startsWith('all') ? PLACES : Number.parseInt(sees, 10);
  expect(differs).toEqual(Array.from({ length: PLACES }, (_, t) => t >= 6 && t < 6 + seen));
});

const repeated = (row: Int32Array) => Int32Array.from({ length: 32 * PLACES }, (_, i) => row[i % PLACES]);

refusesInOneLine('ladder', [
  [['--only', 'GRU,LSTN'], '--only: there is no LSTN; there are bigram, MLP, RNN'],
]);
