import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll } from 'vitest';
import { type Ended, inTurn } from '../processes/in-turn.js';

export const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

export type { Ended };

/**
 * Of what a child that compiles a model costs, most would be V8's optimizing of asc and Binaryen, which run for a second. No bit
 * depends on it.
 */
const SOON = ['--liftoff-only'];

/** Starts the command line as a shell would. */
export function start(
  args: readonly string[],
  env: Record<string, string> = {},
): { child: ChildProcess; ended: Promise<Ended> } {
  const child = spawn(process.execPath, [...SOON, MAIN, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, DEBUG: '', FORCE_COLOR: '', ...env },
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (text) => (stdout += text));
  child.stderr.on('data', (text) => (stderr += text));
  const ended = new Promise<Ended>((resolve) =>
    child.once('close', (code) => resolve({ code, stdout, stderr })),
  );
  return { child, ended };
}

/** Resolves when a training has something to save: from then on a signal stops it in order. */
export function training({ child }: { child: ChildProcess }): Promise<void> {
  return new Promise((resolve) => {
    let seen = '';
    child.stdout!.on('data', (text) => {
      seen += text;
      if (seen.includes('learning rate')) resolve();
    });
  });
}

export const run = (...args: string[]): Promise<Ended> => start(args).ended;

/**
 * The same for what ends by itself, on the tape or refused: all of a test file in one process, which has the command line
 * loaded. Each command is also started once as users start it.
 */
export const quickly = () => inTurn(MAIN);

/** The last line of standard output. */
export const lastJson = ({ stdout }: Ended) => JSON.parse(stdout.trimEnd().split('\n').at(-1)!);

/** A model small enough for the tape: `train names` with these. */
export const SMALL = ['--engine', 'tape', '--hidden', '16', '--embed', '4', '--batch', '8'];

const SYLLABLES = ['an', 'be', 'co', 'di', 'el', 'fa', 'gu', 'ho'];
/** 64 made-up names. */
export const WORDS = SYLLABLES.flatMap((a) => SYLLABLES.map((b) => a + b + a));

/** A folder of its own for a file of tests, with `words.txt` in it. */
export function workspace(): {
  path: (...parts: string[]) => string;
  list: (...parts: string[]) => Promise<string[]>;
} {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), '2headgrad-cli-'));
    await writeFile(join(folder, 'words.txt'), `${WORDS.join('\n')}\n`);
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));
  const path = (...parts: string[]) => join(folder, ...parts);
  return { path, list: (...parts) => readdir(path(...parts)).then((names) => names.sort()) };
}

export const json = async (path: string) => JSON.parse(await readFile(path, 'utf8'));
