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

it('tells what the command finds for the model that it trains', () => {
  const sentence =
    /`2headgrad lr-find names` says (\S+) where the first of these says (\S+), and explodes at (\S+) rather than ([\d.]+)\./;
  const [, suggestion, ours, explodes, oursExplodes] = sentence.exec(readme)!;
  const args = [join(root, 'dist/cli/main.js'), 'lr-find', 'names', '--json', '--out', join(folder, 'found')];
  const printedByIt = execFileSync(process.execPath, args, { cwd: root, encoding: 'utf8', stdio: 'pipe' });
  const found = JSON.parse(printedByIt.trim().split('\n').at(-1)!);
  expect([found.suggestion, Number(found.bounds.upper.toPrecision(2))]).toEqual(
    [suggestion, explodes].map(Number),
  );
  expect(printed).toContain(`Names, SGD: stands still at 0.00018, explodes at ${oursExplodes}\n`);
  expect(printed).toMatch(new RegExp(`${ours} +\\S+  the suggestion`));
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
