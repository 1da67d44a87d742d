import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { blocksOf, refusesInOneLine, runExample } from './run.js';

const folder = mkdtempSync(join(tmpdir(), 'example-makemore-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The five rows of a table as numbers; minutes, which no two runs share, are left out. */
function table(text: string): { name: string; losses: number[] }[] {
  return text
    .split('\n')
    .filter((line) => (line.match(/\|/g) ?? []).length === 3 && !line.includes('first'))
    .map((line) => {
      const [ours, two, notebook] = line.split('|');
      const [, name, first] = /^(.*?)\s+([\d.]+)\s*$/.exec(ours)!;
      const numbers = `${first} ${two} ${notebook}`.trim().split(/\s+/).map(Number);
      return { name, losses: numbers };
    });
}

it('a short run of examples/makemore gives the losses that its README shows, and draws five curves', async () => {
  const { stdout } = await runExample('makemore', '--steps', '200', '--out', folder);
  const [, shown] = blocksOf('makemore');
  expect(table(stdout)).toHaveLength(5);
  expect(table(stdout)).toEqual(table(shown));
  const svg = readFileSync(join(folder, 'curves.svg'), 'utf8');
  for (const { name } of table(stdout)) expect(svg).toContain(`>${name}</text>`);
});

it('the losses of the full run in the README are within 0.02 of the notebook’s', () => {
  const full = table(blocksOf('makemore')[0]);
  expect(full.map(({ name }) => name)).toEqual([
    'original',
    'softmax fixed',
    'tanh unsaturated',
    'Kaiming',
    'batch norm',
  ]);
  for (const { losses } of full) {
    const [, , dev, , theirs] = losses;
    expect(Math.abs(dev - theirs)).toBeLessThan(0.02);
  }
});

refusesInOneLine('makemore', [
  [['--steps', 'many'], '--steps: expected a whole number from 2, got many'],
  [['--steps', '1'], '--steps: expected a whole number from 2, got 1'],
  [['--seed=-1'], '--seed: expected a whole number from 0, got -1'],
  [['--data', 'no-such-file'], 'cannot read the words from "no-such-file"'],
  [['--stepps', '3'], "Unknown option '--stepps'"],
]);
