import { Argument, type Command } from 'commander';
import { MAX_THREADS } from '../plan/layout.js';
import type { BenchOptions } from './bench.js';
import type { CacheAction, CacheOptions } from './cache.js';
import type { ExportOptions } from './export.js';
import type { NewOptions } from './new.js';
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
import { memoryOption, numberOption, wholeOption } from './settings.js';

/** Commands around a model: a project to begin with, its speed, and what is kept of its compilation. */
export function addTools(program: Command, run: (command: Promise<number>) => void): void {
  program
    .command('new')
    .summary('write a small project that trains, and a page that uses its model')
    .description(
      'Writes a project into a folder that is not there yet, or empty: a model, a script that trains it, a page with Vite that uses it, and the types and scripts for them.',
    )
    .argument('<dir>', 'folder for the project; its name is the name of the package', folderName)
    .option('--name <name>', 'name of the package, where the name of the folder will not do')
    .addOption(jsonOption())
    .action((folder: string, options: NewOptions) => {
      run(import('./new.js').then((module) => module.newProject(folder, options)));
    });

  const bench = program
    .command('bench')
    .summary('measure how fast a model trains')
    .description(
      'Compiles the training step and measures steps a second, compiled on one thread and on several and on the tape, in turns: what is told is the median of the rounds. Parameters stay as they are (the learning rate is 0). A model file that exports no data is given made-up rows.',
    )
    .addArgument(taskArgument())
    .addOption(exportOption())
    .addOption(setOption())
    .addOption(dataOption());
  addSettings(bench, withModel('batch', 'seed'))
    .addOption(wholeOption('--threads <n>', 'threads beside one', 1, MAX_THREADS).default(2))
    .addOption(
      numberOption(
        '--seconds <x>',
        'how long to measure, about',
        (seconds) => seconds > 0 && seconds <= 3600,
        'a number above 0, to 3600',
      ).default(6),
    )
    .addOption(memoryOption())
    .addOption(jsonOption())
    .action((task: string, options: BenchOptions) => {
      run(import('./bench.js').then((module) => module.bench(task, options)));
    });

  program
    .command('export')
    .summary('write a trained model, or its training step, for other engines, as ONNX')
    .description(
      'Writes a trained model as an ONNX file, with its weights: what predicts, or the whole training step. Variables that an entry changes are inputs and, with .out behind the name, outputs; what they begin as is written beside it, as safetensors. Needs two packages: npm install onnx-buf @bufbuild/protobuf.',
    )
    .argument(
      '<dir>',
      'a folder that train has written, or what it has trained there: names, text, words, or a model file',
    )
    .requiredOption('--onnx <file>', 'what to write; its name ends in .onnx')
    .option('--entry <name>', 'what of the step: predict unless given, or an entry of its own')
    .option('--training', 'the training step: forward, backward and update')
    .option('--model <file>', 'the model file of a run of such')
    .addOption(exportOption())
    .addOption(setOption())
    .option(
      '--weights <what>',
      'of a model file that was not trained by this command: a safetensors file, or "initial"',
    )
    .addOption(jsonOption())
    .action((what: string, options: ExportOptions) => {
      run(import('./export.js').then((module) => module.exportModel(what, options)));
    });

  program
    .command('cache')
    .summary('show what is kept of compiled modules, or clear it')
    .description(
      'Shows the folder in which compiled modules are kept, how many there are, and how much they take; with clear removes them. The folder is 2headgrad in XDG_CACHE_HOME, or else in .cache of the home folder.',
    )
    .addArgument(new Argument('[action]', 'what to do with it').choices(['show', 'clear']).default('show'))
    .addOption(jsonOption())
    .action((action: CacheAction, options: CacheOptions) => {
      run(import('./cache.js').then((module) => module.cache(action, options)));
    });
}
