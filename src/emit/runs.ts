import type { Node } from '../graph/graph.js';
import { timeOf, usefulThreads } from '../kernels/cost.js';
import type { Group, Kernel, LoopKernel } from '../kernels/kernel.js';
import { memoryIn, type Places } from '../plan/places.js';
import type { LoopPlan, StepPlan } from '../plan/plan.js';
import type { KernelCall, Use } from './functions.js';
import { type Member, tilesOf } from './group.js';
import type { Step, Turns } from './names.js';
import { type Candidate, forSecondThread } from './second-thread.js';
import { touchedBy } from './touched.js';

// What a step calls one after the other: kernels, groups of them, and loops, which have a list of their own.

/** A kernel or those of a group. */
export interface KernelRun extends Candidate {
  readonly kind: 'kernels';
  readonly members: readonly Member[];
  readonly group: Group | null;
  /** Its place, or that of its last kernel, in the schedule that it is of. */
  readonly last: number;
}

export interface LoopRun extends Candidate {
  readonly kind: 'loop';
  readonly loop: LoopKernel;
  /** The variable that counts the turns. */
  readonly index: string;
  readonly before: readonly KernelRun[];
  readonly runs: readonly Run[];
  readonly plan: LoopPlan;
  readonly last: number;
}

export type Run = KernelRun | LoopRun;

/** What a step calls, in running order. */
export function runsOf(step: Step, calls: ReadonlyMap<Use, KernelCall>, threadShare: number): Run[] {
  let count = 0;
  const ofKernels = (uses: readonly Use[], group: Group | null, last: number): Untouched<KernelRun> => {
    const members = uses.map((use) => ({ use, called: calls.get(use)!, at: count++ }));
    const kernels = uses.map(({ kernel }) => kernel);
    return {
      kind: 'kernels',
      ...{ members, group, last, kernels },
      stores: kernels.flatMap((k) => k.stores),
      threads: usefulThreads(kernels, group ? tilesOf(group) : members[0].called.to.units, threadShare),
      nanoseconds: timeOf(kernels),
    };
  };
  const ofLoop = (
    { kernel, index, before: copies, step: inner }: Turns,
    plan: LoopPlan,
    around: StepPlan,
    last: number,
  ): Untouched<LoopRun> => {
    const before = touching<KernelRun>(
      copies.map((use) => ofKernels([use], null, 0)),
      around,
    );
    const runs = ofStep(inner);
    const threads = Math.max(1, ...[...before, ...runs].map((run) => run.threads));
    return {
      kind: 'loop',
      ...{ loop: kernel, index, before, runs, plan, last, threads },
      ...{ kernels: [kernel], stores: kernel.stores, nanoseconds: timeOf([kernel]) },
    };
  };
  const ofStep = ({ kernels, groups, plan }: Step): Run[] => {
    const starts = new Map(groups.map((group) => [group.from, group]));
    const runs: Untouched<Run>[] = [];
    for (let at = 0; at < kernels.length; ) {
      const one = kernels[at];
      const group = starts.get(at) ?? null;
      const last = group ? group.to : at;
      if ('step' in one) runs.push(ofLoop(one, plan.loops.get(one.kernel.work)!, plan, at));
      else runs.push(ofKernels(kernels.slice(at, last + 1) as Use[], group, last));
      at = last + 1;
    }
    return touching<Run>(runs, plan);
  };
  return ofStep(step);
}

/** A run of which it is not yet told what it touches. */
type Untouched<R> = R extends Run ? Omit<R, 'touched'> & { readonly kernels: readonly Kernel[] } : never;

function touching<R extends Run>(runs: readonly Untouched<R>[], plan: Places): R[] {
  const touched = touchedBy(
    runs.map(({ kernels }) => kernels),
    plan,
  );
  return runs.map((run, i) => ({ ...run, touched: touched[i] }) as unknown as R);
}

/** All kernels that some runs call, in running order, each with the run that calls it. */
export function membersIn(runs: readonly Run[]): { run: KernelRun; member: Member }[] {
  return runs.flatMap((run) =>
    run.kind === 'loop'
      ? membersIn([...run.before, ...run.runs])
      : run.members.map((member) => ({ run, member })),
  );
}

/** The runs that the second thread does, in loops too. */
export function secondRuns(runs: readonly Run[], isResult: (node: Node) => boolean): ReadonlySet<Run> {
  const found = new Set<Run>(forSecondThread(runs, isResult));
  for (const run of runs) {
    if (run.kind !== 'loop') continue;
    if (run.threads === 1) {
      if (found.has(run)) for (const inner of allIn(run)) found.add(inner);
    } else for (const inner of secondRuns(run.runs, () => false)) found.add(inner);
  }
  return found;
}

function allIn({ before, runs }: LoopRun): Run[] {
  return [...before, ...runs].flatMap((run) => (run.kind === 'loop' ? [run, ...allIn(run)] : [run]));
}

/** Whether a loop writes what the host reads. */
export function writesOutput(
  { stores }: Run,
  plan: Places,
  outputs: readonly { address: number }[],
): boolean {
  const all = new Set(outputs.map(({ address }) => address));
  return stores.some((node) => all.has(plan.address.get(memoryIn(plan, node))!));
}
