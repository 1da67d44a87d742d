import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

interface Growth {
  readonly part: string;
  readonly once: number;
  readonly twice: number;
}

/** How often each part of the compiler runs for a model of this depth, and of twice that. */
async function growth(kind: string, depth: number): Promise<Growth[]> {
  const script = fileURLToPath(new URL('counts.ts', import.meta.url));
  const flags = ['--no-opt', '--no-lazy-feedback-allocation', '--import', 'tsx'];
  const { stdout } = await promisify(execFile)(process.execPath, [...flags, script, kind, `${depth}`], {
    maxBuffer: 2 ** 26,
  });
  return JSON.parse(stdout);
}

/** Below so many runs a part is not looked at. */
const FEW = 4_000;
/** Twice as many layers may cost so much more: sorting and heaps are not quite linear. */
const MOST = 2.6;

// Places are found by comparing all buffers with each other, in some nanoseconds each, as often as a budget allows.
const BUDGETED = /^plan\/arena.ts (placeInTurn|firstAbove)/;
// A program grows with its kernel, and which kernels there are changes with the depth.
const PROGRAMS = /^loops\//;

describe('the work of the compiler, counted by V8', () => {
  it.each([
    ['mlp', 64],
    ['rnn', 150],
  ])('grows with the depth of a model, not with its square: %s', async (kind, depth) => {
    const parts = await growth(kind, depth);
    // V8 names a block only where it runs less often than its function.
    const counted = parts.filter(
      ({ part, once, twice }) => once > 0 && twice >= FEW && !BUDGETED.test(part) && !PROGRAMS.test(part),
    );
    // Else nothing would be shown.
    expect(counted.length).toBeGreaterThan(100);
    expect(counted.filter(({ once, twice }) => twice > MOST * once)).toEqual([]);
  });
});
