import { inputAttrs, isInput, type Node } from '../graph/graph.js';
import { partsOf, partsOfGroup } from '../kernels/cost.js';
import type { Group, Kernel, LoopKernel, Schedule } from '../kernels/kernel.js';
import type { LoopProgram } from '../loops/program.js';
import { libraryOf } from '../loops/query.js';
import { HANDED_ON } from '../plan/layout.js';
import { memoryIn } from '../plan/places.js';
import type { EntryPlan, MemoryPlan, StepPlan } from '../plan/plan.js';
import { shownName } from '../printable.js';
import { formatType } from '../shape.js';
import { comment } from './code.js';
import { stepName } from './driver.js';
import type { KernelCall, Use } from './functions.js';
import { groupFunction } from './group.js';
import type { Imports } from './imports.js';
import { Meetings } from './meetings.js';
import { milestones } from './milestones.js';
import { type SharedNames, type Step, stepOfEntry } from './names.js';
import { fill, poisonAfter, poisonStart } from './poison.js';
import {
  type KernelRun,
  type LoopRun,
  membersIn,
  type Run,
  runsOf,
  secondRuns,
  writesOutput,
} from './runs.js';
import { ownCall, type PartFunctions, plainCall, sharedCall } from './share.js';

/** An entry with the addresses of its own buffers declared. */
export interface Entry {
  readonly name: string;
  readonly index: number;
  readonly plan: EntryPlan;
  readonly declarations: readonly string[];
  readonly step: Step;
}

/** Names the buffers of an entry, and says how its kernels are emitted. */
export function entryOf(
  name: string,
  index: number,
  schedule: Schedule,
  plan: EntryPlan,
  names: SharedNames,
): Entry {
  const declarations: string[] = [`// ${shownName(name)}: inputs, outputs, intermediate values`];
  const step = stepOfEntry(index, schedule, plan, names, declarations);
  return { name, index, plan, declarations, step };
}

/** A kernel's function, and how many threads share it at most. */
export interface StepKernel {
  readonly kernel: Kernel;
  readonly name: string;
  readonly program: LoopProgram;
  readonly threads: number;
  /** Whether it is the second thread's where there are several. */
  readonly second: boolean;
  /** The group that runs it, if one does. */
  readonly group: Group | null;
  /** The loops in which it runs, from the outside in. */
  readonly loops: readonly LoopKernel[];
}

/** What the step of an entry consists of, apart from the module's other entries. */
export interface StepOptions {
  readonly threadShare: number;
  readonly parts: PartFunctions;
  readonly imports: Imports;
  readonly profile: boolean;
  readonly poison: MemoryPlan['arena'] | null;
}

/** The text of an entry: addresses, the functions that it is the first to call, and the function of its step. */
export function emitEntry(
  { name, index, plan, declarations, step }: Entry,
  calls: ReadonlyMap<Use, KernelCall>,
  options: StepOptions,
): { lines: string[]; kernels: StepKernel[] } {
  const { imports, profile, poison } = options;
  const lines = [...declarations];
  const runs = runsOf(step, calls, options.threadShare);
  const results = new Set(plan.outputs.map((output) => output.address));
  const isResult = (node: Node) => results.has(plan.address.get(memoryIn(plan, node))!);
  const others = secondRuns(runs, isResult);
  for (const { member } of membersIn(runs)) {
    if (member.called.to.uses[0] !== member.use) continue;
    lines.push(...declareFunction(member.called));
    for (const [name, file] of libraryOf(member.use.program)) imports.add(file, name);
  }
  // What is handed on is one list, which the host sends on as it is made.
  const told = name === HANDED_ON.from ? milestones(runs, plan.outputs[0], plan) : new Map();
  if (told.size > 0) imports.add('team', 'thread');
  const writer = new StepWriter(index, plan, others, told, options);
  if (profile || poison) imports.add('team', 'thread');
  const body = [
    ...(poison ? poisonStart(plan, poison) : []),
    ...(profile ? ['if (thread == 0) mark(-1);'] : []),
    ...writer.steps(runs, plan, false),
  ];
  lines.push(
    ...writer.declared,
    '',
    `/** One run of ${comment(shownName(name))}, this thread's part. */`,
    `function ${stepName(index)}(): void {`,
    ...body,
    '}',
  );
  return { lines, kernels: stepKernels(runs, others, []) };
}

function stepKernels(
  runs: readonly Run[],
  others: ReadonlySet<Run>,
  loops: readonly LoopKernel[],
): StepKernel[] {
  return runs.flatMap((run) => {
    const second = others.has(run);
    if (run.kind === 'loop')
      return [
        ...stepKernels(run.before, others, loops),
        ...stepKernels(run.runs, others, [...loops, run.loop]),
      ];
    return run.members.map(({ use, called }): StepKernel => {
      const { group, threads } = run;
      const { kernel, program } = use;
      return { kernel, name: called.to.name, program, threads, second, group, loops };
    });
  });
}

/** Writes what threads do one after the other. */
class StepWriter {
  /** Functions and variables that calls need. */
  readonly declared: string[] = [];

  constructor(
    private readonly index: number,
    private readonly entry: EntryPlan,
    private readonly others: ReadonlySet<Run>,
    private readonly told: ReturnType<typeof milestones>,
    private readonly options: StepOptions,
  ) {}

  /**
   * Calls in order; threads meet wherever one may touch what another has not finished with.
   * @param alone one thread does all of it, and none waits for it
   */
  steps(runs: readonly Run[], plan: StepPlan, alone: boolean): string[] {
    const { poison, profile } = this.options;
    const lines: string[] = [];
    const meetings = new Meetings(runs);
    for (const run of runs) {
      if (!alone && meetings.needed(run)) {
        lines.push('barrier();');
        meetings.meet();
      }
      meetings.run(run);
      if (run.kind === 'loop') lines.push(...this.loop(run, plan, alone));
      else lines.push(...noteOf(run), this.call(run, alone));
      // Threads meet around it, too. That is not counted, since what the second thread does was chosen without.
      if (poison) lines.push(...poisonAfter(plan, run.last));
      if (profile && run.kind === 'kernels' && !run.group) lines.push(mark(run));
      const told = this.told.get(run);
      if (!told) continue;
      // What is told to be there is what all threads have made.
      if (told.more) meetings.meet();
      lines.push(...(told.more ? ['barrier();'] : []), `if (thread == 0) reached(${told.bytes});`);
    }
    return lines;
  }

  private loop(run: LoopRun, plan: StepPlan, alone: boolean): string[] {
    const { index, loop, before, runs, threads } = run;
    const { poison, imports, profile } = this.options;
    // Memory is filled while all threads wait for it.
    const own = alone || (threads === 1 && !poison);
    const first = before.flatMap((copy) => [
      ...noteOf(copy),
      this.call(copy, own),
      ...(profile ? [mark(copy)] : []),
    ]);
    const lines = [
      ...first,
      `for (let ${index}: usize = 0; ${index} < ${loop.length}; ${index}++) {`,
      // What a step has left the next one takes, whoever made it.
      ...(own ? [] : ['barrier();']),
      ...(poison ? fill([{ from: run.plan.from, to: run.plan.from + run.plan.bytes }]) : []),
      ...this.steps(runs, run.plan, own),
      '}',
    ];
    const after = !own && writesOutput(run, plan, this.entry.outputs) ? ['barrier();'] : [];
    const note = `// ${loop.length} turns: ${describe(loop)}`;
    if (!own || alone) return [note, ...lines, ...after];
    const second = this.others.has(run);
    imports.add('team', 'thread', ...(second ? ['second'] : []));
    return [note, `if (thread == ${second ? 'second' : 0}) {`, ...lines, '}'];
  }

  /** The call of a run; what has to be declared for it is. */
  private call(run: KernelRun, alone: boolean): string {
    const { members, group, threads } = run;
    const [{ use, called }] = members;
    const { options } = this;
    const stem = group ? `group_${this.index}_${group.from}` : use.stem;
    const made = group ? groupFunction(group, members, stem, options) : null;
    const callee = made ?? called;
    this.declared.push(...(made?.lines ?? []));
    if (alone) return plainCall(callee).text;
    const parts = group
      ? partsOfGroup(
          members.map((m) => m.use.kernel),
          callee.to.units,
        )
      : partsOf(use.kernel, callee.to.units);
    const { text, lines } =
      threads > 1
        ? sharedCall(callee, { parts, stem }, threads, options)
        : ownCall(callee, this.others.has(run), options.imports);
    this.declared.push(...lines);
    return text;
  }
}

const mark = ({ members }: KernelRun) => `if (thread == 0) mark(${members.at(-1)!.at});`;

function declareFunction({ to: { name, body, units, parameters, uses } }: KernelCall): string[] {
  const range = units > 1 ? ['begin: usize', 'end: usize'] : [];
  const typed = [...range, ...parameters.map((p) => `${p}: usize`)];
  const shared = uses.length > 1 ? `Shared by ${uses.length} kernels, of which the first is ` : '';
  return [
    ...body.functions.flatMap((helper) => ['', ...helper]),
    '',
    `/** ${shared}${describe(uses[0].kernel)} */`,
    `function ${name}(${typed.join(', ')}): void {`,
    ...body.lines,
    '}',
  ];
}

/** What a kernel computes, where its function does not say so, since others call that too. */
function noteOf({ members: [{ use, called }], group }: KernelRun): string[] {
  return !group && called.to.uses.length > 1 ? [`// ${describe(use.kernel)}`] : [];
}

/** What a kernel computes and from what, as a sentence for comments. */
function describe(kernel: Kernel): string {
  const list = (nodes: readonly Node[]) =>
    nodes.map((n) => `${isInput(n) ? shownName(inputAttrs(n).name) : n.op.name} ${formatType(n)}`).join(', ');
  const stores = kernel.kind === 'loop' ? kernel.results : kernel.stores;
  const where = [...new Set(kernel.stores.map((n) => n.where).filter(Boolean))].join(', ');
  return comment(`${list(stores)}${where ? ` (${where})` : ''}, from ${list(kernel.loads) || 'constants'}.`);
}
