// What is done beside the training, each with sessions of its own: the learning-rate finder and the tape.
import { findLearningRate } from '2headgrad';
import type { Comparison, FinderReport, Project } from '../protocol.js';
import { loadTask } from './task.js';

/** Steps that a point of the picture stands for; single losses are too noisy to look at. */
const AVERAGED = 20;
const COMPARE_MS = 2000;
const COMPARE_STEPS = { least: 5, most: 400 };

/** The finder on the user's model and words; the points of its single run as they come. */
export async function findRate(
  project: Project & { threads: number },
  report: (found: FinderReport) => void,
): Promise<{ suggestion: number; why: string }> {
  const { step, train } = await loadTask(project);
  let probes = 0;
  let average = 0;
  const { suggestion, why } = await findLearningRate(step, {
    data: train,
    seed: project.seed,
    threads: project.threads,
    onProgress: (progress) => {
      if (progress.stage === 'bounds') {
        report({ probes: ++probes });
        return;
      }
      average += (progress.loss - average) / Math.min(progress.at, AVERAGED);
      const { at, steps, rate } = progress;
      if (at % AVERAGED === 0) report({ probes, point: { rate, loss: average, at, steps } });
    },
  });
  return { suggestion, why };
}

/** The same steps by both engines from the same beginning, as many as the tape takes in a moment. */
export async function compareWithTape(project: Project & { rate: number }): Promise<Comparison> {
  const task = await loadTask(project);
  const { step, train } = task;
  const { seed, rate: lr } = project;

  const tape = step.interpret({ seed });
  tape.data(train);
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
  session.data(train);
  session.step({ lr });
  const compiled: number[] = [];
  const run = performance.now();
  for await (const { losses } of session.run({ steps: onTape.length, lr })) compiled.push(...losses);
  const compiledMs = Math.max(1, performance.now() - run);
  // Its speed once the browser has optimized it, as it is in a long training.
  let speed = 0;
  const every = Math.max(1, Math.round((compiled.length * COMPARE_MS) / 8 / compiledMs));
  for await (const { stepsPerSecond } of session.run({ steps: 10 * every, lr, every })) {
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
