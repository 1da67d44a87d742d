#!/usr/bin/env node
import { Command, CommanderError, Option } from 'commander';
import { STAGES } from '../emit/stages.js';
import { GradError, OptionError } from '../errors.js';
import { version } from '../package-version.js';
import { clipped, printable, printableLines } from '../printable.js';
import type { CompileModelOptions } from './compile.js';
import type { DoctorOptions } from './doctor.js';
import type { InspectOptions } from './inspect.js';
import type { Choices } from './kinds/kind.js';
import type { LrFindOptions } from './lr-find.js';
import type { NeighboursOptions } from './neighbours.js';
import {
  addSettings,
  dataOption,
  exportOption,
  folderName,
  jsonOption,
  setOption,
  taskArgument,
  withModel,
} from './options.js';
import { note, tolerateClosedPipes, warnInOneLine } from './output.js';
import type { SampleOptions } from './sample.js';
import { memoryOption, numberOption, type SettingName, wholeOption, wideOption } from './settings.js';
import { addSweeps } from './sweep/commands.js';
import { addTools } from './tools.js';
import type { TrainOptions } from './train.js';

const FAILURE = 1;
const USAGE = 2;

const allSettings = ({ initial }: Choices) => Object.keys(initial) as SettingName[];

function commandLine(run: (command: Promise<number>) => void): Command {
  const program = new Command('2headgrad')
    .description(
      'Trains models that are compiled to WebAssembly: forward, backward and update as one module.',
    )
    .version(version(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand(false)
    .exitOverride()
    .configureOutput({ outputError: (text, write) => write(oneLine(text)) });

  const train = program
    .command('train')
    .summary(
      'train a model that makes up names, or goes on from a text, or guesses words, or one of your own',
    )
    .description(
      "Trains Bengio's character model on words (names), a GPT on a text (text), Bengio's model of words on a text, beside n-grams (words), or the training step that a file exports on the data that it exports, and writes a folder with the model and a report. What else a file may say is in the README, under A model of your own.",
    )
    .addArgument(taskArgument())
    .addOption(dataOption());
  addSettings(train, allSettings)
    .addOption(wideOption())
    .addOption(memoryOption())
    .option(
      '--out <dir>',
      'folder for the model and the report (default: runs/names, runs/text, runs/words, runs/FILE)',
      folderName,
    )
    .addOption(exportOption())
    .addOption(setOption())
    .addOption(
      numberOption(
        '--save-every <seconds>',
        'from one checkpoint to the next (default: 10; words: 120)',
        (seconds) => seconds > 0 && seconds <= 86_400,
        'a number above 0, to 86400',
      ),
    )
    .option(
      '--distributed',
      'share the shards of each batch with the other processes that mpirun or srun has started: mpirun -n 4 npx 2headgrad train ... --distributed --shards 8',
    )
    .addOption(
      numberOption(
        '--peer-timeout <seconds>',
        'with --distributed: how long another process may be silent in a step (default: 20)',
        (seconds) => seconds > 0 && seconds <= 86_400,
        'a number above 0, to 86400',
      ),
    )
    .option('--resume', "go on from the folder's checkpoint, with its settings")
    .option('--diagnostics', 'look at activations, gradients and updates on the way; the report shows them')
    .addOption(jsonOption())
    .action((task: string, options: TrainOptions) => {
      run(import('./train.js').then((module) => module.train(task, options)));
    });

  const lrFind = program
    .command('lr-find')
    .summary('look for a learning rate')
    .description(
      'Looks for the learning rates between which the model learns, then trains once with a rate that rises from step to step, and suggests one.',
    )
    .addArgument(taskArgument())
    .addOption(dataOption());
  addSettings(lrFind, withModel('batch', 'seed', 'threads', 'engine'))
    .addOption(wideOption())
    .addOption(
      wholeOption('--steps <n>', 'steps of the run with the rising rate', 50, 1_000_000).default(1000),
    )
    .addOption(exportOption())
    .addOption(setOption())
    .option('--out <dir>', 'folder for the picture and the report', folderName, 'runs/lr-find')
    .addOption(jsonOption())
    .action((task: string, options: LrFindOptions) => {
      run(import('./lr-find.js').then((module) => module.lrFind(task, options)));
    });

  program
    .command('sample')
    .summary('print names from a trained model, or a text that goes on')
    .description(
      'Prints names that a trained model makes up, or a text that it goes on with, or what the function sample of a model file makes. The same seed gives the same. Of a run of words it is the best model that is used, and the word that stands for rare ones is not drawn. A model of texts sees its context at most: when that is full, the later half of it is read again, so that a token takes time with the context, and not with its square.',
    )
    .argument(
      '<dir>',
      'a folder that train has written, or what it has trained there: names, text, words, or a model file',
    )
    .addOption(wholeOption('--count <n>', 'how many (default: 20 names, 1 text)', 0, 1_000_000))
    .addOption(wholeOption('--seed <n>', "of the random numbers (default: the run's)", 0, 0xffffffff))
    .option('--prompt <text>', 'what each begins with')
    .addOption(wholeOption('--length <n>', 'tokens of a text after the prompt (default: 200)', 0, 1_000_000))
    .addOption(
      numberOption(
        '--temperature <x>',
        'below 1 what is likely gets likelier; at 0 the likeliest is taken (default: 1)',
        (x) => x >= 0 && x <= 1000,
        'a number from 0 to 1000',
      ),
    )
    .addOption(wholeOption('--top-k <n>', 'draw among so many of the likeliest; 0 for all', 0, 1_000_000))
    .addOption(
      numberOption(
        '--top-p <p>',
        'draw among the likeliest that together have this probability; 1 for all',
        (p) => p > 0 && p <= 1,
        'a number above 0, to 1',
      ),
    )
    .option('--model <file>', 'the model file of a run of such, which exports a function sample')
    .addOption(exportOption())
    .addOption(setOption())
    .addOption(jsonOption())
    .action((folder: string, options: SampleOptions) => {
      run(import('./sample.js').then((module) => module.sample(folder, options)));
    });

  program
    .command('neighbours')
    .summary('print the words that a trained model takes for similar')
    .description(
      'Prints, for each word given, those whose feature vectors point most nearly where its own does, with the cosine of the angle between them, from the table of a run of words.',
    )
    .argument('<words...>', 'words of its vocabulary')
    .option('--from <dir>', 'a folder that train words has written', folderName, 'runs/words')
    .addOption(wholeOption('--count <n>', 'how many of each', 1, 1_000_000).default(10))
    .addOption(jsonOption())
    .action((words: string[], options: NeighboursOptions) => {
      run(import('./neighbours.js').then((module) => module.printNeighbours(words, options)));
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
    .addOption(exportOption())
    .addOption(setOption())
    .addOption(dataOption());
  addSettings(inspect, withModel('batch'))
    .addOption(memoryOption())
    .action((task: string, options: InspectOptions) => {
      run(import('./inspect.js').then((module) => module.inspect(task, options)));
    });

  const doctor = program
    .command('doctor')
    .summary('find out what is wrong with a model')
    .description(
      'Examines the training step of a model: its graph and one batch. Says what is wrong, where, and what to change.',
    )
    .argument(
      '<model>',
      'names, text, words, or a TypeScript or JavaScript file that exports training steps (and data)',
    )
    .option('--data <file>', 'words or a text; for a model file JSON with an array for each input')
    .option('--export <name>', "the step to examine (default: all of the file's)")
    .addOption(setOption());
  addSettings(doctor, withModel('batch', 'lr', 'seed'))
    .addOption(jsonOption())
    .action((model: string, options: DoctorOptions) => {
      run(import('./doctor.js').then((module) => module.doctor(model, options)));
    });

  const compile = program
    .command('compile')
    .summary('compile a model ahead of time into a folder that needs nothing else')
    .description(
      'Compiles the training step of a model into a folder with model.wasm, model.js, which loads it in Node, browsers, workers, Deno and Bun, its types and its manifest.',
    )
    .argument(
      '<model>',
      'a file that exports what trainStep({ ... }) returns (.ts, .mts, .js or .mjs), or names, text, words',
    )
    .requiredOption('--out <dir>', 'folder for the compiled model', folderName)
    .option('--export <name>', 'which export to compile, if there are several')
    .addOption(setOption())
    .option('--data <file>', 'of names, text and words, whose vocabulary it has')
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
    .addOption(memoryOption())
    .option('--weights <what>', 'also weights to begin with: "initial", or a safetensors file')
    .option('--wat', 'also the module as text')
    .option('--assemblyscript', 'also the source that the module was compiled from')
    .option('--report', 'also a page with the graph, the schedule, the memory map and the sizes');
  addSettings(compile, withModel('batch'))
    .addOption(jsonOption())
    .action((model: string, options: CompileModelOptions) => {
      run(import('./compile.js').then((module) => module.compile(model, options)));
    });
  addSweeps(program, run);
  addTools(program, run);
  return program;
}

/** Names with commas between them, or given one after the other. */
function list(text: string, before: string[] = []): string[] {
  return [...before, ...text.split(',').map((name) => name.trim())];
}

/** Commander's errors as ours are: one line, with the place where the options are explained. */
function oneLine(text: string): string {
  const message = text
    .replace(/^error: /, '')
    .replace(/\s*\n\s*/g, ' ')
    .trim();
  return `2headgrad: ${printable(message)} (${hint()})\n`;
}

/** The names of all commands, once there are any. */
let commands: readonly string[] = [];

function hint(): string {
  const command = process.argv[2];
  return `see 2headgrad ${commands.includes(command) ? `${command} ` : ''}--help`;
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
    commands = program.commands.map((one) => one.name());
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
warnInOneLine();
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
