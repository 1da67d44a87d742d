// What is done beside the training, each with sessions of its own: the learning-rate finder and the tape.
import { DivergedError } from '2headgrad';
import type { Comparison, FinderPoint, Project } from '../protocol.js';
import { loadTask } from './task.js';

const RATES = { from: 1e-4, to: 10, steps: 1500 };
/** Weight of the losses so far in the running mean, as fastai takes it. */
const SMOOTHING = 0.98;
const COMPARE_MS = 2000;
const COMPARE_STEPS = { least: 5, most: 400 };

/**
 * One short training whose rate grows a little with every step, until the loss explodes (Smith 2017). The
 * suggestion is a tenth of the rate at which the smoothed loss is lowest: there it still falls fast.
 */
export async function findRate(
  project: Project,
  report: (point: FinderPoint) => void,
): Promise<{ points: FinderPoint[]; suggestion: number }> {
  const task = await loadTask(project);
  await using session = await task.step.compile({ seed: project.seed });
  session.data({ x: task.train.x, y: task.train.y });
  const { from, to, steps } = RATES;
  const rateAt = (step: number) => from * (to / from) ** (step / (steps - 1));
  const points: FinderPoint[] = [];
  let running = 0;
  let lowest = Number.POSITIVE_INFINITY;
  try {
    for await (const { at, losses } of session.run({ steps, lr: rateAt, every: 15 })) {
      losses.forEach((loss, i) => {
        running = SMOOTHING * running + (1 - SMOOTHING) * loss;
        const step = at - losses.length + i;
        const point = { rate: rateAt(step), loss: running / (1 - SMOOTHING ** (step + 1)) };
        lowest = Math.min(lowest, point.loss);
        if (i === losses.length - 1) {
          points.push(point);
          report(point);
        }
      });
      if (points[points.length - 1].loss > 2 * lowest) break;
    }
  } catch (error) {
    // What it looks for: the rate at which training breaks.
    if (!(error instanceof DivergedError)) throw error;
  }
  const best = points.reduce((a, b) => (b.loss < a.loss ? b : a));
  return { points, suggestion: Number((best.rate / 10).toPrecision(1)) };
}

/** The same steps by both engines from the same beginning, as many as the tape takes in a moment. */
export async function compareWithTape(project: Project & { rate: number }): Promise<Comparison> {
  const task = await loadTask(project);
  const { step, train } = task;
  const data = { x: train.x, y: train.y };
  const { seed, rate: lr } = project;

  const tape = step.interpret({ seed });
  tape.data(data);
  tape.step({ lr });
  const onTape: number[] = [];
  const begun = performance.now();
  while (
    onTape.length < COMPARE_STEPS.least ||
    (onTape.length < COMPARE_STEPS.most && performance.now() - begun < COMPARE_MS)
  ) {
    onTape.push(tape.step({ lr }));
  }
  const tapeSeconds = (performance.now() - begun) / 1000;

  await using session = await step.compile({ seed });
  session.data(data);
  session.step({ lr });
  const compiled: number[] = [];
  for await (const { losses } of session.run({ steps: onTape.length, lr })) compiled.push(...losses);
  // Its speed once the browser has optimized it, as it is in a long training.
  let speed = 0;
  for await (const { stepsPerSecond } of session.run({ steps: 20_000, lr, every: 2000 })) {
    speed = Math.max(speed, stepsPerSecond);
    if (performance.now() - begun > 3 * COMPARE_MS) break;
  }
  const differences = onTape.map((loss, i) => Math.abs(loss - compiled[i]) / Math.abs(loss));
  return {
    steps: onTape.length,
    compiled: speed,
    tape: onTape.length / tapeSeconds,
    difference: Math.max(...differences),
  };
}
