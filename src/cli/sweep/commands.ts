import { type Command, Option } from 'commander';
import { MAX_THREADS } from '../../plan/layout.js';
import { exportOption, folderName, jsonOption, setOption, taskArgument } from '../options.js';
import { numberOption, wholeOption } from '../settings.js';
import { MOST_CONFIGURATIONS } from './draw.js';
import { COUNT, ETA, STRATEGIES } from './plan.js';
import type { SweepOptions } from './sweep.js';
import type { WorkerOptions } from './worker.js';

const redisOption = () =>
  new Option(
    '--redis [url]',
    'a Redis whose workers train, redis://HOST:PORT; without a URL that of REDIS_URL. Its password, where there is one, is better told by REDIS_PASSWORD or REDIS_URL, which other users of this machine do not see',
  );

const dataOption = () =>
  new Option('--data <file>', 'what to train on, as for train; workers need the same content');

/** Commands for many trainings. */
export function addSweeps(program: Command, run: (command: Promise<number>) => void): void {
  program
    .command('sweep')
    .summary('train with many settings, and see which do best')
    .description(
      'Trains a model once for each of many configurations of settings, each in a process of its own: on this machine, or on workers anywhere that share a Redis. Writes a folder with a table (sweep.csv), a report, and a folder for each training. What failed is a row with its reason, and the exit code is 1 then.',
    )
    .addArgument(taskArgument())
    .option(
      '--space <file>',
      'JSON with what each setting may be: {"lr": {"min": 0.001, "max": 1, "log": true}, "hidden": [50, 100], "steps": 2000}',
    )
    .addOption(
      new Option(
        '--strategy <name>',
        'all combinations; some at random; or some at random of which the best get more and more steps (default: grid for lists, random where there is a range)',
      ).choices(STRATEGIES),
    )
    .addOption(
      wholeOption(
        '--count <n>',
        `configurations of random and halving (default: ${COUNT})`,
        1,
        MOST_CONFIGURATIONS,
      ),
    )
    .addOption(
      wholeOption(
        '--eta <n>',
        `with halving, one of so many goes on, with as many times the steps (default: ${ETA})`,
        2,
        100,
      ),
    )
    .addOption(wholeOption('--seed <n>', 'of what is drawn (default: 42)', 0, 0xffffffff))
    .option('--lowest <metric>', 'what configurations are judged by, on held-out data (default: loss)')
    .option('--highest <metric>', 'the same where more is better: --highest accuracy')
    .addOption(
      wholeOption('--jobs <n>', 'trainings at a time on this machine (default: one for each core)', 1, 1024),
    )
    .addOption(redisOption())
    .addOption(dataOption())
    .addOption(exportOption())
    .addOption(setOption())
    .option('--out <dir>', 'folder of the sweep (default: runs/sweep-names, runs/sweep-FILE)', folderName)
    .option('--resume', 'go on with the sweep that the folder holds: only what is missing runs')
    .addOption(jsonOption())
    .action((task: string, options: SweepOptions) => {
      run(import('./sweep.js').then((module) => module.sweep(task, options)));
    });

  program
    .command('worker')
    .summary('train for sweeps that are asked for by a Redis')
    .description(
      'Takes trainings of sweeps from a Redis, until it is stopped; what it was at is then given to others. It trains what is named here and nothing else: model files are code, and a queue is no reason to run one.',
    )
    .argument(
      '[tasks...]',
      'names, text, words or model files (default: names, text and words, as far as their data are here)',
    )
    .addOption(redisOption().default(true, 'REDIS_URL'))
    .addOption(dataOption())
    .addOption(exportOption())
    .option('--out <dir>', 'folder with a folder for each training', folderName, 'runs/worker')
    .addOption(wholeOption('--jobs <n>', 'trainings at a time (default: one for each core)', 1, 1024))
    .addOption(
      wholeOption('--threads <n>', 'threads of each (default: the cores shared out)', 1, MAX_THREADS),
    )
    .addOption(
      numberOption(
        '--lost-after <seconds>',
        'without a sign of life of this worker for so long, its trainings go to others',
        (seconds) => seconds >= 1 && seconds <= 3600,
        'a number from 1 to 3600',
      ).default(30),
    )
    .addOption(jsonOption())
    .action((tasks: string[], options: WorkerOptions) => {
      run(import('./worker.js').then((module) => module.worker(tasks, options)));
    });
}
