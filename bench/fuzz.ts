import { Command, InvalidArgumentError } from 'commander';
import { wrongGraphs } from '../test/property/compiled.js';

// Random graphs, compiled with one and with three threads, against the reference.

const whole = (text: string): number => {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('expected a whole number');
  return Number(text);
};

const { count, seed } = new Command('fuzz')
  .description('Compiles random graphs and compares their results with the reference.')
  .option('--count <n>', 'graphs', whole, 300)
  .option('--seed <n>', 'of the graphs', whole, 1)
  .parse()
  .opts<{ count: number; seed: number }>();

const half = Math.ceil(count / 2);
const report = (before: number) => (done: number) => process.stderr.write(`\r${before + done} of ${count} `);
const wrong = [
  ...(await wrongGraphs({ count: half, seed, threads: 1, report: report(0) })),
  ...(await wrongGraphs({ count: count - half, seed: seed + half, threads: 3, report: report(half) })),
];
process.stderr.write('\n');
for (const text of wrong) console.log(text);
console.log(`${count - wrong.length} passed, ${wrong.length} failed`);
process.exitCode = wrong.length ? 1 : 0;
