import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { duration, plural } from '../src/cli/output.js';
import { PASSES } from '../src/emit/compile.js';
import { MAX_THREADS } from '../src/plan/layout.js';
import type { Settings } from '../test/property/check.js';
import { keepCase, printCase } from '../test/property/failures.js';
import { type Finding, fuzz } from '../test/property/fuzz.js';

// Random training steps, compiled and run by several threads, against the reference in the order of the user.

interface Options {
  count: number;
  seed: number;
  threads?: number[];
  without?: string[];
  poison?: boolean;
  level?: number;
  shrink: number;
}

const whole = (text: string): number => {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('expected a whole number.');
  return Number(text);
};

const threads = (text: string): number[] => {
  const list = text.split(',').map(whole);
  if (list.some((n) => n < 1 || n > MAX_THREADS))
    throw new InvalidArgumentError(`expected numbers from 1 to ${MAX_THREADS}, such as 1,3.`);
  return list;
};

const passList = (text: string): string[] => {
  const list = text.split(',');
  if (list.some((name) => !PASSES.includes(name)))
    throw new InvalidArgumentError(`the passes are ${PASSES.join(', ')}.`);
  return list;
};

const level = (text: string): number => {
  if (!/^[0-3]$/.test(text)) throw new InvalidArgumentError('expected 0 to 3.');
  return Number(text);
};

function readOptions(): Options {
  try {
    return new Command('fuzz')
      .description(
        'Compiles random training steps, runs each for a few steps and compares with the reference. Unless told otherwise every 25 programs are compiled in another way: as shipped, with dead memory poisoned, without one of the passes, with less effort.',
      )
      .option('--count <n>', 'programs', whole, 300)
      .option('--seed <n>', 'of the first program; the others follow', whole, 1)
      .option('--threads <list>', 'numbers of threads that must agree to the bit (default: 1,3)', threads)
      .option('--without <passes>', 'leave out these passes', passList)
      .option('--poison', 'fill memory that holds no live value with NaN')
      .option('--level <n>', "effort of asc's optimizer, 0 to 3", level)
      .option('--shrink <n>', 'make only the first n failures small and keep them as tests', whole, 5)
      .exitOverride()
      .parse()
      .opts<Options>();
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    process.exit(error.exitCode === 0 ? 0 : 2);
  }
}

/** What `npm run fuzz` has to be told to come to the same failure. */
function command({ seed }: Finding, given: Settings): string {
  const words = [
    given.threads && `--threads ${given.threads.join(',')}`,
    given.without && `--without ${given.without.join(',')}`,
    given.poison && '--poison',
    given.level !== undefined && `--level ${given.level}`,
  ];
  return ['npm run -s fuzz --', `--seed ${seed}`, '--count 1', ...words.filter(Boolean)].join(' ');
}

function showProgress(total: number): (done: number, failed: number) => void {
  const started = performance.now();
  const tty = process.stderr.isTTY;
  let tenth = 0;
  return (done, failed) => {
    const left = ((performance.now() - started) / 1000 / done) * (total - done);
    const line = `${done} of ${plural(total, 'program')}, ${failed} failed, ${duration(left)} left`;
    if (tty) process.stderr.write(`\r\x1b[K${line}${done < total ? '' : '\n'}`);
    else if (Math.floor((done * 20) / total) > tenth) process.stderr.write(`${line}\n`);
    tenth = Math.floor((done * 20) / total);
  };
}

const { count, seed, shrink, ...given } = readOptions();
const failed = (at: number, problem: string) => process.stderr.write(`program ${at}: ${problem}\n`);
const report = showProgress(count);
const found = await fuzz({ count, seed, shrink, settings: given, failed, report });
for (const finding of found) {
  const { problem, smallest, settings } = finding;
  const about = `found by ${command(finding, given)}`;
  console.log(`program ${finding.seed}: ${problem}\n${about}`);
  if (!smallest) continue;
  const text = printCase(smallest, settings, `${smallest.problem.split('\n')[0]}\n${about}`);
  console.log(`the smallest of its kind, kept as ${keepCase(`seed-${finding.seed}`, text)}:\n${text}`);
}
console.log(`${count - found.length} passed, ${found.length} failed`);
process.exitCode = found.length ? 1 : 0;
