import type { Node } from '../graph/graph.js';
import { memoryIn, type Places } from '../plan/places.js';
import type { LoopPlan } from '../plan/plan.js';
import { timeOf, usefulThreads } from '../schedule/cost.js';
import type { Group, LoopKernel } from '../schedule/kernel.js';
import type { KernelCall, Use } from './functions.js';
import { type Member, tilesOf } from './group.js';
import type { Step, Turns } from './names.js';
import { type Candidate, forSecondThread } from './second-thread.js';

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
  const ofKernels = (uses: readonly Use[], group: Group | null, last: number): KernelRun => {
    const members = uses.map((use) => ({ use, called: calls.get(use)!, at: count++ }));
    const kernels = uses.map(({ kernel }) => kernel);
    return {
      kind: 'kernels',
      ...{ members, group, last },
      kernel: { stores: kernels.flatMap((k) => k.stores), loads: kernels.flatMap((k) => k.loads) },
      threads: usefulThreads(kernels, group ? tilesOf(group) : members[0].called.to.units, threadShare),
      nanoseconds: timeOf(kernels),
    };
  };
  const ofLoop = ({ kernel, index, before, step: inner }: Turns, plan: LoopPlan, last: number): LoopRun => {
    const first = before.map((use) => ofKernels([use], null, 0));
    const runs = ofStep(inner);
    const threads = Math.max(1, ...[...first, ...runs].map((run) => run.threads));
    const nanoseconds = timeOf([kernel]);
    return {
      kind: 'loop',
      loop: kernel,
      index,
      before: first,
      runs,
      plan,
      last,
      kernel,
      threads,
      nanoseconds,
    };
  };
  const ofStep = ({ kernels, groups, plan }: Step): Run[] => {
    const starts = new Map(groups.map((group) => [group.from, group]));
    const runs: Run[] = [];
    for (let at = 0; at < kernels.length; ) {
      const one = kernels[at];
      const group = starts.get(at) ?? null;
      const last = group ? group.to : at;
      if ('step' in one) runs.push(ofLoop(one, plan.loops.get(one.kernel.work)!, at));
      else runs.push(ofKernels(kernels.slice(at, last + 1) as Use[], group, last));
      at = last + 1;
    }
    return runs;
  };
  return ofStep(step);
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
export function secondRuns(
  runs: readonly Run[],
  plan: Places,
  isResult: (node: Node) => boolean,
): ReadonlySet<Run> {
  const found = new Set<Run>(forSecondThread(runs, plan, isResult));
  for (const run of runs) {
    if (run.kind !== 'loop') continue;
    if (run.threads === 1) {
      if (found.has(run)) for (const inner of allIn(run)) found.add(inner);
    } else for (const inner of secondRuns(run.runs, run.plan, () => false)) found.add(inner);
  }
  return found;
}

function allIn({ before, runs }: LoopRun): Run[] {
  return [...before, ...runs].flatMap((run) => (run.kind === 'loop' ? [run, ...allIn(run)] : [run]));
}

/** Whether a loop writes what the host reads. */
export function writesOutput(
  { kernel }: Run,
  plan: Places,
  outputs: readonly { address: number }[],
): boolean {
  const all = new Set(outputs.map(({ address }) => address));
  return kernel.stores.some((node) => all.has(plan.address.get(memoryIn(plan, node))!));
}
