import type { Session } from '../src/index.js';
import { costOf } from '../src/kernels/cost.js';
import type { Kernel, Schedule } from '../src/kernels/kernel.js';
import { sessionBytes } from '../src/plan/layout.js';
import { numel } from '../src/shape.js';
import { enterBare } from './bare.js';
import { type Entered, type EnterOptions, type Entrant, type OwnEngine, timed } from './entrant.js';
import { buildGolden, type GoldenRun, writeInitial } from './golden/model.js';
import { isBare, WORKLOADS, type Workload } from './workloads.js';

/** Our engines on a workload. */
export function enter({ config }: Workload, options: EnterOptions): Promise<Entered> {
  return isBare(config) ? enterBare(config, options) : enterTraining(buildGolden(config), options);
}

/**
 * Rates so small that parameters hardly move: a long measurement must not drift to where losses vanish
 * and numbers become denormal.
 */
export const measuredRate = (rate: number): number => rate / 1000;

async function enterTraining(run: GoldenRun, options: EnterOptions): Promise<Entered> {
  const { engines, threads, compiles } = options;
  const { step, batch, learningRate } = run;
  const lr = measuredRate(learningRate);
  const { x, y } = batch(0);
  const compile = (how: { relaxed?: boolean; without?: readonly string[] } = {}) =>
    timed(compiles, () => step.compileModule({ ...how, cache: false }));
  const contend = (engine: OwnEngine, session: Session, compileMs: number | null): Entrant => {
    writeInitial(run, session);
    session.data({ x, y });
    return {
      engine,
      threads: session.threads,
      compileMs,
      peakBytes: session.module ? sessionBytes(session.module.layout, session.threads) : null,
      async take(steps) {
        const began = performance.now();
        for await (const _ of session.run({ steps, lr, every: steps }));
        return performance.now() - began;
      },
      close: () => session.close(),
    };
  };
  const entrants: Entrant[] = [];
  const { made: strict, ms } = await compile();
  if (engines.includes('tape')) entrants.push(contend('tape', step.interpret(), null));
  if (engines.includes('compiled')) {
    for (const n of new Set([1, threads]))
      entrants.push(contend('compiled', await step.start(strict, { threads: n }), ms));
  }
  if (engines.includes('compiled-without')) {
    const { made: plain, ms } = await compile({ without: options.without });
    for (const n of new Set([1, threads]))
      entrants.push(contend('compiled-without', await step.start(plain, { threads: n }), ms));
  }
  if (engines.includes('compiled-wide')) {
    for (const n of new Set([1, threads])) {
      const session = await step.start(strict, { threads: n, wide: true });
      if (session.wide?.used) entrants.push(contend('compiled-wide', session, ms));
      else await session.close();
    }
  }
  if (engines.includes('compiled-relaxed')) {
    const { made: relaxed, ms } = await compile({ relaxed: true });
    entrants.push(contend('compiled-relaxed', await step.start(relaxed), ms));
  }
  return { entrants, flops: flopsOf(strict.schedules.train) };
}

/** Compiles something, so that later times are those of a compiler that is loaded and compiled itself. */
export async function warmUpCompiler(): Promise<void> {
  const { config } = WORKLOADS[0];
  if (!isBare(config)) await buildGolden(config).step.compileModule({ cache: false });
}

/** A product of [m, k] and [k, n] counts 2mnk; the cost model counts its elements as epilogue work too. */
export function flopsOf({ kernels }: Pick<Schedule, 'kernels'>): number {
  const flops = (kernel: Kernel): number => {
    if (kernel.kind === 'loop')
      return flopsOf({ kernels: kernel.before }) + kernel.length * flopsOf(kernel.body);
    return costOf(kernel).flops - (kernel.kind === 'gemm' ? numel(kernel.domain) : 0);
  };
  return kernels.reduce((n, kernel) => n + flops(kernel), 0);
}
