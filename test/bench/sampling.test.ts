import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));

it('sampling with and without the cache gives the same tokens, and times of both', () => {
  // More tokens than the context: the window moves on.
  const args = ['bench/sampling.ts', '--engine', 'tape', '--tokens', '20', '--contexts', '8', '--json'];
  const printed = execFileSync(process.execPath, ['--import', 'tsx', ...args], {
    cwd: root,
    encoding: 'utf8',
  });
  const lines = printed.trim().split('\n');
  const { threads, rows } = JSON.parse(lines.at(-1)!);
  expect(threads).toBe(1);
  expect(rows).toHaveLength(1);
  for (const row of rows) {
    expect(row).toMatchObject({ engine: 'tape', context: 8, tokens: 20, same: 20 });
    expect(Math.min(row.cached, row.whole)).toBeGreaterThan(0);
  }
  expect(lines[0]).toMatch(/^20 tokens +context +with cache, ms +without, ms +times as long +same tokens$/);
});
