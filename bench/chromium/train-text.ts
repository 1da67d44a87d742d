// Training of a GPT on a text for a while, the same in Node and in a worker of a page. The steps that fit into the time
// are counted before the first of them, so that the rate's cosine ends with the last.

import { optim, type Session } from '../../src/index.js';
import { choose } from '../../src/models/choose.js';
import type { GptOptions } from '../../src/models/gpt.js';
import { generateTokens, textStep, writingStep } from '../../src/models/text.js';
import { RandomStream, STREAMS } from '../../src/random/philox.js';
import type { Columns } from '../../src/train/engine.js';

export interface TextTraining {
  model: GptOptions;
  batch: number;
  /** Limit of the norm of all gradients; 0 for none. */
  clip: number;
  /** Rows that are trained on, that are looked at on the way, and at the end. */
  data: Record<'train' | 'watched' | 'measured', Columns>;
  seed: number;
  threads: number;
  /** How long, from the first step to the last report; counts where `steps` is null. */
  seconds: number;
  steps: number | null;
  lr: number;
  /** The part of the steps in which the rate rises. */
  warmup: number;
  /** Reports, the last one at the end. */
  reports: number;
  sample: { begin: readonly number[]; length: number };
}

export interface TextReport {
  at: number;
  steps: number;
  /** Since the first step. */
  seconds: number;
  stepsPerSecond: number;
  /** In nats a token: the mean over the batches since the last report, and on rows that are held out. */
  loss: number;
  held: number;
}

export interface TextResult {
  steps: number;
  threads: number;
  threadNote: string | null;
  compileSeconds: number;
  wasmBytes: number;
  parameters: number;
  /** Of training and reports. */
  seconds: number;
  /** Of nothing but steps. */
  stepSeconds: number;
  /** Of each step's batch, in nats. */
  losses: number[];
  /** At the end, on more held-out rows than on the way. */
  held: number;
  sample: number[];
}

/** Before speed is measured, so that the engine has its better code, and while it is; a twentieth of the time at most. */
const WARM_SECONDS = 2;
const MEASURED_SECONDS = 4;
const SHARE = 20;

type TextColumns = { x: Int32Array; y: Int32Array };

export async function trainText(
  training: TextTraining,
  tell: (report: TextReport) => void,
): Promise<TextResult> {
  const { model, batch, clip, data, seed, threads, reports, lr } = training;
  const began = performance.now();
  const session = await textStep({ ...model, batch, clip }).compile({ seed, threads, cache: false });
  const compileSeconds = secondsSince(began);
  try {
    session.data(data.train as TextColumns);
    const steps = training.steps ?? (await stepsWithin(session, training));
    const rising = Math.round(steps * training.warmup);
    const falling = Math.max(1, steps - rising);
    const rate = optim.schedule.warmup(rising, optim.schedule.cosine({ lr, steps: falling, end: lr / 10 }));
    const losses: number[] = [];
    let stepSeconds = 0;
    const started = performance.now();
    const every = Math.ceil(steps / reports);
    for await (const report of session.run({ steps, lr: rate, every })) {
      const { at, stepsPerSecond } = report;
      losses.push(...report.losses);
      stepSeconds += report.losses.length / stepsPerSecond;
      const loss = report.losses.reduce((sum, one) => sum + one, 0) / report.losses.length;
      const held = session.evaluate(data.watched as TextColumns);
      tell({ at, steps, seconds: secondsSince(started), stepsPerSecond, loss, held });
    }
    return {
      steps,
      threads: session.threads,
      threadNote: session.threadNote,
      compileSeconds,
      wasmBytes: session.module?.wasm.length ?? 0,
      parameters: session.parameterCount,
      seconds: secondsSince(started),
      stepSeconds,
      losses,
      held: session.evaluate(data.measured as TextColumns),
      sample: await sampleOf(session, training),
    };
  } finally {
    await session.close();
  }
}

/** How many steps fit, by the speed of some that leave no trace, and by what the reports cost. */
function stepsWithin(session: Session, { seconds, lr, reports, data }: TextTraining): Promise<number> {
  return session.trial(async () => {
    const take = async (steps: number) => {
      const started = performance.now();
      await session.run({ steps, lr: lr / 100, every: steps });
      return steps / secondsSince(started);
    };
    const until = performance.now() + 1000 * Math.min(WARM_SECONDS, seconds / SHARE);
    let speed = await take(1);
    while (performance.now() < until) speed = await take(Math.max(1, Math.round(speed / 2)));
    session.evaluate(data.watched);
    const evaluated = performance.now();
    session.evaluate(data.watched);
    const reporting = reports * secondsSince(evaluated);
    speed = await take(Math.max(1, Math.round(speed * Math.min(MEASURED_SECONDS, seconds / SHARE))));
    return Math.max(1, Math.floor(speed * Math.max(seconds - reporting, seconds / 2)));
  });
}

/** What the trained model writes, by the cache of keys and values, on the tape. */
async function sampleOf(trained: Session, { model, seed, sample }: TextTraining): Promise<number[]> {
  const session = writingStep(model).interpret({ seed });
  for (const name of trained.names('parameter')) session.write(name, trained.read(name));
  const random = new RandomStream(seed, STREAMS.sample);
  let drawn = 0;
  const tokens = generateTokens(session, {
    context: model.context,
    prompt: sample.begin,
    next: (probabilities) => choose(probabilities, random.uniform(drawn++)),
  });
  const made = Array.from({ length: sample.length }, () => tokens.next().value);
  await session.close();
  return made;
}

const secondsSince = (started: number) => (performance.now() - started) / 1000;
