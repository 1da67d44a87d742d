import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, resolve } from 'node:path';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { PASSES } from '../src/emit/compile.js';
import {
  attentions,
  contexts,
  convolution,
  product,
  QUICK,
  select,
  WORKLOADS,
  type Workload,
} from './workloads.js';

export interface Options {
  workloads: readonly Workload[];
  /** Functions by themselves: compiled alone, one thread. */
  bare: boolean;
  rounds: number;
  threads: number;
  quick: boolean;
  json: boolean;
  html?: string;
  peers: boolean;
  /** Also our engine with wide vectors, where it has them. */
  wide: boolean;
  /** Passes of the compiler; if any, our engine is measured without them, too. */
  without: readonly string[];
  /** Only the time of each kernel. */
  callgraph: boolean;
}

const NOTES = `
W1 and W2 are the character model of Bengio et al. (2003), without and with batch norm, W3 the one of words, W4 a classifier
of digits with two hidden layers, W5 are bare products, W6 is a GPT of characters, 4 layers of width 128 with a context of 64
(W6-tiny: 3 of 96), W7 a convolutional network for digits, W8 a GRU of characters, 128 wide over 64 steps; --conv,
--attention and --contexts have sizes of their own unless told. Each is trained on batches of one size; W6 to W8 by Adam or AdamW.
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
    .addOption(
      instead('--gemm <sizes>', 'bare products of sizes MxNxK, such as 33x77x51,512x512x512', products),
    )
    .addOption(
      instead(
        '--conv [sizes]',
        `bare convolutions and their gradients, HEIGHTxWIDTHxCHANNELSxOUTxKERNEL, such as ${CONVOLUTIONS}`,
        convolutions,
      ).preset(CONVOLUTIONS),
    )
    .addOption(
      instead(
        '--contexts [lengths]',
        `W6 with contexts of these lengths and equal tokens in a step, such as ${CONTEXTS}`,
        texts,
      ).preset(CONTEXTS),
    )
    .addOption(
      instead(
        '--attention [lengths]',
        `attention and its gradients by themselves, causal and not, of texts of these lengths and equal tokens, such as ${ATTENTIONS}`,
        attentionsOf,
      ).preset(ATTENTIONS),
    )
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
    .option(
      '--without <passes>',
      'also measure with these passes of the compiler left out; with --contexts and --attention, unless told, those for attention',
      passes,
      [] as readonly string[],
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
  const { only, gemm, conv, attention, contexts, quick, ...rest } = command.opts<
    Omit<Options, 'workloads' | 'bare' | 'rounds'> & {
      [others in 'only' | 'gemm' | 'conv' | 'attention' | 'contexts']?: Workload[];
    } & { rounds?: number }
  >();
  const bare = gemm ?? conv ?? attention;
  const workloads = bare ?? contexts ?? only ?? (quick ? select(QUICK) : WORKLOADS);
  const without = (contexts ?? attention) && rest.without.length === 0 ? ATTENTION : rest.without;
  return {
    ...rest,
    without,
    quick,
    workloads,
    bare: bare !== undefined,
    rounds: rest.rounds ?? (quick ? 3 : 9),
  };
}

/** Images of the sizes of small networks, as many channels going out as come in, and the first layer of one. */
const CONVOLUTIONS = [
  ...['32x32x16x16', '40x40x32x32', '56x56x64x64'].flatMap((size) => [`${size}x3`, `${size}x1`]),
  '32x32x3x16x3',
  '56x56x3x16x3',
].join(',');
const CONTEXTS = '64,256,1024';
const ATTENTIONS = '64,128,256,512,1024';
/** What keeps attention small in memory: long contexts show what it is worth. */
const ATTENTION = PASSES.filter((pass) => pass.endsWith('attention'));

/** An option that says what is measured: there can be one of them. */
const INSTEAD = ['only', 'gemm', 'conv', 'attention', 'contexts'];
function instead(flags: string, description: string, read: (text: string) => Workload[]): Option {
  const option = new Option(flags, `instead, ${description}`).argParser(read);
  return option.conflicts(INSTEAD.filter((name) => name !== option.attributeName()));
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

/** Sizes of so many numbers each, written as in `form`, one after the other. */
function sizes(text: string, count: number, form: string): number[][] {
  return text.split(',').map((size) => {
    const numbers = size.split('x').map((n) => (/^\d+$/.test(n) ? Number(n) : 0));
    if (numbers.length !== count || numbers.includes(0))
      throw new InvalidArgumentError(`expected ${form}, not ${size}`);
    return numbers;
  });
}

const products = (text: string): Workload[] =>
  sizes(text, 3, 'MxNxK, such as 33x77x51').map(([m, n, k]) => product(m, n, k));

const convolutions = (text: string): Workload[] =>
  sizes(text, 5, 'HEIGHTxWIDTHxCHANNELSxOUTxKERNEL, such as 32x32x3x16x3').flatMap(
    ([height, width, channels, out, kernel]) => convolution(height, width, channels, out, kernel),
  );

const attentionsOf = (text: string): Workload[] => checked(() => attentions(text.split(',').map(whole)));

const texts = (text: string): Workload[] => checked(() => contexts(text.split(',').map(whole)));

function passes(text: string): string[] {
  const names = text.split(',');
  const unknown = names.find((name) => !PASSES.includes(name));
  if (unknown !== undefined)
    throw new InvalidArgumentError(`there is no pass ${unknown}: the passes are ${PASSES.join(', ')}`);
  return names;
}
