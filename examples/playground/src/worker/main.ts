// The worker of a model, in a frame that shuts it in (sealed/frame.ts): it runs the user's source, compiles and trains.
// The page starts one for each model, and one for each tool.
import { threadSupport } from '2headgrad';
import type { ModelCalls, Wish } from '../protocol.js';
import { artifact } from './artifact.js';
import { compile, type Prepared } from './compile.js';
import { troubleOf } from './model.js';
import { listen, say } from './port.js';
import { runProgram } from './program.js';
import { brokenSeal } from './seal.js';
import { compareWithTape, findRate } from './tools.js';
import { Training } from './training.js';

const broken = brokenSeal();
let prepared: Prepared | null = null;
let training: Training | null = null;
let rate = 0.1;
let wish: Wish = { prompt: '', temperature: 1, line: '', drawing: null };

function inUse(): Prepared {
  if (!prepared) throw new Error('no model is compiled');
  return prepared;
}
function current(): Training {
  if (!training) throw new Error('no model is in training');
  return training;
}

type Handlers = {
  [K in keyof ModelCalls]: (input: Parameters<ModelCalls[K]>[0]) => Promise<ReturnType<ModelCalls[K]>>;
};

const handlers: Handlers = {
  support: async () => threadSupport(),
  async compile(project) {
    const made = await compile(project);
    prepared = made.prepared;
    return made.compiled;
  },
  async start({ threads }) {
    await training?.close();
    training = null;
    const made = await Training.start(inUse(), threads, { rate, wish });
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
  async wish(wanted) {
    wish = wanted;
    return training?.fulfil(wish) ?? {};
  },
  checkpoint: async () => current().checkpoint(),
  restore: (bytes) => current().restore(bytes),
  find: (project) => findRate(project, (report) => say({ event: 'finder', report })),
  compare: compareWithTape,
  run: ({ source }) => runProgram(source, (line) => say({ event: 'printed', line })),
  artifact: ({ checkpoint }) => artifact(inUse(), checkpoint),
};

listen(async ({ id, call, input }) => {
  try {
    if (broken) throw new Error(broken);
    const handler = handlers[call as keyof ModelCalls] as (input: unknown) => Promise<unknown>;
    say({ id, value: await handler(input) });
  } catch (error) {
    say({ id, trouble: troubleOf(error) });
  }
});
