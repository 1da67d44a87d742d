import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const example = join(root, 'examples', 'learning-rate');
const readme = readFileSync(join(example, 'README.md'), 'utf8');
let folder = '';
let printed = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), '2headgrad-learning-rate-'));
  printed = execFileSync(process.execPath, ['--import', 'tsx', join(example, 'main.ts'), folder], {
    cwd: root,
    encoding: 'utf8',
  });
}, 240_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it('the example prints, digit for digit, what its README shows', () => {
  expect(readme).toContain(`\`\`\`\n${printed}\`\`\``);
});

it('draws the pictures that its README shows, as they lie beside it', () => {
  const pictures = readdirSync(folder)
    .filter((file) => file.endsWith('.svg'))
    .sort();
  expect(pictures).toEqual(['batch-norm.svg', 'names.svg', 'regression.svg']);
  for (const name of pictures) {
    expect(readme).toContain(`](${name})`);
    expect(readFileSync(join(folder, name), 'utf8')).toBe(readFileSync(join(example, name), 'utf8'));
  }
});

it('tells what the command finds for the model that it trains, and for this one', () => {
  const sentence =
    /`2headgrad lr-find names` says (\S+) where the first of these says (\S+), and explodes at (\S+) rather than ([\d.]+)\./;
  const [, ...said] = sentence.exec(readme)!.map(Number);
  const found = (...more: string[]) => {
    const args = ['lr-find', 'names', '--json', '--out', join(folder, 'found'), ...more];
    const [last] = execFileSync(process.execPath, [join(root, 'dist/cli/main.js'), ...args], {
      encoding: 'utf8',
      stdio: 'pipe',
    })
      .trim()
      .split('\n')
      .slice(-1);
    const { suggestion, bounds } = JSON.parse(last);
    return [suggestion, Number(bounds.upper.toPrecision(2))];
  };
  const [theirs, ours, theirBound, ourBound] = said;
  expect(found()).toEqual([theirs, theirBound]);
  const [near, nearBound] = found('--embed', '2', '--hidden', '100');
  expect(nearBound).toBe(ourBound);
  expect(readme).toContain(`--embed 2 --hidden 100\` says ${near} and ${nearBound}:`);
  const [first] = printed.split(/\n(?=\S)/);
  expect(first).toContain(`explodes at ${ourBound}\n`);
  expect(first).toMatch(new RegExp(`\\n {2}${ours} +\\S+ {2}the suggestion$`));
});

it('suggests rates that train nearly as well as the best of the grid', () => {
  const models = printed.split(/^(?=\S)/m);
  expect(models).toHaveLength(3);
  for (const model of models) {
    const rows = [...model.matchAll(/^ {2}(\d\S*) +(\S+)(.*)$/gm)].map(([, , loss, note]) => ({
      loss: Number(loss),
      ours: note.includes('suggestion'),
    }));
    const losses = rows.map(({ loss }) => loss);
    const best = Math.min(...losses);
    const worst = Math.max(...losses);
    expect(rows.filter((row) => row.ours)).toHaveLength(1);
    // Of all that the choice of a rate can make worse here, less than a tenth is lost.
    expect(rows.find((row) => row.ours)!.loss - best).toBeLessThan(0.1 * (worst - best));
  }
});
