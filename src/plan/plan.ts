import type { Node } from '../graph/graph.js';
import type { Kernel, Schedule } from '../schedule/kernel.js';
import { scratchOf } from '../schedule/tiling.js';
import { type DType, numel, type Shape } from '../shape.js';
import { align, FIRST_REGION, SLACK } from './layout.js';

export interface Buffer {
  readonly name: string;
  readonly address: number;
  readonly bytes: number;
  readonly shape: Shape;
  readonly dtype: DType;
}

/** A buffer of intermediate values, alive from the kernel that writes it to the last that reads it. */
export interface ArenaBuffer extends Buffer {
  readonly node: Node;
  readonly from: number;
  readonly to: number;
}

export interface EntryPlan {
  readonly inputs: readonly Buffer[];
  readonly outputs: readonly Buffer[];
  readonly arena: readonly ArenaBuffer[];
  /** Address of every stored node. */
  readonly address: ReadonlyMap<Node, number>;
  /** Arena bytes that are used; the least that any order of addresses could do with; and without any reuse. */
  readonly peak: number;
  readonly lowerBound: number;
  readonly unshared: number;
}

/** Where everything lies in the memory of a session; the dataset goes behind `end`. */
export interface MemoryPlan {
  readonly variables: readonly Buffer[];
  readonly constants: readonly (Buffer & { readonly values: readonly number[] })[];
  readonly entries: Readonly<Record<string, EntryPlan>>;
  readonly arena: { readonly address: number; readonly bytes: number };
  readonly end: number;
  /** Bytes of scratch that each thread needs; they lie behind `end`, one thread after the other. */
  readonly threadScratch: number;
}

/** Memory that a session takes beside its dataset. */
export function sessionBytes({ end, threadScratch }: MemoryPlan, threads: number): number {
  return align(end + threads * threadScratch + SLACK);
}

interface VariableType {
  readonly name: string;
  readonly shape: Shape;
  readonly dtype: DType;
}

/** Lays out one memory for the schedules of a program: variables are shared, and so is the arena, since entries run one at a time. */
export function planMemory(
  schedules: Readonly<Record<string, Schedule>>,
  variables: readonly VariableType[],
): MemoryPlan {
  let end = FIRST_REGION;
  const place = (name: string, { shape, dtype }: { shape: Shape; dtype: DType }): Buffer => {
    const bytes = 4 * numel(shape);
    const address = end;
    end = align(end + Math.max(bytes, 4));
    return { name, address, bytes, shape, dtype };
  };
  const placedVariables = variables.map((v) => place(v.name, v));
  const constants: (Buffer & { values: readonly number[] })[] = [];
  const drafts = Object.entries(schedules).map(([entry, schedule]) => {
    const address = new Map<Node, number>();
    const inputs: Buffer[] = [];
    const outputs: Buffer[] = [];
    for (const [node, at] of schedule.storage) {
      if (at.kind === 'arena') continue;
      let buffer: Buffer;
      if (at.kind === 'variable') buffer = placedVariables.find((v) => v.name === at.name)!;
      else if (at.kind === 'constant') {
        buffer = place(`constant${constants.length}`, node);
        constants.push({ ...buffer, values: node.attrs.values as readonly number[] });
      } else {
        buffer = place(at.name, node);
        (at.kind === 'input' ? inputs : outputs).push(buffer);
      }
      address.set(node, buffer.address);
    }
    return { entry, schedule, address, inputs, outputs, ...placeArena(schedule) };
  });
  const arena = { address: end, bytes: Math.max(0, ...drafts.map((d) => d.peak)) };
  const entries = Object.fromEntries(
    drafts.map(({ entry, schedule: _, address, buffers, ...rest }): [string, EntryPlan] => {
      const placed = buffers.map((b) => ({ ...b, address: b.address + arena.address }));
      for (const b of placed) address.set(b.node, b.address);
      return [entry, { ...rest, address, arena: placed }];
    }),
  );
  return {
    variables: placedVariables,
    constants,
    entries,
    arena,
    end: align(arena.address + arena.bytes + SLACK),
    threadScratch: align(
      Math.max(0, ...Object.values(schedules).flatMap((s) => s.kernels.map(scratchBytes))),
    ),
  };
}

/** Offsets for the intermediate values: the largest first, each as low as those alive at the same time allow. */
function placeArena(
  schedule: Schedule,
): Pick<EntryPlan, 'peak' | 'lowerBound' | 'unshared'> & { buffers: ArenaBuffer[] } {
  const { kernels, storage } = schedule;
  const lives = [...storage]
    .filter(([, at]) => at.kind === 'arena')
    .map(([node]) => ({ node, ...life(node, kernels) }));
  const counts = new Map<string, number>();
  const named = lives.map(({ node, from, to }) => {
    const name = node.op.name;
    const count = counts.get(name) ?? 0;
    counts.set(name, count + 1);
    return {
      node,
      from,
      to,
      name: count ? `${name}${count + 1}` : name,
      bytes: align(Math.max(4, 4 * numel(node.shape))),
    };
  });
  const placed: ArenaBuffer[] = [];
  for (const { node, name, bytes, from, to } of [...named].sort(
    (a, b) => b.bytes - a.bytes || a.from - b.from,
  )) {
    const rivals = placed.filter((p) => p.from <= to && from <= p.to).sort((a, b) => a.address - b.address);
    let address = 0;
    for (const rival of rivals) {
      if (address + bytes <= rival.address) break;
      address = Math.max(address, rival.address + rival.bytes);
    }
    placed.push({ node, name, bytes, from, to, address, shape: node.shape, dtype: node.dtype });
  }
  placed.sort((a, b) => a.from - b.from || a.address - b.address);
  const live = kernels.map((_, i) =>
    placed.reduce((n, b) => n + (b.from <= i && i <= b.to ? b.bytes : 0), 0),
  );
  return {
    buffers: placed,
    peak: Math.max(0, ...placed.map((b) => b.address + b.bytes)),
    lowerBound: Math.max(0, ...live),
    unshared: placed.reduce((n, b) => n + b.bytes, 0),
  };
}

function scratchBytes(kernel: Kernel): number {
  return kernel.kind === 'gemm' ? scratchOf(kernel.tiling).bytes : 0;
}

function life(node: Node, kernels: readonly Kernel[]): { from: number; to: number } {
  const from = kernels.findIndex((k) => k.stores.includes(node));
  const to = kernels.findLastIndex((k) => k.loads.includes(node));
  return { from, to: Math.max(from, to) };
}
