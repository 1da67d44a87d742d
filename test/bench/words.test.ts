import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { TSX } from '../processes/tsx.js';

const root = fileURLToPath(new URL('../../', import.meta.url));

it('a training of words tells its speed and memory over the time, and what a loop over its matrices reaches', () => {
  const sizes = ['--order', '2', '--embed', '2', '--hidden', '3', '--batch', '2', '--threads', '1'];
  const args = ['bench/words.ts', '--minutes', '0.005', '--json', ...sizes];
  const printed = execFileSync(process.execPath, ['--liftoff-only', ...TSX, ...args], {
    ...{ cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
  });
  const lines = printed.trim().split('\n');
  const told = JSON.parse(lines.at(-1)!);
  expect(told).toMatchObject({ vocab: 17_905, context: 1, batch: 2, threads: 1, torch: null });
  expect(told.parts).toHaveLength(10);
  for (const { who, steps, seconds, loss, resident } of told.parts) {
    expect(who).toBe('compiled');
    expect(Math.min(steps, seconds, loss, resident - 2 ** 24)).toBeGreaterThan(0);
  }
  expect(told.bytes).toBe(3 * 4 * 17_905 * 3);
  expect(told.bandwidth).toBeGreaterThan(1e8);
  expect(printed).toMatch(/^Resident from \d+ to \d+ MiB, at most \d+\.$/m);
});
