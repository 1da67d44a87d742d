// A worker of the playground. The page starts one to compile, one for each model that trains, and one for each tool.
import { threadSupport } from '2headgrad';
import { dotToSvg } from '../engine.js';
import type { Call, Calls, Reply } from '../protocol.js';
import { artifact } from './artifact.js';
import { compile } from './compile.js';
import { troubleOf } from './model.js';
import { compareWithTape, findRate } from './tools.js';
import { Training } from './training.js';

const say = (reply: Reply, transfer: Transferable[] = []) => postMessage(reply, { transfer });

let training: Training | null = null;
let rate = 0.1;

function current(): Training {
  if (!training) throw new Error('no model is in training');
  return training;
}

type Handlers = { [K in Call]: (input: Parameters<Calls[K]>[0]) => Promise<ReturnType<Calls[K]>> };

const handlers: Handlers = {
  support: async () => threadSupport(),
  compile,
  draw: dotToSvg,
  async start(project) {
    const made = await Training.start(project, rate);
    training = made.training;
    return made.started;
  },
  async train() {
    current().train(
      (progress) => say({ event: 'progress', progress }),
      (error) => say({ event: 'stopped', trouble: troubleOf(error) }),
    );
  },
  pause: () => current().pause(),
  async rate(value) {
    rate = value;
    training?.setRate(value);
  },
  checkpoint: async () => current().checkpoint(),
  restore: (bytes) => current().restore(bytes),
  find: (project) => findRate(project, (report) => say({ event: 'finder', report })),
  compare: compareWithTape,
  artifact,
  async close() {
    await training?.close();
    training = null;
  },
};

addEventListener('message', async ({ data: { id, call, input } }) => {
  try {
    const handler = handlers[call as Call] as (input: unknown) => Promise<unknown>;
    say({ id, value: await handler(input) });
  } catch (error) {
    say({ id, trouble: troubleOf(error) });
  }
});
