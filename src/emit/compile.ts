import { OptionError } from '../errors.js';
import type { Graph } from '../graph/graph.js';
import { openIndices } from '../graph/indices.js';
import { printGraph } from '../graph/print.js';
import type { Schedule } from '../kernels/kernel.js';
import { printStage } from '../loops/stage.js';
import { attentionInOnePiece, blockAttention } from '../optimize/attention/index.js';
import { guardIndices } from '../optimize/guard-indices.js';
import { optimize, passes } from '../optimize/index.js';
import { planWithin } from '../plan/budget.js';
import { layoutOf, type MemoryLayout } from '../plan/layout.js';
import type { MemoryPlan } from '../plan/plan.js';
import { printMemory } from '../plan/print.js';
import { clipped } from '../printable.js';
import { SCHEDULE_PASSES } from '../schedule/passes.js';
import { printSchedule } from '../schedule/print.js';
import type { DType, Shape } from '../shape.js';
import { type AscOptions, disassemble, type Library, runAsc } from './asc.js';
import { type Cached, decodeModule, encodeModule, keyOf } from './cached.js';
import { emitModule, type ModuleSource } from './module.js';
import type { Stage } from './stages.js';

/** What the compiler needs to know of a program: its graphs, by entry, and the variables they share. */
export interface CompilerInput {
  readonly name: string;
  readonly variables: readonly { readonly name: string; readonly shape: Shape; readonly dtype: DType }[];
  readonly entries: Readonly<Record<string, Graph>>;
}

/** Keeps compiled modules, as bytes, by the hash of all that they are made of. What it gives back need not be trusted. */
export interface Cache {
  get(key: string): Promise<Uint8Array | undefined>;
  set(key: string, bytes: Uint8Array): Promise<void>;
  /** What entries are signed with, where others may write into the place: theirs are then compiled anew. */
  secret?(): Promise<Uint8Array>;
}

/** What is done on the way to a module, in this order. */
export const STEPS = ['optimize', 'schedule', 'plan', 'emit', 'asc'] as const;

/** A step of the compilation begins. */
export interface CompileProgress {
  readonly step: (typeof STEPS)[number];
  /** Operations in all graphs of the program. */
  readonly nodes: number;
  /** Since the compilation began. */
  readonly seconds: number;
}

export interface CompileOptions extends Partial<AscOptions> {
  /** Passes of the optimizer and of the scheduler to leave out, by name. */
  readonly without?: readonly string[];
  /** Bytes that a session may take before its dataset, by default all: values are made again rather than kept to keep to it. */
  readonly memory?: number;
  readonly library: Library;
  readonly cache?: Cache;
  /** Runs the steps before asc, which hold this thread: by default they are just called. */
  around?<T>(work: () => T): T;
  /** What runs asc: by default this thread, which hears nothing meanwhile. */
  readonly asc?: typeof runAsc;
  /** Nanoseconds of work that each thread of a shared kernel has at least; 0 shares all that can be. */
  readonly threadShare?: number;
  /** For tests: bytes that the cache is taken to keep; few let small programs have groups, too. */
  readonly cacheBytes?: number;
  /** For tests: variables lie in panels wherever they may, whether that spares time or not. */
  readonly allPanels?: boolean;
  /** For tests: products make their operands wherever they may, whether that spares time or not. */
  readonly allPrologues?: boolean;
  /** Call the host before the first kernel and after each, so that it can take the time. */
  readonly profile?: boolean;
  /** For looking for errors in the memory plan: bytes without a live value are NaN, what kernels overwrite is proven safe. */
  readonly poison?: boolean;
  /** For tests: false gives every kernel a function of its own, also where several have the same program. */
  readonly shareKernels?: boolean;
  /** Called as each step of the compilation begins, and with null when the module is made; not for a cached one. */
  progress?(now: CompileProgress | null): void;
}

/** What the compiler makes of a program before asc runs. */
interface Stages {
  readonly graphs: Readonly<Record<string, Graph>>;
  readonly schedules: Readonly<Record<string, Schedule>>;
  readonly plan: MemoryPlan;
  readonly source: ModuleSource;
}

type Tell = (step: CompileProgress['step']) => void;

function stagesOf(input: CompilerInput, options: CompileOptions, tell: Tell = () => {}): Stages {
  const { without = [] } = options;
  checkPasses(without);
  const map = <A, B>(record: Readonly<Record<string, A>>, f: (value: A) => B) =>
    Object.fromEntries(Object.entries(record).map(([entry, value]) => [entry, f(value)]));
  tell('optimize');
  const guarded = map(input.entries, guardIndices);
  const optimizing = without.filter((name) => !isSchedulePass(name));
  const graphs = map(guarded, ({ graph }) =>
    optimize(graph, { without: optimizing, cacheBytes: options.cacheBytes }),
  );
  tell('schedule');
  const guards = map(guarded, (entry) => entry.guards);
  const { schedules, plan } = planWithin(
    { graphs, variables: input.variables, guards },
    options.memory,
    options,
    tell,
  );
  tell('emit');
  const source = emitModule(input.name, schedules, plan, options);
  if (without.includes(blockAttention.name)) return { graphs, schedules, plan, source };
  const told = Object.entries(schedules).map(([entry, schedule]): [string, Schedule] => {
    const whole = attentionInOnePiece(graphs[entry], options.cacheBytes);
    return [entry, { ...schedule, unfused: [...whole, ...schedule.unfused] }];
  });
  return { graphs, schedules: Object.fromEntries(told), plan, source };
}

const isSchedulePass = (name: string) => SCHEDULE_PASSES.some((pass) => pass === name);

/** All that can be left out, in the order in which it runs. */
export const PASSES: readonly string[] = [...passes.map((pass) => pass.name), ...SCHEDULE_PASSES];

function checkPasses(without: readonly string[]): void {
  const unknown = without.find((name) => !PASSES.includes(name));
  if (unknown !== undefined)
    throw new OptionError(
      `there is no pass ${clipped(String(unknown))}: the passes are ${PASSES.join(', ')}`,
    );
}

/** A compiled program and everything on the way to it. */
export class CompiledModule {
  constructor(
    readonly name: string,
    readonly wasm: Uint8Array,
    readonly layout: MemoryLayout,
    /** Made when they are first asked for, where the module came out of the cache. */
    private readonly stages: () => Stages,
    readonly options: AscOptions,
    /** Wall time from graph to wasm. */
    readonly compileMs: number,
    /** Whether it came out of the cache. */
    readonly cached: boolean,
  ) {}

  get graphs(): Stages['graphs'] {
    return this.stages().graphs;
  }
  get schedules(): Stages['schedules'] {
    return this.stages().schedules;
  }
  /** Bytes of a session before its dataset, and what entries make again to keep to a budget. */
  get memory(): { readonly bytes: number; readonly remade: NonNullable<MemoryLayout['remade']> } {
    const { end, remade = {} } = this.layout;
    return { bytes: end, remade };
  }
  get plan(): MemoryPlan {
    return this.stages().plan;
  }
  get source(): ModuleSource {
    return this.stages().source;
  }

  /** A stage of the compilation as text. */
  async text(stage: Stage): Promise<string> {
    switch (stage) {
      case 'graph':
        return Object.values(this.graphs)
          .map((graph) => printGraph(graph))
          .join('\n');
      case 'schedule':
        return Object.values(this.schedules).map(printSchedule).join('\n');
      case 'loops':
        return printStage(this.source.functions);
      case 'memory':
        return printMemory(this.plan);
      case 'assemblyscript':
        return this.source.text;
      case 'wat':
        return disassemble(this.wasm);
    }
  }
}

/** Graphs to wasm: optimize, schedule, plan, emit. A module in the cache is found by its graphs alone. */
export async function compileProgram(input: CompilerInput, options: CompileOptions): Promise<CompiledModule> {
  const started = performance.now();
  const { library, cache, asc: compile = runAsc, shared = true, relaxed = false, level = 3 } = options;
  const asc = { shared, relaxed, level };
  let made: Stages | undefined;
  const stages = (tell?: Tell) => {
    made ??= stagesOf(input, options, tell);
    return made;
  };
  const finish = ({ wasm, layout }: Cached, cached: boolean) =>
    new CompiledModule(
      input.name,
      wasm,
      located(layout, input),
      stages,
      asc,
      performance.now() - started,
      cached,
    );
  const { around = (work) => work() } = options;
  const key = cache && (await around(() => keyOf(input, options, asc)));
  const found = key && (await decodeModule(await cache.get(key), key, input, cache));
  if (found) return finish(found, true);
  const nodes = Object.values(input.entries).reduce((sum, graph) => sum + graph.nodes.length, 0);
  const tell: Tell = (step) =>
    options.progress?.({ step, nodes, seconds: (performance.now() - started) / 1000 });
  const { plan, source } = around(() => stages(tell));
  tell('asc');
  const module = { wasm: await compile(source.text, library, asc), layout: layoutOf(plan) };
  options.progress?.(null);
  if (key) await cache.set(key, await encodeModule(module, key, cache));
  return finish(module, false);
}

/** The layout with the user's lines as they are now: a cached module may have been made when they stood elsewhere. */
function located(layout: MemoryLayout, { entries }: CompilerInput): MemoryLayout {
  if (!Object.values(layout.entries).some((entry) => entry.guards)) return layout;
  const moved = Object.entries(layout.entries).map(([name, entry]) => {
    const open = entry.guards && openIndices(entries[name]);
    return [name, { ...entry, guards: entry.guards?.map((g, i) => ({ ...g, where: open![i].where })) }];
  });
  return { ...layout, entries: Object.fromEntries(moved) };
}
