import type { Graph } from '../graph/graph.js';
import { printGraph } from '../graph/print.js';
import { type OptimizeOptions, optimize } from '../optimize/index.js';
import { type MemoryPlan, planMemory } from '../plan/plan.js';
import { printMemory } from '../plan/print.js';
import type { Schedule } from '../schedule/kernel.js';
import { printSchedule } from '../schedule/print.js';
import { schedule } from '../schedule/schedule.js';
import type { DType, Shape } from '../shape.js';
import { type AscOptions, disassemble, type Library, runAsc } from './asc.js';
import { emitModule, type ModuleSource } from './module.js';

/** What the compiler needs to know of a program: its graphs, by entry, and the variables they share. */
export interface CompilerInput {
  readonly name: string;
  readonly variables: readonly { readonly name: string; readonly shape: Shape; readonly dtype: DType }[];
  readonly entries: Readonly<Record<string, Graph>>;
}

/** Keeps compiled modules by the hash of all that they depend on. */
export interface Cache {
  get(key: string): Promise<Uint8Array | undefined>;
  set(key: string, wasm: Uint8Array): Promise<void>;
}

export interface CompileOptions extends Partial<AscOptions>, OptimizeOptions {
  readonly library: Library;
  readonly cache?: Cache;
  /** Nanoseconds of work that each thread of a shared kernel has at least; 0 shares all that can be. */
  readonly threadShare?: number;
  /** Call the host before the first kernel and after each, so that it can take the time. */
  readonly profile?: boolean;
  /** For looking for errors in the memory plan: bytes without a live value are filled with NaN. */
  readonly poison?: boolean;
}

export const STAGES = ['graph', 'schedule', 'memory', 'assemblyscript', 'wat'] as const;
export type Stage = (typeof STAGES)[number];

/** A compiled program and everything on the way to it. */
export class CompiledModule {
  constructor(
    readonly name: string,
    readonly wasm: Uint8Array,
    readonly graphs: Readonly<Record<string, Graph>>,
    readonly schedules: Readonly<Record<string, Schedule>>,
    readonly plan: MemoryPlan,
    readonly source: ModuleSource,
    readonly options: AscOptions,
    /** Wall time from graph to wasm. */
    readonly compileMs: number,
    /** Whether the wasm came out of the cache. */
    readonly cached: boolean,
  ) {}

  /** A stage of the compilation as text. */
  async text(stage: Stage): Promise<string> {
    switch (stage) {
      case 'graph':
        return Object.values(this.graphs).map(printGraph).join('\n');
      case 'schedule':
        return Object.values(this.schedules).map(printSchedule).join('\n');
      case 'memory':
        return printMemory(this.plan);
      case 'assemblyscript':
        return this.source.text;
      case 'wat':
        return disassemble(this.wasm);
    }
  }
}

/** Graphs to wasm: optimize, schedule, plan, emit. */
export async function compileProgram(input: CompilerInput, options: CompileOptions): Promise<CompiledModule> {
  const started = performance.now();
  const { library, cache, shared = true, relaxed = false, level = 3 } = options;
  const entries = Object.entries(input.entries);
  const graphs = Object.fromEntries(entries.map(([entry, graph]) => [entry, optimize(graph, options)]));
  const schedules = Object.fromEntries(
    Object.entries(graphs).map(([entry, graph]) => [entry, schedule(graph)]),
  );
  const plan = planMemory(schedules, input.variables);
  const source = emitModule(input.name, schedules, plan, options);
  const asc = { shared, relaxed, level };
  const key = await digest(JSON.stringify([FORMAT, source.text, library, asc]));
  let wasm = await cache?.get(key);
  const cached = wasm !== undefined;
  if (!wasm) {
    wasm = await runAsc(source.text, library, asc);
    await cache?.set(key, wasm);
  }
  const took = performance.now() - started;
  return new CompiledModule(input.name, wasm, graphs, schedules, plan, source, asc, took, cached);
}

/** Changes whenever the same source would compile to something else: the compiler's version and flags. */
const FORMAT = 'asc 0.28.20, flags 1';

async function digest(text: string): Promise<string> {
  const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text));
  return Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
