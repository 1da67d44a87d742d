import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { inTurn } from '../processes/in-turn.js';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** Runs a file of examples/; what it prints, or an error with `stderr`. */
export const runFile = (file: string, ...args: string[]) =>
  promisify(execFile)(process.execPath, ['--import', 'tsx', join('examples', file), ...args], {
    cwd: root,
    encoding: 'utf8',
  });

/** The same of examples/NAME/main.ts. */
export const runExample = (name: string, ...args: string[]) => runFile(join(name, 'main.ts'), ...args);

/** What examples/NAME/README.md shows as printed, block by block. */
export function blocksOf(name: string): string[] {
  const readme = readFileSync(join(root, 'examples', name, 'README.md'), 'utf8');
  return [...readme.matchAll(/```\n([^`]*)```/g)].map(([, block]) => block);
}

/** Tests that examples/NAME refuses arguments in one line that says why. */
export function refusesInOneLine(name: string, cases: [args: string[], message: string][]): void {
  const run = inTurn(join(root, 'examples', name, 'main.ts'), ['--import', 'tsx']);
  it.each(cases)(`examples/${name} refuses %s in one line`, async (args, message) => {
    const { code, stdout, stderr } = await run(...args);
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(stderr).toContain(message);
  });
}

/** Runs examples/NAME/main.ts into a folder of its own and tests its README and pictures against what it did. */
export function tellsTheTruth(name: string): void {
  const home = join(root, 'examples', name);
  const folder = mkdtempSync(join(tmpdir(), `example-${name}-`));
  const readme = readFileSync(join(home, 'README.md'), 'utf8');
  let printed: string;

  beforeAll(async () => {
    printed = (await runExample(name, folder)).stdout;
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it(`examples/${name} prints, digit for digit, what its README shows`, () => {
    expect(printed).not.toBe('');
    expect(readme).toContain(`\`\`\`\n${printed}\`\`\`\n`);
  });

  it(`examples/${name} draws the pictures that stand beside it, and its README shows each`, () => {
    const pictures = (where: string) =>
      readdirSync(where)
        .filter((file) => file.endsWith('.svg'))
        .sort();
    expect(pictures(folder)).toEqual(pictures(home));
    for (const file of pictures(home)) {
      expect(readFileSync(join(folder, file), 'utf8'), file).toBe(readFileSync(join(home, file), 'utf8'));
      expect(readme).toContain(`](${file})`);
    }
  });
}
