import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { inTurn } from './in-turn.js';

const folder = mkdtempSync(join(tmpdir(), '2headgrad-turns-'));
afterAll(() => rmSync(folder, { recursive: true }));

const script = join(folder, 'script.mjs');
writeFileSync(
  script,
  `const [what, ...more] = process.argv.slice(2);
process.once('exit', (code) => process.stdout.write(\`left with \${code}\\n\`));
if (what === 'heard') process.on('uncaughtException', ({ message }) => {
  console.error(\`heard \${message}\`);
  process.exit(4);
});
if (what === 'leave') process.exit(3);
if (what === 'throw' || what === 'heard') throw new Error('no luck');
if (what === 'fail') process.exitCode = 2;
await new Promise((resolve) => setTimeout(resolve, 1));
console.log(more.join(' '));
`,
);
const run = inTurn(script);

it('is as a process each: arguments, output, exit codes, errors, and nothing left behind', async () => {
  const all = [run('say', 'a', 'b'), run('leave'), run('heard'), run('throw'), run('fail'), run('say', 'c')];
  const [said, left, heard, thrown, failed, again] = await Promise.all(all);
  expect(said).toEqual({ code: 0, stdout: 'a b\nleft with 0\n', stderr: '' });
  expect(left).toEqual({ code: 3, stdout: 'left with 3\n', stderr: '' });
  expect(heard).toEqual({ code: 4, stdout: 'left with 4\n', stderr: 'heard no luck\n' });
  expect([thrown.code, thrown.stdout]).toEqual([1, 'left with 1\n']);
  expect(thrown.stderr).toMatch(/^Error: no luck\n {4}at .*script\.mjs/);
  expect(failed).toEqual({ code: 2, stdout: '\nleft with 2\n', stderr: '' });
  expect(again).toEqual({ code: 0, stdout: 'c\nleft with 0\n', stderr: '' });
});

it('says at what the process ended, if it does', async () => {
  const gone = join(folder, 'gone.mjs');
  writeFileSync(gone, 'process.kill(process.pid, "SIGKILL");');
  await expect(inTurn(gone)('now')).rejects.toThrow('the process of all runs ended at: now');
});
