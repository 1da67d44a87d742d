import { mebibytes, OutOfMemoryError } from '../errors.js';
import type { Node } from '../graph/graph.js';
import { chainsOf } from '../kernels/chains.js';
import { timeOf } from '../kernels/cost.js';
import type { Kernel, Schedule } from '../kernels/kernel.js';
import type { Region } from '../kernels/regions.js';
import { scratchOf } from '../kernels/tiling.js';
import { shownName } from '../printable.js';
import { type DType, formatType, type Shape, sameShape } from '../shape.js';
import {
  align,
  type Buffer,
  type EntryLayout,
  FIRST_REGION,
  type Guard,
  HANDED_ON,
  MAX_MEMORY,
  type MemoryLayout,
  SLACK,
  sessionBytes,
} from './layout.js';
import {
  type ArenaBuffer,
  kernelsIn,
  loopPlan,
  loopsIn,
  placed,
  type StepPlan,
  workRegions,
} from './loops.js';
import { elementsIn, type Lying } from './panels.js';

export type { ArenaBuffer, LoopPlan, StepPlan } from './loops.js';

export interface EntryPlan extends EntryLayout, StepPlan {
  /** Arena bytes that are used. */
  readonly peak: number;
  /** The least that any addresses could do with: the largest set of buffers that are alive at one time. */
  readonly lowerBound: number;
  /** That set if no buffer took over another's memory. */
  readonly withoutTakeOver: number;
  /** All buffers together. */
  readonly unshared: number;
}

/** Where everything lies in the memory of a session. */
export interface MemoryPlan extends MemoryLayout {
  readonly entries: Readonly<Record<string, EntryPlan>>;
  readonly arena: { readonly address: number; readonly bytes: number };
}

export interface VariableType {
  readonly name: string;
  readonly shape: Shape;
  readonly dtype: DType;
}

/** A guard whose cells are outputs of these names. */
export type GuardOutputs = Omit<Guard, 'fault' | 'value'> & {
  readonly fault: string;
  readonly value: string;
};

/**
 * Lays out one memory for the schedules of a program: variables are shared, and so is the arena, since entries run one at a
 * time. Throws OutOfMemoryError where that is more than can be addressed.
 */
export function planMemory(
  schedules: Readonly<Record<string, Schedule>>,
  variables: readonly VariableType[],
  guards: Readonly<Record<string, readonly GuardOutputs[]>> = {},
): MemoryPlan {
  const plan = layOut(schedules, variables, guards);
  checkSize(plan);
  return plan;
}

/** The same, however large it is. */
export function layOut(
  schedules: Readonly<Record<string, Schedule>>,
  variables: readonly VariableType[],
  guards: Readonly<Record<string, readonly GuardOutputs[]>> = {},
): MemoryPlan {
  let end = FIRST_REGION;
  const place = (name: string, { shape, dtype, panels }: Lying & { dtype: DType }): Buffer => {
    const bytes = 4 * elementsIn({ shape, panels });
    const address = end;
    end = align(end + Math.max(bytes, 4));
    return { name, address, bytes, shape, dtype, ...(panels && { panels }) };
  };
  const panels = panelsIn(Object.values(schedules));
  const placedVariables = variables.map((v) => place(v.name, { ...v, panels: panels.get(v.name) }));
  const variableOf = new Map(placedVariables.map((v) => [v.name, v]));
  const constants: (Buffer & { values: readonly number[] })[] = [];
  const constantOf = (node: Node): Buffer => {
    const buffer = place(`constant${constants.length}`, node);
    constants.push({ ...buffer, values: node.attrs.values as readonly number[] });
    return buffer;
  };
  const handedOn = new Map<string, Buffer>();
  const drafts = Object.entries(schedules).map(([entry, schedule]) => {
    const address = new Map<Node, number>();
    const parts = new Map<Node, Region>();
    const inputs: Buffer[] = [];
    const outputs: Buffer[] = [];
    for (const [node, at] of schedule.storage) {
      if (at.kind === 'part') parts.set(node, at.region);
      if (at.kind === 'arena' || at.kind === 'part') continue;
      let buffer: Buffer;
      if (at.kind === 'variable') buffer = variableOf.get(at.name)!;
      else if (at.kind === 'constant') buffer = constantOf(node);
      else {
        const lying = entry === HANDED_ON.to && at.kind === 'input' ? handedOn.get(at.name) : undefined;
        const isSame = lying && sameShape(lying.shape, node.shape);
        buffer = isSame ? lying : place(at.name, node);
        (at.kind === 'input' ? inputs : outputs).push(buffer);
        if (entry === HANDED_ON.from && at.kind === 'output') handedOn.set(at.name, buffer);
      }
      address.set(node, buffer.address);
    }
    const inLoops = constantsOf(schedule, constantOf);
    return { entry, schedule, address, parts, inputs, outputs, inLoops, arena: placed(schedule) };
  });
  const arena = { address: end, bytes: Math.max(0, ...drafts.map((d) => d.arena.arena.peak)) };
  const entries = Object.fromEntries(
    drafts.map((draft): [string, EntryPlan] => {
      const { entry, schedule, address, parts, inputs, outputs, inLoops } = draft;
      const { buffers, ...figures } = draft.arena.arena;
      const own = buffers.map((b) => ({ ...b, address: b.address + arena.address }));
      for (const b of own) address.set(b.node, b.address);
      const loops = loopPlan(schedule, draft.arena, address, inLoops);
      for (const [node, region] of workRegions(loops)) parts.set(node, region);
      const guarded = guardsOf(guards[entry], outputs);
      return [entry, { inputs, outputs, ...figures, ...guarded, address, parts, arena: own, loops }];
    }),
  );
  const remade = remadeIn(schedules);
  return {
    ...(remade && { remade }),
    variables: placedVariables,
    constants,
    entries,
    arena,
    end: align(arena.address + arena.bytes + SLACK),
    threadScratch: align(
      Object.values(schedules)
        .flatMap((s) => kernelsIn(s))
        .reduce((most, kernel) => Math.max(most, scratchBytes(kernel)), 0),
    ),
  };
}

/** What each entry makes again, of those that do. */
function remadeIn(schedules: Readonly<Record<string, Schedule>>): MemoryLayout['remade'] {
  const found = Object.entries(schedules).flatMap(([entry, { kernels, remade }]) => {
    if (!remade) return [];
    const sum = (of: 'bytes' | 'flops' | 'nanoseconds') => remade.reduce((all, one) => all + one[of], 0);
    const time = sum('nanoseconds');
    const share = time / Math.max(1, timeOf(kernels) - time);
    return [[entry, { kernels: remade.length, bytes: sum('bytes'), flops: sum('flops'), share }] as const];
  });
  return found.length > 0 ? Object.fromEntries(found) : undefined;
}

/** Columns of the panels in which variables lie, for all schedules alike. */
function panelsIn(schedules: readonly Schedule[]): Map<string, number | undefined> {
  const panels = new Map<string, number | undefined>();
  for (const at of schedules.flatMap(({ storage }) => [...storage.values()])) {
    if (at.kind !== 'variable') continue;
    if (panels.has(at.name) && panels.get(at.name) !== at.panels)
      throw new Error(`${at.name} lies in one way for one entry, and in another for another`);
    panels.set(at.name, at.panels);
  }
  return panels;
}

/** Places for the constants of loops; each node has one. */
function constantsOf(schedule: Schedule, place: (node: Node) => Buffer): Map<Node, number> {
  const found = new Map<Node, number>();
  for (const { body } of loopsIn(schedule)) {
    for (const [node, at] of body.storage) if (at.kind === 'constant') found.set(node, place(node).address);
    for (const [node, address] of constantsOf(body, place)) found.set(node, address);
  }
  return found;
}

/** Refuses what 32 bits cannot address, and says what takes the room. */
export function checkSize(plan: MemoryPlan): void {
  const bytes = sessionBytes(plan, 1);
  if (bytes <= MAX_MEMORY) return;
  throw new OutOfMemoryError(
    `the program needs ${mebibytes(bytes)} of memory, more than the ${mebibytes(MAX_MEMORY)} that WebAssembly addresses: use a smaller batch or model. The largest: ${largest(plan, 3)}`,
  );
}

/** The largest entries of the memory map, in words; of intermediate values those that live where most do. */
export function largest(plan: MemoryPlan, count: number, size = mebibytes): string {
  const of = (what: string) => (b: Buffer) => ({ ...b, what: `${what} ${shownName(b.name)}` });
  const buffers = [
    ...plan.variables.map(of('variable')),
    ...Object.entries(plan.entries).flatMap(([entry, { inputs, outputs, arena }]) => [
      ...inputs.map(of(`${shownName(entry)}: input`)),
      ...outputs.map(of(`${shownName(entry)}: output`)),
      ...aliveAtPeak(arena).map(of(`${shownName(entry)}: intermediate`)),
    ]),
  ];
  return buffers
    .sort((a, b) => b.bytes - a.bytes)
    .slice(0, count)
    .map((b) => `${b.what} ${formatType(b)} (${size(b.bytes)})`)
    .join(', ');
}

/** Buffers that live while the kernel runs with which most bytes do. */
function aliveAtPeak(arena: readonly ArenaBuffer[]): ArenaBuffer[] {
  const change = new Map<number, number>();
  for (const { from, to, bytes } of arena) {
    change.set(from, (change.get(from) ?? 0) + bytes);
    change.set(to + 1, (change.get(to + 1) ?? 0) - bytes);
  }
  let [live, most, peak] = [0, 0, 0];
  for (const [at, bytes] of [...change].sort(([a], [b]) => a - b)) {
    live += bytes;
    if (live > most) [most, peak] = [live, at];
  }
  return arena.filter(({ from, to }) => from <= peak && peak <= to);
}

function guardsOf(
  guards: readonly GuardOutputs[] | undefined,
  outputs: readonly Buffer[],
): Pick<EntryLayout, 'guards'> {
  if (!guards?.length) return {};
  const addresses = new Map(outputs.map(({ name, address }) => [name, address]));
  const address = (name: string) => addresses.get(name)!;
  return { guards: guards.map((g) => ({ ...g, fault: address(g.fault), value: address(g.value) })) };
}

function scratchBytes(kernel: Kernel): number {
  if (kernel.kind === 'gemm') return scratchOf(kernel.tiling).bytes;
  if (kernel.kind === 'scatter' || kernel.kind === 'fold') return chainsOf(kernel)?.bytes ?? 0;
  return 0;
}
