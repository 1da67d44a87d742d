// Trains one compiled model for 500 steps in every engine that is there, with one thread and with two, and compares the
// bits: a table, what is missing and how to get it, and exit code 1 if any hash differs or an engine fails.
//
//   npm run engines -- [--install] [--only nodes,deno,firefox] [--threads 1,2] [--json]
//
// --install gets from npm what npm has (into bench/engines), and on Debian, as root, the browsers. The command line is
// run too, in the oldest versions of Node that package.json promises.

import { rm } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { failingCommands } from './engines/commands.js';
import { engines, select } from './engines/find.js';
import { install } from './engines/install.js';
import { type Outcome, table, verdict } from './engines/outcome.js';
import { prepare, train } from './engines/train.js';

/** A whole version in its name: the first of a line that is promised. */
const OLDEST = /^node-\d+\.\d+\.\d+$/;

function options() {
  try {
    const { values } = parseArgs({
      options: {
        install: { type: 'boolean', default: false },
        only: { type: 'string' },
        threads: { type: 'string', default: '1,2' },
        json: { type: 'boolean', default: false },
      },
    });
    const threads = values.threads.split(',').map(Number);
    if (!threads.every((n) => Number.isInteger(n) && n >= 1))
      throw new Error('--threads: expected whole numbers from 1, separated by commas');
    const only = values.only?.split(',');
    select(engines(), only);
    return { ...values, threads, only };
  } catch (error) {
    console.error((error as Error).message);
    process.exit(2);
  }
}

const { only, threads, json, ...asked } = options();
if (asked.install) await install(select(engines(), only));
const chosen = select(engines(), only);
const folder = await prepare();
const outcomes: Outcome[] = [];
const broken: string[] = [];
try {
  for (const engine of chosen) {
    if (!json && process.stderr.isTTY) process.stderr.write(`${engine.name} ...\n`);
    outcomes.push(await train(engine, folder, threads));
    if (!engine.path || !OLDEST.test(engine.id)) continue;
    const failed = await failingCommands(engine.path);
    broken.push(...failed.map((what) => `${engine.name} fails at ${what}`));
  }
} finally {
  await rm(folder, { recursive: true, force: true, maxRetries: 5 });
}
const { text, code } = verdict(outcomes);
console.log([table(outcomes), '', text, ...broken].join('\n'));
if (json) console.log(JSON.stringify({ outcomes, broken, same: code === 0 }));
process.exitCode = code === 0 && broken.length === 0 ? 0 : 1;
