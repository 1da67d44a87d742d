// What is measured, the same in Node and in a worker of a page.
import { buildGolden, writeInitial } from '../golden/model.js';
import { isBare, WORKLOADS } from '../workloads.js';

export interface MeasureOptions {
  workload: string;
  threads: number;
  /** How long a round takes. */
  seconds: number;
}

export interface Measuring {
  /** Steps a second over one round. */
  take(): Promise<number>;
  close(): Promise<void>;
}

/** Rates so small that parameters hardly move, so that every round measures the same work. */
const RATE = 1e-4;
const WARM_SECONDS = 1;

export async function startMeasuring({ workload, threads, seconds }: MeasureOptions): Promise<Measuring> {
  const config = WORKLOADS.find(({ name }) => name === workload)?.config;
  if (!config || isBare(config)) throw new Error(`${workload} is not a training`);
  const run = buildGolden(config);
  const session = await run.step.compile({ threads });
  writeInitial(run, session);
  const { x, y } = run.batch(0);
  session.data({ x, y });
  const steps = async (count: number) => {
    const began = performance.now();
    for await (const _ of session.run({ steps: count, lr: RATE, every: count }));
    return (1000 * count) / (performance.now() - began);
  };
  // The engine replaces its first code by better one while it is warm.
  const until = performance.now() + 1000 * WARM_SECONDS;
  let speed = await steps(1);
  while (performance.now() < until) speed = await steps(Math.max(1, Math.round(speed / 10)));
  return {
    take: () => steps(Math.max(1, Math.round(speed * seconds))),
    close: () => session.close(),
  };
}
