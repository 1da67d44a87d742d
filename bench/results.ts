import { median, spread } from '../src/cli/rounds.js';
import type { Ceiling } from './ceiling.js';
import type { Entrant } from './entrant.js';

/** One engine on one workload, as the JSON has it. */
export interface Row {
  workload: string;
  engine: string;
  threads: number;
  steps_per_second: number;
  /** Half the distance between the quartiles over the median; null after a single sample. */
  spread: number | null;
  gflops: number;
  /** Of the ceiling of its threads in the same rounds; null for engines that are not held against it. */
  of_ceiling: number | null;
  compile_ms: number | null;
  peak_bytes: number | null;
  samples: number;
}

export interface Report {
  ceiling_gflops: { strict: number; relaxed: number | null };
  results: Row[];
  /** By engine; empty without --peers. */
  peers: Record<string, PeerState>;
  node: string;
  cpu: string;
  /** The most that our engine was measured with. */
  threads: number;
  quick: boolean;
  /** Passes that compiled-without leaves out. */
  without: readonly string[];
}

/** What became of a peer: how to install one that is missing, and why a workload failed. */
export interface PeerState {
  version?: string;
  missing?: string;
  failed?: Record<string, string>;
}

export interface Ceilings {
  strict: Ceiling;
  relaxed: Ceiling | null;
}

/** Samples in steps per second as GFLOP/s. */
export const ceilingGflops = (ceiling: Ceiling, samples: readonly number[]): number[] =>
  samples.map((speed) => (speed * ceiling.flopsPerStep) / 1e9);

export function makeRow(
  workload: string,
  { engine, threads, compileMs, peakBytes }: Entrant,
  samples: readonly number[],
  flops: number,
  ceiling: number | null,
): Row {
  const speed = median(samples);
  const gflops = (flops * speed) / 1e9;
  return {
    workload,
    engine,
    threads,
    steps_per_second: speed,
    spread: spread(samples),
    gflops,
    of_ceiling: ceiling === null ? null : gflops / (threads * ceiling),
    compile_ms: compileMs,
    peak_bytes: peakBytes,
    samples: samples.length,
  };
}

/** The compiled engine with one thread, which others are compared with. */
export const baseline = (rows: readonly Row[]): Row | undefined =>
  rows.find((row) => row.engine === 'compiled' && row.threads === 1);
