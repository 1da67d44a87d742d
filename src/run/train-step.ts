import { BRAND, type Kind } from '../brand.js';
import { boolean, checkOptions, shown } from '../check.js';
import type { Peers } from '../distributed/peers.js';
import { type Cache, type CompiledModule, type CompileProgress, compileProgram } from '../emit/compile.js';
import { OptionError } from '../errors.js';
import { memorySize } from '../memory-size.js';
import type { Tensor } from '../ops/tensor.js';
import { checkSeed } from '../random/seed.js';
import { type InterpretOptions, interpretDefinition } from '../tape/session.js';
import { describeProgram, type ProgramDescription } from '../train/description.js';
import { createRecorder } from '../train/diagnostics.js';
import { initialValues } from '../train/initial.js';
import type { MetricResults } from '../train/metrics.js';
import type { Program } from '../train/program.js';
import { Session } from '../train/session.js';
import type { SessionOf } from '../train/session-of.js';
import type { ShardedProgram } from '../train/shards.js';
import { StepDefinition, type StepOptions, type Types } from '../train/step.js';
import type { UsesOf } from '../train/typed-uses.js';
import { CompiledEngine } from './engine.js';
import { requireRelaxed } from './features.js';
import { platform } from './platform.js';
import type { Sharding } from './shards/engine.js';
import { checkCut } from './shards/options.js';
import { canShareMemory, checkThreads, grantThreads, threadNote } from './threads.js';
import { widened } from './wide/wide.js';

export interface CompileStepOptions {
  /** Of the initial values and of the batches drawn; 42 unless given. */
  seed?: number | undefined;
  /**
   * Threads that share the work of a step; the result is the same for any number. A page that is not cross-origin
   * isolated has one, and so has a page's main thread: `session.threads` says how many there are, `threadNote` why.
   * Where they get in each other's way, as on a busy core, fewer of them work for a while.
   */
  threads?: number | undefined;
  /** Fused multiply-add where the engine has it: faster, but the bits differ between machines. */
  relaxed?: boolean | undefined;
  /**
   * Vectors of 256 bits where this Node's V8 has them: the same bits, on some processors half as many steps a second
   * again. The module is tried in a process of its own first; `session.wide` says what came of it. Where they are not to
   * be had, or no faster, all goes on without.
   */
  wide?: boolean | undefined;
  /**
   * What a session may take beside its dataset and the scratch of its threads: bytes, or a text such as '64MB' or '1.5 GiB'.
   * Where a step needs more, values of the forward pass are made again in the backward pass rather than kept: the same
   * bits, for some more time. `module.memory` tells what that is. OptionError where it is not enough, with the least that is.
   */
  memory?: number | string | undefined;
  /**
   * Cuts each batch into so many shards of as many rows, whose gradients are made one after the other and added in an order of their own:
   * the bits follow from this number, whatever number of processes shares the work. Statistics of batch norms are those of a shard.
   */
  shards?: number | undefined;
  /** The processes that share the shards, as `mpi()` of `2headgrad/distributed` gives them; all of them train the same. */
  distributed?: Peers | undefined;
  /** Keep compiled modules, by default yes, in the page's cache or on disk; in Node also the folder to keep them in. */
  cache?: boolean | string | undefined;
  /** Run the slowest part of the compiler, some seconds, in a thread of its own, so that this one hears signals; in Node. */
  apart?: boolean | undefined;
  /**
   * Calls what holds this thread besides: the compiler from the graphs to the source. By default it is just called. A command can
   * make it end at a signal so, as by `breakOnSigint` of Node's vm.
   */
  around?<T>(work: () => T): T;
  /** Passes of the optimizer and the scheduler to leave out, for looking for errors; the error for a wrong one lists them. */
  without?: readonly string[] | undefined;
  /** Called as each step of the compilation begins, and with null at its end; not for a module from the cache. */
  progress?(now: CompileProgress | null): void;
  /** Have the module tell its host when each kernel is done (see `mark` of `start`); costs some time a kernel. */
  profile?: boolean | undefined;
}

export interface StartOptions
  extends Pick<CompileStepOptions, 'seed' | 'threads' | 'wide' | 'cache' | 'shards' | 'distributed'> {
  /** Called by a module that was compiled with `profile`: with -1 as a step begins, then with each kernel's index. */
  mark?(kernel: number): void;
}

export type { InterpretOptions };

/**
 * A training step that an engine can run. `M`: its model; `B`, `P`: types of its batch and of what `predict` takes; `R`: its metrics; `E`:
 * the user's entries; `O`: what `predict` returns.
 * @example
 * ```ts
 * import { f32, meanSquaredError, nn, optim, TrainStep, trainStep } from '2headgrad';
 * const step = trainStep({
 *   model: nn.linear(1, 1),
 *   batch: { x: f32(4, 1), y: f32(4, 1) },
 *   loss: (model, { x, y }) => meanSquaredError(model(x), y),
 *   optimizer: optim.sgd(),
 * });
 * console.log(step instanceof TrainStep, Object.keys(step.program.entries).join(' ')); // true train evaluate
 * ```
 */
// biome-ignore lint/suspicious/noExplicitAny: a step of any model, batch, uses and metrics.
export class TrainStep<M = any, B extends Types = any, P extends Types = any, R = any, E = any, O = any> {
  readonly [BRAND]: Kind = 'train step';
  /** What was given to trainStep, before an engine is chosen. */
  readonly definition: StepDefinition<M, B, P>;
  private traced: Program | null = null;
  private described: ProgramDescription | null = null;
  /** The program by the number of shards that its batch is cut into. */
  private readonly cut = new Map<number, ShardedProgram>();

  /** @internal */
  constructor(options: StepOptions<M, B, P>) {
    this.definition = new StepDefinition(options);
  }

  /** The user's file and line that made it, or ''. */
  get madeAt(): string {
    return this.definition.madeAt;
  }

  /** The traced graphs, as the compiler gets them. */
  get program(): Program {
    this.traced ??= this.definition.program();
    return this.traced;
  }

  /** The same for sessions, as plain data. */
  get description(): ProgramDescription {
    this.described ??= describeProgram(this.program);
    return this.described;
  }

  /** Compiles the step without running it. */
  async compileModule(options: CompileStepOptions = {}): Promise<CompiledModule> {
    checkCompile('compileModule', options);
    const { relaxed = false, cache, apart = false, around, without, profile, progress } = options;
    const memory = options.memory === undefined ? undefined : memorySize('memory', options.memory);
    const { readLibrary, ascApart } = await platform();
    const sharded = await this.sharded(checkCut('compileModule', options));
    return compileProgram(sharded?.program ?? this.program, {
      library: await readLibrary(),
      cache: await storeOf(cache),
      asc: apart ? ascApart : undefined,
      shared: canShareMemory(),
      relaxed,
      memory,
      around,
      without,
      profile,
      progress,
    });
  }

  /** Compiles the step to WebAssembly and sets up a session. */
  async compile(options: CompileStepOptions = {}): Promise<SessionOf<M, B, P, R, E, O>> {
    checkCompile('compile', options);
    const { seed = 42, threads = 1, wide, cache, shards, distributed } = options;
    checkSeed(seed);
    if (options.relaxed) requireRelaxed();
    checkThreads(threads);
    const sharded = await this.sharded(checkCut('compile', options));
    if (distributed && sharded)
      await (await import('./shards/cut.js')).compareModels(distributed, sharded, seed);
    const module = await this.compileModule(options);
    return this.start(module, { seed, threads, wide, cache, shards, distributed });
  }

  /** A session of a compiled module; several may share one. */
  async start(module: CompiledModule, given: StartOptions = {}): Promise<SessionOf<M, B, P, R, E, O>> {
    checkOptions('start', given, ['seed', 'threads', 'wide', 'cache', 'shards', 'distributed', 'mark']);
    const { seed = 42, wide = false, cache, mark } = given;
    checkSeed(seed);
    boolean('start: wide', wide);
    const { spawnWorker } = await platform();
    const { name, layout, options } = module;
    const sharded = await this.sharded(checkCut('start', { ...given, relaxed: options.relaxed }));
    if (Boolean(sharded) !== Object.hasOwn(layout.entries, 'shard'))
      throw new OptionError('start: give shards and distributed as compileModule had them');
    if (options.relaxed) requireRelaxed();
    const asked = given.threads ?? 1;
    const granted = grantThreads(asked);
    const { shared } = options;
    const initial = initialValues(this.program.variables, seed);
    const begin = { layout, shared, threads: shared ? granted : 1, seed, initial };
    const { entries } = this.description;
    const made = wide
      ? await widened(name, { ...begin, wasm: module.wasm, entries }, await storeOf(cache))
      : { wasm: module.wasm, wide: null };
    const progress = { reached: (_bytes: number) => {} };
    const reached = (bytes: number) => progress.reached(bytes);
    const inner = await CompiledEngine.start({
      ...begin,
      wasm: made.wasm,
      spawn: spawnWorker,
      mark,
      reached,
    });
    const engine = sharded
      ? await this.sharing(inner, sharded, { progress, wasm: module.wasm, peers: given.distributed ?? null })
      : inner;
    const session: SessionOf<M, B, P, R, E, O> = new Session(
      this.description,
      engine,
      module,
      createRecorder(this.description, engine),
    );
    session.threadNote = threadNote(asked, engine.threads);
    session.wide = made.wide;
    return session;
  }

  private async sharded(shards: number): Promise<ShardedProgram | null> {
    if (shards === 0) return null;
    const { shardedProgram } = await import('./shards/cut.js');
    const known = this.cut.get(shards);
    const { definition, program } = this;
    const made = known ?? shardedProgram(definition as unknown as StepDefinition, program, shards);
    this.cut.set(shards, made);
    return made;
  }

  private async sharing(
    inner: CompiledEngine,
    sharded: ShardedProgram,
    more: Pick<Sharding, 'progress' | 'wasm' | 'peers'>,
  ) {
    const { ShardedEngine } = await import('./shards/cut.js');
    return new ShardedEngine(inner, { ...sharded, train: this.description.entries.train, ...more });
  }

  /** Runs the step op by op on the tape: slow, and easy to follow; float64 for reference. */
  interpret(options: InterpretOptions = {}): SessionOf<M, B, P, R, E, O> {
    return interpretDefinition(this.definition as unknown as StepDefinition, options);
  }
}

/** Where modules, and what is known of them, are kept. */
async function storeOf(cache: boolean | string = true): Promise<Cache | undefined> {
  const { moduleCache } = await platform();
  return cache === false ? undefined : moduleCache(cache === true ? undefined : cache);
}

const COMPILE_OPTIONS: readonly (keyof CompileStepOptions)[] = [
  ...(['seed', 'threads', 'relaxed', 'wide', 'memory', 'shards', 'distributed', 'cache'] as const),
  ...(['apart', 'around', 'without', 'progress', 'profile'] as const),
];

function checkCompile(what: string, options: CompileStepOptions): void {
  checkOptions(what, options, COMPILE_OPTIONS, {
    precision: 'compiled code computes in float32; interpret({ precision }) has float64',
    lr: 'the rate is given to session.run({ steps, lr }) and session.step({ lr })',
  });
  const { relaxed, wide, cache, apart, around, without, progress, profile } = options;
  if (wide !== undefined) boolean(`${what}: wide`, wide);
  if (options.memory !== undefined) memorySize(`${what}: memory`, options.memory);
  if (relaxed !== undefined) boolean(`${what}: relaxed`, relaxed);
  if (profile !== undefined) boolean(`${what}: profile`, profile);
  if (apart !== undefined) boolean(`${what}: apart`, apart);
  if (around !== undefined && typeof around !== 'function')
    throw new OptionError(`${what}: around must be a function that calls what it gets, got ${shown(around)}`);
  if (progress !== undefined && typeof progress !== 'function')
    throw new OptionError(`${what}: progress must be a function, got ${shown(progress)}`);
  if (cache !== undefined && (typeof cache !== 'string' || cache === ''))
    boolean(`${what}: cache, where it is not the path of a folder,`, cache as boolean);
  if (without !== undefined && !Array.isArray(without))
    throw new OptionError(`${what}: without must be an array of the names of passes, got ${shown(without)}`);
}

/** A training step of any model. */
export type AnyTrainStep = TrainStep<unknown, Types, Types>;

/**
 * Defines a training step: forward, backward and update of a model on a batch of fixed size. Options are checked here,
 * shapes when it is compiled or interpreted, before anything runs.
 * @example
 * ```ts
 * import { f32, meanSquaredError, nn, optim, trainStep } from '2headgrad';
 * const step = trainStep({
 *   model: nn.linear(1, 1),
 *   batch: { x: f32(4, 1), y: f32(4, 1) },
 *   loss: (model, { x, y }) => meanSquaredError(model(x), y),
 *   optimizer: optim.sgd(),
 *   predict: { inputs: { x: f32(1, 1) }, output: (model, { x }) => model(x) },
 * });
 * const session = await step.compile({ seed: 42 });
 * session.data({ x: [-2, -1, 1, 2], y: [-6, -3, 3, 6] });
 * await session.run({ steps: 200, lr: 0.1 });
 * console.log(session.predict({ x: [10] })[0].toFixed(2)); // 30.00
 * await session.close();
 * ```
 */
export function trainStep<
  M,
  B extends Types,
  P extends Types = Record<never, never>,
  E extends Record<string, Types> = Record<never, never>,
  V = Record<never, never>,
  O = Tensor,
  F = Record<never, never>,
>(options: StepOptions<M, B, P, E, V, O, F>): TrainStep<M, B, P, MetricResults<V>, UsesOf<E, F>, O> {
  return new TrainStep(options as unknown as StepOptions<M, B, P>);
}
