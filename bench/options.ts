import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, resolve } from 'node:path';
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { product, QUICK, select, WORKLOADS, type Workload } from './workloads.js';

export interface Options {
  workloads: readonly Workload[];
  /** Bare products: compiled alone, one thread. */
  bare: boolean;
  rounds: number;
  threads: number;
  quick: boolean;
  json: boolean;
  html?: string;
  peers: boolean;
  /** Also our engine with wide vectors, where it has them. */
  wide: boolean;
  /** Only the time of each kernel. */
  callgraph: boolean;
}

const NOTES = `
Steps per second are medians over rounds in which all engines and the ceiling take turns; +- is half of the
distance between the quartiles. "vs tape" is a row's speed over the tape's, "compiled is" the speed of strict compiled
code on one thread over the row's. The ceiling is what one core does in a loop of multiply-adds on registers, strict
or relaxed, times the threads. GFLOP/s count a product of [m, k] and [k, n] as 2mnk and other work as the compiler's
cost model does. compile_ms is from graph to wasm with a warm compiler and no cache; peak_bytes (memory) is all that
a session needs beside the dataset: parameters, optimizer state, inputs, outputs and intermediate values.
Run it on an otherwise idle machine: threads that wait for each other suffer most from other work.`;

/** Reads the command line, or ends the process. */
export function parseOptions(args: readonly string[]): Options {
  const cores = availableParallelism();
  const command = new Command('bench')
    .description(
      'Measures training steps per second: the tape, the compiled engine, and with --peers others.',
    )
    .option(
      '--only <names>',
      `workloads, of ${WORKLOADS.map((w) => w.name).join(', ')}; W5 is all of its kind`,
      (text) => checked(() => select(text.split(','))),
    )
    .option('--gemm <sizes>', 'instead, bare products of sizes MxNxK, such as 33x77x51,512x512x512', sizes)
    .option('--rounds <n>', 'turns of each engine; 9, or 3 with --quick', whole)
    .option('--threads <n>', 'also measure with so many threads', whole, Math.min(2, cores))
    .option('--quick', `three short rounds, and unless told otherwise only ${QUICK.join(', ')}`, false)
    .option(
      '--peers',
      'also measure jax-js, tfjs, onnxruntime-web and PyTorch where they are installed',
      false,
    )
    .option(
      '--wide',
      'also measure with vectors of 256 bits, where this Node.js has them and a trial of the module allows it',
      false,
    )
    .option('--callgraph', 'instead, the time of each kernel of a step on one thread', false)
    .option('--html <file>', 'write a page with charts', inFolder)
    .option('--json', 'one JSON object as the last line', false)
    .addHelpText('after', NOTES)
    .exitOverride();
  try {
    command.parse(args, { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) process.exit(error.exitCode === 0 ? 0 : 2);
    throw error;
  }
  const { only, gemm, quick, ...rest } = command.opts<
    Omit<Options, 'workloads' | 'bare' | 'rounds'> & { only?: Workload[]; gemm?: Workload[]; rounds?: number }
  >();
  const workloads = gemm ?? only ?? (quick ? select(QUICK) : WORKLOADS);
  return { ...rest, quick, workloads, bare: gemm !== undefined, rounds: rest.rounds ?? (quick ? 3 : 9) };
}

/** A file is written at the end of a long run: its folder has to be there from the start. */
function inFolder(path: string): string {
  const folder = dirname(resolve(path));
  if (!existsSync(folder)) throw new InvalidArgumentError(`the folder ${folder} does not exist`);
  return path;
}

function checked<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
}

function whole(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('expected a whole number from 1');
  return value;
}

function sizes(text: string): Workload[] {
  return text.split(',').map((size) => {
    const match = /^(\d+)x(\d+)x(\d+)$/.exec(size);
    const numbers = match?.slice(1).map(Number) ?? [];
    if (!numbers.length || numbers.includes(0))
      throw new InvalidArgumentError(`expected MxNxK, such as 33x77x51, not ${size}`);
    const [m, n, k] = numbers;
    return product(m, n, k);
  });
}
