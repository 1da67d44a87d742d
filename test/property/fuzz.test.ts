import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { PASSES } from '../../src/emit/compile.js';
import { SCHEDULE_PASSES } from '../../src/schedule/passes.js';
import { inTurn } from '../processes/in-turn.js';
import { TSX } from '../processes/tsx.js';
import { programOf, settingsOf } from './fuzz.js';

describe('fuzzing', () => {
  it('gives every seed its program, whatever ran before it', () => {
    expect(programOf(7)).toEqual(programOf(7));
    expect(programOf(7)).not.toEqual(programOf(8));
  });

  it('goes through the settings that users get, poisoned memory, and every pass left out', () => {
    const rounds = PASSES.length + 1;
    const all = Array.from({ length: 4 * rounds }, (_, i) => settingsOf(25 * i));
    expect(all.filter((s) => s.level === undefined)).toHaveLength(rounds);
    expect(all.filter((s) => s.poison)).toHaveLength(rounds);
    expect(new Set(all.flatMap((s) => s.without ?? []))).toEqual(new Set(PASSES));
    expect(new Set(all.flatMap((s) => s.alike ?? []).flatMap((s) => s.without ?? []))).toEqual(
      new Set(SCHEDULE_PASSES),
    );
  });
});

describe('npm run fuzz', () => {
  const refuse = inTurn('bench/fuzz.ts', ['--import', 'tsx']);
  const run = (...args: string[]) =>
    spawnSync(process.execPath, [...TSX, 'bench/fuzz.ts', ...args], {
      cwd: fileURLToPath(new URL('../../', import.meta.url)),
      encoding: 'utf8',
    });

  it('ends with how many passed, and shows how far it is on standard error', () => {
    const { status, stdout, stderr } = run(
      '--count',
      '1',
      '--seed',
      '30',
      '--threads',
      '1,2',
      '--level',
      '0',
    );
    expect(stdout).toBe('1 passed, 0 failed\n');
    expect(stderr).toContain('1 of 1 program, 0 failed');
    expect(status).toBe(0);
  });

  it('refuses what it does not understand with exit code 2 and one line', async () => {
    for (const args of [
      ['--count', 'x'],
      ['--threads', '0'],
      ['--without', 'nothing'],
      ['--level', '4'],
      ['-z'],
    ]) {
      const { code, stdout, stderr } = await refuse(...args);
      expect({ args, code, stdout, lines: stderr.trim().split('\n').length }).toEqual({
        ...{ args, code: 2, stdout: '', lines: 1 },
      });
    }
  });
});
