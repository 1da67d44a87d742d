import fc from 'fast-check';
import { PASSES } from '../../src/emit/compile.js';
import type { Graph } from '../../src/graph/graph.js';
import { SCHEDULE_PASSES } from '../../src/schedule/passes.js';
import { type Case, check, type Settings, type Tally } from './check.js';
import { mix } from './data.js';
import { type Program, programs, traceProgram } from './program.js';
import { reduceGraph } from './reduce.js';

/** Programs of one module. */
const BATCH = 25;

export interface Finding {
  /** Of the program that failed. */
  readonly seed: number;
  readonly settings: Settings;
  readonly problem: string;
  /** A smaller case that fails, if it was looked for and found. */
  readonly smallest: Smallest | null;
}

export interface Smallest extends Case {
  readonly problem: string;
}

export interface FuzzOptions {
  readonly count: number;
  /** Program i is that of seed + i, alone or among others. */
  readonly seed: number;
  /** In place of those that go round, or of some of them. */
  readonly settings?: Settings;
  readonly tally?: Tally;
  /** How many failures to make small; the others stay as they are. */
  readonly shrink?: number;
  /** How long a failure may take to shrink, in seconds: the choices that make it, then its graph. */
  readonly patience?: number;
  /** Told of every failure before it is made small. */
  failed?(seed: number, problem: string): void;
  report?(done: number, failed: number): void;
}

/** Runs as many random programs; gives those that fail, made small. */
export async function fuzz(options: FuzzOptions): Promise<Finding[]> {
  const { count, seed, settings, tally, shrink = 0, patience = 60, failed, report } = options;
  const found: Finding[] = [];
  for (let at = seed; at < seed + count; ) {
    // Batches end at multiples of their size, where the settings change.
    const end = Math.min(seed + count, (Math.floor(at / BATCH) + 1) * BATCH);
    const seeds = Array.from({ length: end - at }, (_, i) => at + i);
    const chosen = { ...settingsOf(at), ...settings };
    const problems = await checkPrograms(seeds.map(programOf), chosen, tally);
    for (const [i, problem] of problems.entries()) {
      if (problem === null) continue;
      failed?.(seeds[i], problem);
      const smallest =
        found.length < shrink
          ? await shrinkProgram(seeds[i], kindOf(problem), chosen, 1000 * patience)
          : null;
      found.push({ seed: seeds[i], settings: chosen, problem, smallest });
    }
    at = end;
    report?.(at - seed, found.length);
  }
  return found;
}

/** Settings go round by the seed: as shipped, poisoned, without a pass or all of them, and faster to compile, with the bits of another schedule. */
export function settingsOf(seed: number): Settings {
  const batch = Math.floor(seed / BATCH);
  const round = Math.floor(batch / 4) % (PASSES.length + 1);
  const variants: Settings[] = [
    {},
    { level: 1, poison: true },
    { level: 1, without: round < PASSES.length ? [PASSES[round]] : PASSES },
    { level: 1, alike: [{ without: [SCHEDULE_PASSES[round % SCHEDULE_PASSES.length]] }] },
  ];
  return variants[batch % 4];
}

export function programOf(seed: number): Program {
  return fc.sample(programs(), { numRuns: 1, seed: mix(seed) })[0];
}

function attempt(program: Program): Case | null {
  try {
    return caseOf(program);
  } catch {
    return null;
  }
}

/** What is wrong with each program, or null; tracing may be what fails. */
async function checkPrograms(
  list: readonly Program[],
  settings: Settings,
  tally?: Tally,
): Promise<(string | null)[]> {
  const traced = list.map((program) => {
    try {
      return caseOf(program);
    } catch (error) {
      return `it cannot be traced: ${error instanceof Error ? error.stack : error}`;
    }
  });
  const problems = await check(
    traced.filter((t) => typeof t !== 'string'),
    settings,
    tally,
  );
  return traced.map((t) => (typeof t === 'string' ? t : problems.shift()!));
}

function caseOf(program: Program): Case {
  return { graph: traceProgram(program), data: program.data };
}

/** What sort of failure it is: shrinking must not wander from a wrong result to some other error. */
function kindOf(problem: string): string {
  if (!/^(output|variable) /.test(problem)) return problem.slice(0, 40);
  return problem.includes('not the bits') ? 'bits' : 'value';
}

/** The smallest failure near the program of a seed, or null if it does not fail when it is alone. */
async function shrinkProgram(
  seed: number,
  kind: string,
  settings: Settings,
  milliseconds: number,
): Promise<Smallest | null> {
  let last: Program | null = null;
  const property = fc.asyncProperty(programs(), async (program) => {
    const [problem] = await checkPrograms([program], settings);
    const same = problem !== null && kindOf(problem) === kind;
    if (same) last = program;
    return !same;
  });
  await fc.check(property, { numRuns: 1, seed: mix(seed), interruptAfterTimeLimit: milliseconds });
  const traced = last && attempt(last);
  if (!traced) return null;
  return shrinkCase(traced, settings, milliseconds);
}

/** The smallest graph on the way from a failing one. */
export async function shrinkCase(
  { graph, data }: Case,
  settings: Settings,
  milliseconds: number,
): Promise<Smallest> {
  const problemOf = async (g: Graph) => (await check([{ graph: g, data }], settings))[0];
  const kind = await problemOf(graph).then((problem) => problem && kindOf(problem));
  const fails = async (g: Graph) => {
    const problem = await problemOf(g);
    return problem !== null && kindOf(problem) === kind;
  };
  const smallest = await reduceGraph(graph, fails, milliseconds);
  return { graph: smallest, data, problem: (await problemOf(smallest)) ?? 'it fails only sometimes' };
}
