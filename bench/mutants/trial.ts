import { spawn } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Mutant } from './mutant.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** What the tests of the compiler read. */
const COPIED = [
  'src',
  'assembly',
  'test',
  'bench',
  'examples',
  'scripts',
  'package.json',
  'tsconfig.json',
  'vitest.config.ts',
];
const LINKED = ['node_modules', 'dist'];

/** `killed`: a test failed; `survived`: none did; `slow`: no answer in time, which a test would be too. */
export type Outcome = 'killed' | 'survived' | 'slow';

/** A copy of the project in which mutants live one after the other. */
export class Trial {
  private constructor(private readonly root: string) {}

  static async open(): Promise<Trial> {
    const root = await mkdtemp(join(tmpdir(), '2headgrad-mutants-'));
    for (const name of COPIED) await cp(join(ROOT, name), join(root, name), { recursive: true });
    for (const name of LINKED) await symlink(join(ROOT, name), join(root, name));
    return new Trial(root);
  }

  /** Runs the mutant's tests on its change, then takes the change back. */
  async run(mutant: Mutant, seconds: number): Promise<Outcome> {
    const path = join(this.root, mutant.file);
    const text = await readFile(path, 'utf8');
    await writeFile(path, mutated(text, mutant));
    try {
      return await tested(this.root, mutant.tests, seconds);
    } finally {
      await writeFile(path, text);
    }
  }

  async close(): Promise<void> {
    await rm(this.root, { recursive: true, force: true });
  }
}

/** The text with the mutant's change. */
export function mutated(text: string, { file, before, after }: Mutant): string {
  const times = text.split(before).length - 1;
  if (times !== 1)
    throw new RangeError(`${file}: ${JSON.stringify(before)} stands there ${times} times, not once`);
  return text.replace(before, () => after);
}

function tested(root: string, tests: readonly string[], seconds: number): Promise<Outcome> {
  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  const args = [
    'run',
    '--project',
    'node',
    '--bail',
    '1',
    '--maxWorkers',
    '1',
    '--reporter',
    'dot',
    ...tests,
  ];
  return new Promise((resolve, reject) => {
    // A group of its own: workers that hang end with it.
    const child = spawn(process.execPath, [vitest, ...args], { cwd: root, stdio: 'ignore', detached: true });
    const timer = setTimeout(() => {
      process.kill(-child.pid!, 'SIGKILL');
      resolve('slow');
    }, 1000 * seconds);
    child.once('error', reject);
    child.once('close', (code) => {
      clearTimeout(timer);
      resolve(code === 0 ? 'survived' : 'killed');
    });
  });
}
