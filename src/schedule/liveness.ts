import type { Node } from '../graph/graph.js';
import { type Kernel, type Life, memoryOf, panelsIn, regionIn, type Storage } from '../kernels/kernel.js';
import { numel } from '../shape.js';
import { type Answers, overwriteQuery } from './in-place.js';
import { emptyList, known } from './known.js';

/** What a kernel does to the arena, whatever the order in which kernels run. */
export interface Traffic {
  readonly kernel: Kernel;
  readonly writes: readonly Node[];
  readonly reads: readonly Node[];
  /** What several kernels write in parts, of which this is one, or that it reads. */
  readonly shared: readonly Node[];
  /** For each write the values of its size that it may overwrite if this is the last kernel that reads them. */
  readonly over: ReadonlyMap<Node, readonly Node[]>;
}

/** `takeOver`: whether anything may be overwritten at all. */
export function trafficOf(
  kernels: readonly Kernel[],
  storage: ReadonlyMap<Node, Storage>,
  takeOver = true,
): Traffic[] {
  const places = {
    isVariable: (node: Node) => storage.get(node)?.kind === 'variable',
    regionOf: (node: Node) => regionIn(storage, node),
    panelsOf: (node: Node) => panelsIn(storage, node),
  };
  const inParts = new Set<Node>();
  for (const at of storage.values()) if (at.kind === 'part') inParts.add(at.region.whole);
  const isShared = (node: Node) => inParts.has(node);
  const inArena = (nodes: readonly Node[]) =>
    [...new Set(nodes.map((node) => memoryOf(storage, node)))].filter(
      (memory) => storage.get(memory)?.kind === 'arena',
    );
  const answers: Answers = new Map();
  return kernels.map((kernel) => {
    const [written, read] = [inArena(kernel.stores), inArena(kernel.loads)];
    const writes = written.filter((node) => !isShared(node));
    const mayOverwrite = kernel.kind === 'loop' ? () => false : overwriteQuery(kernel, places, answers);
    const fits = (value: Node) => (old: Node) =>
      takeOver && old !== value && numel(old.shape) === numel(value.shape) && mayOverwrite(value, old);
    const old = [...read.filter((node) => !isShared(node) || !written.includes(node)), ...writes];
    const over = new Map(writes.map((value) => [value, old.filter(fits(value))]));
    const shared = [...new Set([...read, ...written])].filter(isShared);
    return { kernel, writes, reads: read.filter((node) => !isShared(node)), shared, over };
  });
}

/** What kernels do together that run interleaved: they overwrite only what no other of them touches. */
export function joined(traffic: readonly Traffic[]): Traffic {
  if (traffic.length === 1) return traffic[0];
  const writes = traffic.flatMap((t) => t.writes);
  const reads = [...new Set(traffic.flatMap((t) => t.reads))].filter((node) => !writes.includes(node));
  const over = traffic.flatMap((t) => {
    const others = new Set(traffic.flatMap((u) => (u === t ? [] : [...u.reads, ...u.writes, ...u.shared])));
    return [...t.over].map(([value, old]) => [value, old.filter((node) => !others.has(node))] as const);
  });
  const shared = [...new Set(traffic.flatMap((t) => t.shared))];
  return { kernel: traffic[0].kernel, reads, writes, shared, over: new Map(over) };
}

/** When each value of the arena lives if kernels run in this order, as they are written. */
export function livesOf(order: readonly Traffic[]): Life[] {
  const arena = new Arena(order);
  const born: Omit<Life, 'to'>[] = [];
  const to = new Map<Node, number>();
  const begun = new Set<Node>();
  order.forEach(({ writes, shared }, i) => {
    arena.run(i);
    const over = arena.overwritten();
    for (const node of writes) born.push({ node, from: i, over: over.get(node) ?? null });
    for (const node of shared) {
      if (!begun.has(node)) born.push({ node, from: i, over: null });
      begun.add(node);
    }
    for (const node of arena.died(i)) to.set(node, i);
  });
  return born.map((life) => ({ ...life, to: to.get(life.node)! }));
}

/** Bytes that live while each kernel of an order runs. */
export function liveBytes(order: readonly Traffic[]): number[] {
  const arena = new Arena(order);
  return order.map((_, i) => arena.run(i));
}

/** The kernels, by number, that read each value, or write a part of it. */
export function readersOf(kernels: readonly Traffic[]): Map<Node, number[]> {
  const readers = new Map<Node, number[]>();
  kernels.forEach(({ reads, shared }, i) => {
    for (const node of [...reads, ...shared]) known(readers, node, emptyList<number>).push(i);
  });
  return readers;
}

/** Values by number: those that a kernel reads and writes, and for each write those that it may overwrite. */
interface Numbered {
  readonly reads: readonly number[];
  readonly writes: readonly number[];
  readonly shared: readonly number[];
  readonly over: readonly (readonly number[])[];
}

/** The arena while kernels run, each given by its place in the list: how many bytes live. */
export class Arena {
  bytes = 0;
  private readonly numbers = new Map<Node, number>();
  private readonly nodes: Node[] = [];
  private readonly sizes: number[] = [];
  /** Kernels that are still to read each value, or to write a part of it. */
  private readonly left: number[] = [];
  /** Kernels that have read or written a part of each value that has some. */
  private readonly begun: number[] = [];
  private readonly kernels: readonly Numbered[];
  /** What the kernel that ran last has overwritten, and by what. */
  private readonly taken = new Map<number, number>();

  constructor(kernels: readonly Traffic[]) {
    this.kernels = kernels.map(({ reads, writes, shared, over }) => ({
      reads: reads.map((node) => this.numberOf(node)),
      writes: writes.map((node) => this.numberOf(node)),
      shared: shared.map((node) => this.numberOf(node)),
      over: writes.map((node) => over.get(node)!.map((old) => this.numberOf(old))),
    }));
    for (const { reads, shared } of this.kernels)
      for (const value of [...reads, ...shared]) this.left[value]++;
  }

  /** Runs a kernel; returns the bytes that live meanwhile. */
  run(kernel: number): number {
    const { left, begun, sizes, taken } = this;
    const { reads, writes, shared, over } = this.kernels[kernel];
    for (const value of reads) left[value]--;
    for (const value of shared) {
      left[value]--;
      if (begun[value]++ === 0) this.bytes += sizes[value];
    }
    taken.clear();
    for (const [i, value] of writes.entries()) {
      const old = this.free(over[i]);
      if (old === undefined) this.bytes += sizes[value];
      else taken.set(old, value);
    }
    const during = this.bytes;
    for (const value of reads) if (left[value] === 0 && !taken.has(value)) this.bytes -= sizes[value];
    for (const value of writes) if (left[value] === 0 && !taken.has(value)) this.bytes -= sizes[value];
    for (const value of shared) if (left[value] === 0 && !taken.has(value)) this.bytes -= sizes[value];
    return during;
  }

  /** The first of these values that is dead and not yet taken over. */
  private free(values: readonly number[]): number | undefined {
    for (const value of values) if (this.left[value] === 0 && !this.taken.has(value)) return value;
    return undefined;
  }

  /** Takes back the kernel that ran last; `bytes` is what lived before it. */
  undo(kernel: number, bytes: number): void {
    const { reads, shared } = this.kernels[kernel];
    for (const value of reads) this.left[value]++;
    for (const value of shared) {
      this.left[value]++;
      this.begun[value]--;
    }
    this.bytes = bytes;
  }

  /** What died in the kernel that ran last. */
  died(kernel: number): Node[] {
    const { reads, writes, shared } = this.kernels[kernel];
    return [...reads, ...writes, ...shared]
      .filter((value) => this.left[value] === 0)
      .map((value) => this.nodes[value]);
  }

  /** What the kernel that ran last has overwritten, by what it wrote. */
  overwritten(): Map<Node, Node> {
    return new Map([...this.taken].map(([old, value]) => [this.nodes[value], this.nodes[old]]));
  }

  private numberOf(node: Node): number {
    let number = this.numbers.get(node);
    if (number === undefined) {
      number = this.nodes.push(node) - 1;
      this.numbers.set(node, number);
      this.sizes.push(bytesOf(node));
      this.left.push(0);
      this.begun.push(0);
    }
    return number;
  }
}

/** All dtypes have four bytes. */
export function bytesOf(node: Node): number {
  return 4 * Math.max(1, numel(node.shape));
}
