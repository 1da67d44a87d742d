import { execFileSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { TSX } from '../processes/tsx.js';
import { ROOT } from './bundle.js';

it('the benchmark of Chromium against Node measures both', () => {
  const args = [...TSX, 'bench/chromium.ts', '--only', 'W1', '--rounds', '1', '--seconds', '0.05', '--json'];
  const printed = execFileSync(process.execPath, args, { cwd: ROOT, encoding: 'utf8' });
  const lines = printed.trim().split('\n');
  const { rounds, threads, results } = JSON.parse(lines[lines.length - 1]);
  expect({ rounds, threads }).toEqual({ rounds: 1, threads: 1 });
  expect(results).toHaveLength(1);
  const [{ name, chromium, node, ratio }] = results;
  expect(name).toBe('W1');
  expect(Math.min(chromium, node)).toBeGreaterThan(0);
  expect(ratio).toBeCloseTo(chromium / node);
  expect(lines[1]).toMatch(/^W1 +Chromium +[\d,.]+ +Node +[\d,.]+ +[\d.]+x {2}[\d.]+ ms a step$/);
});
