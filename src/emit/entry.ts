import { inputAttrs, isInput, type Node } from '../graph/graph.js';
import { loopsOf } from '../loops/build.js';
import type { LoopProgram } from '../loops/program.js';
import { libraryOf } from '../loops/query.js';
import type { Buffer } from '../plan/layout.js';
import { memoryIn } from '../plan/places.js';
import type { EntryPlan, MemoryPlan } from '../plan/plan.js';
import { shownName } from '../printable.js';
import { partsOf, partsOfGroup, timeOf, usefulThreads } from '../schedule/cost.js';
import type { Group, Kernel, Schedule } from '../schedule/kernel.js';
import { formatType } from '../shape.js';
import { comment } from './code.js';
import { stepName } from './driver.js';
import type { KernelCall, Use } from './functions.js';
import { groupFunction, type Member, tilesOf } from './group.js';
import type { Imports } from './imports.js';
import { Meetings } from './meetings.js';
import { poisonAfter, poisonStart } from './poison.js';
import { type Candidate, forSecondThread } from './second-thread.js';
import { ownCall, type PartFunctions, sharedCall } from './share.js';
import { touchedBy } from './touched.js';

/** An entry with the addresses of its own buffers declared. */
export interface Entry {
  readonly name: string;
  readonly index: number;
  readonly plan: EntryPlan;
  readonly declarations: readonly string[];
  /** Its kernels, in running order. */
  readonly uses: readonly Use[];
  readonly groups: readonly Group[];
}

/** Addresses that all entries share: of variables by name, of constants by address. */
export interface SharedNames {
  readonly variables: ReadonlyMap<string, string>;
  readonly constants: ReadonlyMap<number, string>;
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
  const named = (what: string, buffers: readonly Buffer[]) => {
    const addresses = declareAll(`${what}_${index}`, buffers, declarations);
    return new Map(buffers.map((b, i) => [b.name, addresses[i]]));
  };
  const inputs = named('INPUT', plan.inputs);
  const outputs = named('OUTPUT', plan.outputs);
  const arena = named('ARENA', plan.arena);
  const inArena = new Map(plan.arena.map((b) => [b.node, arena.get(b.name)!]));
  const constants = new Map<Node, string>();
  for (const [node, at] of schedule.storage) {
    switch (at.kind) {
      case 'variable':
        constants.set(node, names.variables.get(at.name)!);
        break;
      case 'input':
        constants.set(node, inputs.get(at.name)!);
        break;
      case 'output':
        constants.set(node, outputs.get(at.name)!);
        break;
      case 'arena':
        constants.set(node, inArena.get(node)!);
        break;
      case 'constant':
        constants.set(node, names.constants.get(plan.address.get(node)!)!);
    }
  }
  const uses = schedule.kernels.map((kernel, i): Use => {
    const program = loopsOf(kernel, {
      isVariable: (node) => schedule.storage.get(node)?.kind === 'variable',
      regionOf: (node) => plan.parts.get(node),
      panelsOf: (node) => {
        const at = schedule.storage.get(node);
        return at?.kind === 'variable' ? at.panels : undefined;
      },
      liesOn: (node) => plan.address.get(node) === plan.address.get(kernel.stores[0]),
    });
    return { kernel, program, stem: `kernel_${index}_${i}`, constant: (node) => constants.get(node)! };
  });
  return { name, index, plan, declarations, uses, groups: schedule.groups };
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
}

/** What a step calls: a kernel, or those of a group. */
interface Run extends Candidate {
  readonly members: readonly Member[];
  readonly group: Group | null;
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
  { name, index, plan, declarations, uses, groups }: Entry,
  calls: ReadonlyMap<Use, KernelCall>,
  options: StepOptions,
): { lines: string[]; kernels: StepKernel[] } {
  const lines = [...declarations];
  const runs = runsOf(uses, groups, calls, options.threadShare, plan);
  const results = new Set(plan.outputs.map((output) => output.address));
  const others = forSecondThread(runs, (node) => results.has(plan.address.get(memoryIn(plan, node))!));
  const texts = runs.map((run) => {
    for (const { use, called } of run.members) {
      if (called.to.uses[0] !== use) continue;
      lines.push(...declareFunction(called));
      for (const [name, file] of libraryOf(use.program)) options.imports.add(file, name);
    }
    const stem = run.group ? `group_${index}_${run.group.from}` : run.members[0].use.stem;
    const { call, lines: declared } = callOf(run, others.has(run), stem, options);
    lines.push(...declared);
    return call;
  });
  const kernels = runs.flatMap((run) =>
    run.members.map(({ use, called }): StepKernel => {
      const { group, threads } = run;
      const { kernel, program } = use;
      return { kernel, name: called.to.name, program, threads, second: others.has(run), group };
    }),
  );
  lines.push(
    '',
    `/** One run of ${comment(shownName(name))}, this thread's part. */`,
    `function ${stepName(index)}(): void {`,
    ...steps(runs, texts, plan, options),
    '}',
  );
  return { lines, kernels };
}

/** What a step calls, in running order. */
function runsOf(
  uses: readonly Use[],
  groups: readonly Group[],
  calls: ReadonlyMap<Use, KernelCall>,
  threadShare: number,
  plan: EntryPlan,
): Run[] {
  const starts = new Map(groups.map((group) => [group.from, group]));
  const runs: (Omit<Run, 'touched'> & { kernels: readonly Kernel[] })[] = [];
  for (let at = 0; at < uses.length; ) {
    const group = starts.get(at) ?? null;
    const members = uses
      .slice(at, group ? group.to + 1 : at + 1)
      .map((use, i) => ({ use, called: calls.get(use)!, at: at + i }));
    const kernels = members.map(({ use }) => use.kernel);
    runs.push({
      members,
      group,
      kernels,
      stores: kernels.flatMap((k) => k.stores),
      threads: usefulThreads(kernels, group ? tilesOf(group) : members[0].called.to.units, threadShare),
      nanoseconds: timeOf(kernels),
    });
    at += members.length;
  }
  const touched = touchedBy(
    runs.map(({ kernels }) => kernels),
    plan,
  );
  return runs.map((run, i) => ({ ...run, touched: touched[i] }));
}

/** The call of a run, and what has to be declared for it. */
function callOf({ members, group, threads }: Run, second: boolean, stem: string, options: StepOptions) {
  const [{ use, called }] = members;
  const made = group ? groupFunction(group, members, stem, options) : null;
  const callee = made ?? called;
  const parts = group
    ? partsOfGroup(
        members.map((m) => m.use.kernel),
        callee.to.units,
      )
    : partsOf(use.kernel, callee.to.units);
  const { text, lines } =
    threads > 1
      ? sharedCall(callee, { parts, stem }, threads, options)
      : ownCall(callee, second, options.imports);
  return { call: text, lines: [...(made?.lines ?? []), ...lines] };
}

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

/** Calls in order; threads meet wherever one may touch what another has not finished with. */
function steps(
  runs: readonly Run[],
  calls: readonly string[],
  plan: EntryPlan,
  { poison, profile, imports }: Pick<StepOptions, 'poison' | 'profile' | 'imports'>,
): string[] {
  if (profile || poison) imports.add('team', 'thread');
  const lines: string[] = poison ? poisonStart(plan, poison) : [];
  if (profile) lines.push('if (thread == 0) mark(-1);');
  const meetings = new Meetings(runs);
  for (const [i, run] of runs.entries()) {
    if (meetings.needed(run)) {
      lines.push('barrier();');
      meetings.meet();
    }
    meetings.run(run);
    lines.push(...noteOf(run), calls[i]);
    const last = run.members.at(-1)!.at;
    const poisoned = poison ? poisonAfter(plan, last) : [];
    if (poisoned.length) meetings.meet();
    lines.push(...poisoned);
    if (profile && !run.group) lines.push(`if (thread == 0) mark(${last});`);
  }
  return lines;
}

/** What a kernel computes, where its function does not say so, since others call that too. */
function noteOf({ members: [{ use, called }], group }: Run): string[] {
  return !group && called.to.uses.length > 1 ? [`// ${describe(use.kernel)}`] : [];
}

/** What a kernel computes and from what, as a sentence for comments. */
function describe(kernel: Kernel): string {
  const list = (nodes: readonly Node[]) =>
    nodes.map((n) => `${isInput(n) ? shownName(inputAttrs(n).name) : n.op.name} ${formatType(n)}`).join(', ');
  const where = [...new Set(kernel.stores.map((n) => n.where).filter(Boolean))].join(', ');
  return comment(
    `${list(kernel.stores)}${where ? ` (${where})` : ''}, from ${list(kernel.loads) || 'constants'}.`,
  );
}

/** Declares the addresses of buffers as numbered constants, whose names it returns. */
export function declareAll(what: string, buffers: readonly Buffer[], lines: string[]): string[] {
  return buffers.map(({ name, address, shape, dtype }, i) => {
    lines.push(
      `const ${what}_${i}: usize = ${address}; // ${shownName(name)}: ${formatType({ shape, dtype })}`,
    );
    return `${what}_${i}`;
  });
}
