import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from './start.js';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const MODEL = join(ROOT, 'examples/names/model.ts');

/** The commands that a user meets first, short. */
const COMMANDS = [
  ['train', 'names', '--steps', '100', '--out', 'run'],
  ['train', 'names', '--resume', '--steps', '120', '--out', 'run'],
  ['sample', 'run', '--count', '2'],
  ['lr-find', 'names', '--steps', '60', '--out', 'lr'],
  ['inspect', 'names'],
  ['doctor', MODEL],
  ['compile', MODEL, '--out', 'compiled', '--threads'],
];

/** Runs the command line in a Node of another version, set up and built; returns what failed. */
export async function failingCommands(node: string): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'engines-commands-'));
  const failed: string[] = [];
  const attempt = async (args: readonly string[]) => {
    await run(node, args, { cwd: folder }).catch((error) =>
      failed.push(`${args.slice(1, 3).join(' ')}: ${error.message}`),
    );
  };
  try {
    await attempt([join(ROOT, 'scripts/setup.mjs'), '--quiet']);
    for (const args of COMMANDS) await attempt([join(ROOT, 'dist/cli/main.js'), ...args]);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return failed;
}
