import { type CompiledModule, compileProgram } from '../src/emit/compile.js';
import { compileFunction, f32, type Session, trace } from '../src/index.js';
import { withInterpreter } from '../src/ops/tensor.js';
import { sessionBytes } from '../src/plan/layout.js';
import { readLibrary } from '../src/run/node.js';
import { costOf } from '../src/schedule/cost.js';
import type { Schedule } from '../src/schedule/kernel.js';
import { numel } from '../src/shape.js';
import { Tape } from '../src/tape/tape.js';
import { uniform } from './golden/hash.js';
import { buildGolden, type GoldenRun } from './golden/model.js';
import { type Contestant, median } from './rounds.js';
import { type Product, WORKLOADS, type Workload } from './workloads.js';

export type OwnEngine = 'tape' | 'compiled' | 'compiled-wide' | 'compiled-relaxed';

/** A contestant with what is known of it before it runs. */
export interface Entrant extends Contestant {
  readonly engine: string;
  readonly threads: number;
  /** From graph to wasm, the compiler being warm. */
  readonly compileMs: number | null;
  /** Memory that the session needs beside the dataset. */
  readonly peakBytes: number | null;
  close(): Promise<void>;
}

export interface Entered {
  readonly entrants: readonly Entrant[];
  /** Floating-point operations of one step. */
  readonly flops: number;
}

export interface EnterOptions {
  readonly engines: readonly OwnEngine[];
  /** The compiled engine is measured with one thread and with so many. */
  readonly threads: number;
  /** How often to compile, for the median time. */
  readonly compiles: number;
}

/** Our engines on a workload. */
export function enter({ config }: Workload, options: EnterOptions): Promise<Entered> {
  return config.model === 'product'
    ? enterProduct(config, options)
    : enterTraining(buildGolden(config), options);
}

/**
 * Rates so small that parameters hardly move: a long measurement must not drift to where losses vanish
 * and numbers become denormal.
 */
export const measuredRate = (rate: number): number => rate / 1000;

async function enterTraining(run: GoldenRun, { engines, threads, compiles }: EnterOptions): Promise<Entered> {
  const { step, batch, learningRate } = run;
  const lr = measuredRate(learningRate);
  const { x, y } = batch(0);
  const compile = (relaxed: boolean) => timed(compiles, () => step.compileModule({ relaxed, cache: false }));
  const contend = (engine: OwnEngine, session: Session, compileMs: number | null): Entrant => {
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
  const { made: strict, ms } = await compile(false);
  if (engines.includes('tape')) entrants.push(contend('tape', step.interpret(), null));
  if (engines.includes('compiled')) {
    for (const n of new Set([1, threads]))
      entrants.push(contend('compiled', await step.start(strict, { threads: n }), ms));
  }
  if (engines.includes('compiled-wide')) {
    for (const n of new Set([1, threads])) {
      const session = await step.start(strict, { threads: n, wide: true });
      if (session.wide?.used) entrants.push(contend('compiled-wide', session, ms));
      else await session.close();
    }
  }
  if (engines.includes('compiled-relaxed')) {
    const { made: relaxed, ms } = await compile(true);
    entrants.push(contend('compiled-relaxed', await step.start(relaxed), ms));
  }
  return { entrants, flops: flopsOf(strict.schedules.train) };
}

async function enterProduct(
  { m, n, k }: Product,
  { engines, threads, compiles }: EnterOptions,
): Promise<Entered> {
  const graph = trace('product', { a: f32(m, k), b: f32(k, n) }, ({ a, b }) => ({ c: a.matmul(b) }));
  const a = uniform(m * k, 1, 1);
  const b = uniform(k * n, 1, 2);
  const entrants: Entrant[] = [];
  if (engines.includes('tape')) entrants.push(productOnTape({ m, n, k }, a, b));
  const library = await readLibrary();
  const program = { name: graph.name, variables: [], entries: { call: graph } };
  for (const engine of ['compiled', 'compiled-wide', 'compiled-relaxed'] as const) {
    if (!engines.includes(engine)) continue;
    const [relaxed, wide] = [engine === 'compiled-relaxed', engine === 'compiled-wide'];
    const { ms } = await timed(compiles, () => compileProgram(program, { library, relaxed }));
    for (const n of new Set(relaxed ? [1] : [1, threads])) {
      const product = await compileFunction(graph, { threads: n, relaxed, wide, cache: false });
      if (wide && !product.wide?.used) {
        await product.close();
        continue;
      }
      product.load({ a, b });
      entrants.push({
        engine,
        threads: n,
        compileMs: ms,
        peakBytes: sessionBytes(product.module.layout, n),
        async take(steps) {
          const began = performance.now();
          product.run(steps);
          return performance.now() - began;
        },
        close: () => product.close(),
      });
    }
  }
  return { entrants, flops: 2 * m * n * k };
}

function productOnTape({ m, n, k }: Omit<Product, 'model'>, a: Float32Array, b: Float32Array): Entrant {
  const tape = new Tape('float32');
  const [x, y] = [tape.constant(a, [m, k], 'f32'), tape.constant(b, [k, n], 'f32')];
  return {
    engine: 'tape',
    threads: 1,
    compileMs: null,
    peakBytes: null,
    async take(steps) {
      const began = performance.now();
      withInterpreter(tape, () => {
        for (let i = 0; i < steps; i++) x.matmul(y);
      });
      return performance.now() - began;
    },
    async close() {},
  };
}

/** Compiles several times: the last that was made, and the median of the times. */
async function timed(
  times: number,
  make: () => Promise<CompiledModule>,
): Promise<{ made: CompiledModule; ms: number }> {
  const all: CompiledModule[] = [];
  for (let i = 0; i < times; i++) all.push(await make());
  return { made: all.at(-1)!, ms: median(all.map((module) => module.compileMs)) };
}

/** Compiles something, so that later times are those of a compiler that is loaded and compiled itself. */
export async function warmUpCompiler(): Promise<void> {
  const { config } = WORKLOADS[0];
  if (config.model !== 'product') await buildGolden(config).step.compileModule({ cache: false });
}

/** A product of [m, k] and [k, n] counts 2mnk; the cost model counts its elements as epilogue work too. */
export function flopsOf({ kernels }: Schedule): number {
  return kernels.reduce(
    (n, kernel) => n + costOf(kernel).flops - (kernel.kind === 'gemm' ? numel(kernel.domain) : 0),
    0,
  );
}
