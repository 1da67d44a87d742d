// The recipes of the docs beside the same in TensorFlow.js: lines of code, and seconds from the start of a process to its end.
// Both have to print what the recipe says; the digits take TensorFlow.js some minutes. Needs the peers: npm ci --prefix bench/peers
//
//   npm run bench:tasks

import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tableText } from '../src/cli/output.js';
import { pagesOf, ROOT } from '../test/docs/pages.js';

const TASKS = join(ROOT, 'bench/peers/tasks');
const OURS = join(ROOT, 'build/tasks');

/** Lines that are neither empty nor a comment alone. */
const lines = (code: string) => code.split('\n').filter((line) => /^\s*(?!\/\/)\S/.test(line)).length;

/** What a program prints, and the seconds that its process takes. */
function run(...args: string[]): { printed: string; seconds: number } {
  const began = performance.now();
  const printed = execFileSync(process.execPath, args, {
    cwd: OURS,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return { printed, seconds: (performance.now() - began) / 1000 };
}

rmSync(OURS, { recursive: true, force: true });
mkdirSync(OURS, { recursive: true });
const pages = new Map(pagesOf().map((page) => [page.path, page]));
const rows = readdirSync(TASKS).map((file) => {
  const name = file.replace('.mjs', '');
  const { program, prints } = pages.get(join('recipes', `${name}.md`))!;
  const own = join(OURS, `${name}.ts`);
  writeFileSync(own, program);
  const peer = join(TASKS, file);
  const [ours, theirs] = [run('--import', import.meta.resolve('tsx'), own), run(peer)];
  for (const [who, { printed }] of Object.entries({ ours, theirs }))
    for (const line of prints)
      if (!printed.split('\n').includes(line))
        throw new Error(`${name} (${who}) did not print: ${line}\n${printed}`);
  const counts = [lines(program), lines(readFileSync(peer, 'utf8'))];
  return [name, ...counts.map(String), ...[ours, theirs].map(({ seconds }) => seconds.toFixed(1))];
});
for (const line of tableText(['', 'lines', 'of TensorFlow.js', 'seconds', 'of TensorFlow.js'], rows))
  console.log(line);
