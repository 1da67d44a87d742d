import { kindOf } from '../brand.js';
import { boolean, checkOptions, shown } from '../check.js';
import { type CompiledModule, type CompileOptions, compileProgram } from '../emit/compile.js';
import { OptionError } from '../errors.js';
import type { Graph } from '../graph/graph.js';
import { memorySize } from '../memory-size.js';
import { checkInputs } from '../train/columns.js';
import { describeEntry, type EntryDescription } from '../train/description.js';
import type { Wide } from '../train/engine.js';
import { CompiledEngine } from './engine.js';
import { requireRelaxed } from './features.js';
import { platform } from './platform.js';
import { canShareMemory, grantThreads } from './threads.js';
import { widened } from './wide/wide.js';

export interface CompileFunctionOptions
  extends Pick<CompileOptions, 'relaxed' | 'without' | 'threadShare' | 'poison'> {
  /** Threads that share the work; the result is the same for any number. One in a page that is not isolated. */
  threads?: number;
  /** Vectors of 256 bits, where that is right and faster, as `compile({ wide: true })` of a training step has them. */
  wide?: boolean;
  /** What it may take: bytes, or a text such as '64MB'; values are made again rather than kept where it needs more. */
  memory?: number | string;
  /** Keep the compiled module, on disk or in the page's cache; by default yes. */
  cache?: boolean;
}

/** The module counts in 32 bits. */
const MAX_TIMES = 2 ** 31 - 1;

/**
 * A traced function that runs as WebAssembly.
 * @example
 * ```ts
 * import { CompiledFunction, compileFunction, f32, trace } from '2headgrad';
 * const graph = trace('f', { x: f32(3) }, ({ x }) => ({ y: x.mul(2) }));
 * const f = await compileFunction(graph);
 * f.load({ x: [1, 2, 3] });
 * f.run();
 * console.log(f instanceof CompiledFunction, f.outputs().y.join(' ')); // true 2 4 6
 * await f.close();
 * ```
 */
export class CompiledFunction {
  /** @internal */
  constructor(
    readonly module: CompiledModule,
    private readonly entry: EntryDescription,
    private readonly engine: CompiledEngine,
    /** Where wide vectors were asked for: whether it has them, and why or why not. */
    readonly wide: Wide | null = null,
  ) {}

  /** Computes the outputs for these inputs; all are row-major. Throws DataError for an index outside of its table. */
  call(inputs: Record<string, ArrayLike<number>>): Record<string, Float32Array | Float64Array | Int32Array> {
    this.load(inputs);
    this.run();
    return this.outputs();
  }

  /** Copies inputs into the module's memory, where `run` finds them. */
  load(inputs: Record<string, ArrayLike<number>>): void {
    this.engine.load('call', checkInputs(this.entry, inputs));
  }

  /** Computes the outputs from the loaded inputs: several times if the time it takes is of interest. */
  run(times = 1): void {
    if (!Number.isInteger(times) || times < 1 || times > MAX_TIMES) {
      throw new OptionError(`run: times must be a whole number from 1 to ${MAX_TIMES}, got ${times}`);
    }
    this.engine.repeat('call', times);
  }

  /** Copies of the outputs of the last run. */
  outputs(): Record<string, Float32Array | Float64Array | Int32Array> {
    return this.engine.outputs('call');
  }

  /** Ends its threads. */
  async close(): Promise<void> {
    await this.engine.close();
  }
}

/**
 * Compiles a graph that `trace` made from a function of tensors.
 * @example
 * ```ts
 * import { compileFunction, f32, trace } from '2headgrad';
 * const graph = trace('f', { x: f32(3) }, ({ x }) => ({ y: x.exp().sum() }));
 * const f = await compileFunction(graph);
 * console.log(f.call({ x: [0, 0, 0] }).y[0]); // 3
 * await f.close();
 * ```
 */
export async function compileFunction(
  graph: Graph,
  options: CompileFunctionOptions = {},
): Promise<CompiledFunction> {
  checkGraph(graph);
  checkOptions('compileFunction', options, [
    ...(['threads', 'cache', 'relaxed', 'wide', 'memory'] as const),
    ...(['without', 'threadShare', 'poison'] as const),
  ]);
  const { readLibrary, moduleCache, spawnWorker } = await platform();
  const { cache = true, wide = false, memory, ...rest } = options;
  const budget = memory === undefined ? undefined : memorySize('compileFunction: memory', memory);
  boolean('compileFunction: wide', wide);
  if (options.relaxed) requireRelaxed();
  const threads = grantThreads(options.threads ?? 1);
  const store = cache ? moduleCache() : undefined;
  const input = { name: graph.name, variables: [], entries: { call: graph } };
  const module = await compileProgram(input, {
    ...rest,
    memory: budget,
    library: await readLibrary(),
    cache: store,
    shared: canShareMemory(),
  });
  const { wasm, layout } = module;
  const begin = { layout, shared: module.options.shared, threads, seed: 0, initial: new Map() };
  const entry = describeEntry(graph);
  const made = wide
    ? await widened(graph.name, { ...begin, wasm, entries: { call: entry } }, store)
    : { wasm, wide: null };
  const engine = await CompiledEngine.start({ ...begin, wasm: made.wasm, spawn: spawnWorker });
  return new CompiledFunction(module, entry, engine, made.wide);
}

function checkGraph(graph: unknown): void {
  if (typeof graph === 'function')
    throw new OptionError(
      "compileFunction: a function has to be traced first: compileFunction(trace('f', { x: f32(3) }, ({ x }) => ({ y: x.exp() })))",
    );
  if (kindOf(graph) === 'train step')
    throw new OptionError('compileFunction: this is a training step: use its method compile()');
  if (typeof graph !== 'object' || graph === null || !('inputs' in graph && 'outputs' in graph))
    throw new OptionError(`compileFunction: expected what trace(...) returns, got ${shown(graph)}`);
}
