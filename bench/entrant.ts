import { type Contestant, median } from '../src/cli/rounds.js';
import type { CompiledModule } from '../src/emit/compile.js';

export type OwnEngine = 'tape' | 'compiled' | 'compiled-without' | 'compiled-wide' | 'compiled-relaxed';

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
  /** Passes of the compiler that compiled-without leaves out. */
  readonly without: readonly string[];
}

/** Compiles several times: the last that was made, and the median of the times. */
export async function timed(
  times: number,
  make: () => Promise<CompiledModule>,
): Promise<{ made: CompiledModule; ms: number }> {
  const all: CompiledModule[] = [];
  for (let i = 0; i < times; i++) all.push(await make());
  return { made: all.at(-1)!, ms: median(all.map((module) => module.compileMs)) };
}
