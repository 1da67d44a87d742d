#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { Argument, Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { STAGES } from '../emit/stages.js';
import { GradError, OptionError } from '../errors.js';
import { clipped, printable, printableLines } from '../printable.js';
import type { CompileModelOptions } from './compile.js';
import type { DoctorOptions } from './doctor.js';
import type { InspectOptions } from './inspect.js';
import type { LrFindOptions } from './lr-find.js';
import { note, tolerateClosedPipes } from './output.js';
import type { SampleOptions } from './sample.js';
import {
  addSettings,
  FINDER_SETTINGS,
  MODEL_SETTINGS,
  RUN_SETTINGS,
  wholeOption,
  wideOption,
} from './settings.js';
import type { TrainOptions } from './train.js';

const FAILURE = 1;
const USAGE = 2;

const dataOption = () =>
  new Option('--data <file>', 'words to train on, one a line (default: English first names)');
const jsonOption = () => new Option('--json', 'one JSON object as the last line of standard output');
const taskArgument = () => new Argument('<task>', 'what to train').choices(['names']);

function commandLine(run: (command: Promise<number>) => void): Command {
  const program = new Command('2headgrad')
    .description(
      'Trains models that are compiled to WebAssembly: forward, backward and update as one module.',
    )
    .version(version(), '--version', 'print the version')
    .helpOption('--help', 'print this help')
    .helpCommand(false)
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(oneLine(text)) });

  const train = program
    .command('train')
    .summary('train a model that makes up names')
    .description("Trains Bengio's character model on words, and writes a folder with the model and a report.")
    .addArgument(taskArgument())
    .addOption(dataOption());
  addSettings(train, RUN_SETTINGS)
    .addOption(wideOption())
    .option('--out <dir>', 'folder for the model and the report', folderName, 'runs/names')
    .option('--resume', "go on from the folder's checkpoint, with its settings")
    .option('--diagnostics', 'look at activations, gradients and updates on the way; the report shows them')
    .addOption(jsonOption())
    .action((_task: string, options: TrainOptions) => {
      const given = (name: string) => train.getOptionValueSource(name) === 'cli';
      run(import('./train.js').then((module) => module.train(options, given)));
    });

  const lrFind = program
    .command('lr-find')
    .summary('look for a learning rate')
    .description(
      'Looks for the learning rates between which the model learns, then trains once with a rate that rises from step to step, and suggests one.',
    )
    .addArgument(taskArgument())
    .addOption(dataOption());
  addSettings(lrFind, FINDER_SETTINGS)
    .addOption(wideOption())
    .addOption(
      wholeOption('--steps <n>', 'steps of the run with the rising rate', 50, 1_000_000).default(1000),
    )
    .option('--out <dir>', 'folder for the picture and the report', folderName, 'runs/lr-find')
    .addOption(jsonOption())
    .action((_task: string, options: LrFindOptions) => {
      run(import('./lr-find.js').then((module) => module.lrFind(options)));
    });

  program
    .command('sample')
    .summary('print names from a trained model')
    .description('Prints names that a trained model makes up. The same seed gives the same names.')
    .argument('<dir>', 'a folder that train has written')
    .addOption(wholeOption('--count <n>', 'how many', 0, 1_000_000).default(20))
    .addOption(wholeOption('--seed <n>', "of the random numbers (default: the run's)", 0, 0xffffffff))
    .addOption(jsonOption())
    .action((folder: string, options: SampleOptions) => {
      run(import('./sample.js').then((module) => module.sample(folder, options)));
    });

  const inspect = program
    .command('inspect')
    .summary('look at a stage of the compilation')
    .description(
      'Compiles the training step without running it, and prints what a stage of the compiler made of it.',
    )
    .addArgument(taskArgument())
    .addOption(new Option('--stage <stage>', 'what to print (default: graph)').choices(STAGES))
    .option('--svg <file>', 'draw the graph of the training step')
    .addOption(dataOption());
  addSettings(inspect, [...MODEL_SETTINGS, 'batch']).action((_task: string, options: InspectOptions) => {
    run(import('./inspect.js').then((module) => module.inspect(options)));
  });

  const doctor = program
    .command('doctor')
    .summary('find out what is wrong with a model')
    .description(
      'Examines the training step of a model: its graph and one batch. Says what is wrong, where, and what to change.',
    )
    .argument('<model>', 'names, or a TypeScript or JavaScript file that exports training steps (and data)')
    .option('--data <file>', 'words, one a line; for a model file JSON with an array for each input')
    .option('--export <name>', "the step to examine (default: all of the file's)");
  addSettings(doctor, [...MODEL_SETTINGS, 'batch', 'lr', 'seed'])
    .addOption(jsonOption())
    .action((model: string, options: DoctorOptions) => {
      const given = (name: string) => doctor.getOptionValueSource(name) === 'cli';
      run(import('./doctor.js').then((module) => module.doctor(model, options, given)));
    });

  program
    .command('compile')
    .summary('compile a model ahead of time into a folder that needs nothing else')
    .description(
      'Compiles the training step that a model file exports into a folder with model.wasm, model.js, which loads it in Node, browsers, workers, Deno and Bun, its types and its manifest.',
    )
    .argument('<model>', 'a file that exports what trainStep({ ... }) returns: .ts, .mts, .js or .mjs')
    .requiredOption('--out <dir>', 'folder for the compiled model', folderName)
    .option('--export <name>', 'which export to compile, if there are several')
    .addOption(
      new Option('--entry <names>', 'only these entry points, such as evaluate,predict').argParser(list),
    )
    .addOption(
      new Option('--target <place>', 'where model.js is to run')
        .choices(['both', 'node', 'web'])
        .default('both'),
    )
    .option('--threads', 'a module that threads can share, beside one that needs none')
    .option(
      '--relaxed',
      'a module with fused multiply-add, beside one without: faster, other bits on each machine',
    )
    .addOption(
      wholeOption('--seed <n>', 'of the initial weights; the default of sessions', 0, 0xffffffff).default(42),
    )
    .option('--weights <what>', 'also weights to begin with: "initial", or a safetensors file')
    .option('--wat', 'also the module as text')
    .option('--assemblyscript', 'also the source that the module was compiled from')
    .option('--report', 'also a page with the graph, the schedule, the memory map and the sizes')
    .addOption(jsonOption())
    .action((model: string, options: CompileModelOptions) => {
      run(import('./compile.js').then((module) => module.compile(model, options)));
    });
  return program;
}

/** Names between commas. */
/** Names with commas between them, or given one after the other. */
function list(text: string, before: string[] = []): string[] {
  return [...before, ...text.split(',').map((name) => name.trim())];
}

function version(): string {
  return JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')).version;
}

/** Commander's errors as ours are: one line, with the place where the options are explained. */
function oneLine(text: string): string {
  const message = text
    .replace(/^error: /, '')
    .replace(/\s*\n\s*/g, ' ')
    .trim();
  return `2headgrad: ${printable(message)} (${hint()})\n`;
}

/** A folder by its name: an empty one is a shell's variable that is not set. */
function folderName(text: string): string {
  if (text === '') throw new InvalidArgumentError('Give the name of a folder.');
  return text;
}

function hint(): string {
  const command = process.argv[2];
  return `see 2headgrad ${['train', 'lr-find', 'sample', 'inspect', 'doctor', 'compile'].includes(command) ? `${command} ` : ''}--help`;
}

/** A line stays a line, even where a message quotes pages. */
function shorten(message: string): string {
  return message.length > 600 ? `${message.slice(0, 580)} ... (DEBUG=1 shows all)` : message;
}

/** Says what went wrong in one line; returns the exit code. */
function fail(error: unknown): number {
  const debug = (process.env.DEBUG ?? '') !== '';
  const text = clipped(error instanceof Error ? error.message : String(error), 10_000);
  const message = shorten(text.replace(/\s*\n\s*/g, ' '));
  if (debug && error instanceof Error) process.stderr.write(`${printableLines(String(error.stack))}\n`);
  if (error instanceof OptionError) note(`2headgrad: ${message} (${hint()})`);
  else if (error instanceof GradError) note(`2headgrad: ${message}`);
  else note(`2headgrad: unexpected error: ${message}${debug ? '' : ' (DEBUG=1 shows where)'}`);
  return error instanceof OptionError ? USAGE : FAILURE;
}

async function main(args: string[]): Promise<number> {
  let command: Promise<number> = Promise.resolve(0);
  try {
    const program = commandLine((started) => {
      command = started;
    });
    if (args.length === 0) {
      program.outputHelp({ error: true });
      return USAGE;
    }
    program.parse(args, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? 0 : USAGE;
  }
  return command;
}

tolerateClosedPipes();
process.on('uncaughtException', (error) => process.exit(fail(error)));
let finished = false;
process.once('exit', (code) => {
  // A model file may end the process, or wait for what never comes: Node then leaves in silence.
  if (finished || (code !== 0 && code !== 13)) return;
  note('2headgrad: the process was ended before the command was done, by the model file as it seems');
  process.exitCode = FAILURE;
});
process.exitCode = await main(process.argv.slice(2)).catch(fail);
finished = true;
