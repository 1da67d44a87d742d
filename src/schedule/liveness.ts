import type { Node } from '../graph/graph.js';
import { numel } from '../shape.js';
import { mayOverwrite } from './in-place.js';
import type { Kernel, Life, Storage } from './kernel.js';
import { emptyList, known } from './known.js';

/** What a kernel does to the arena, whatever the order in which kernels run. */
export interface Traffic {
  readonly kernel: Kernel;
  readonly writes: readonly Node[];
  readonly reads: readonly Node[];
  /** For each write the values of its size that it may overwrite if this is the last kernel that reads them. */
  readonly over: ReadonlyMap<Node, readonly Node[]>;
}

/** `takeOver`: whether anything may be overwritten at all. */
export function trafficOf(
  kernels: readonly Kernel[],
  storage: ReadonlyMap<Node, Storage>,
  takeOver = true,
): Traffic[] {
  const inArena = (node: Node) => storage.get(node)?.kind === 'arena';
  const isLate = (node: Node) => storage.get(node)?.kind === 'variable';
  return kernels.map((kernel) => {
    const writes = kernel.stores.filter(inArena);
    const reads = kernel.loads.filter(inArena);
    const stores = { stored: new Set(kernel.stores), isLate };
    const fits = (value: Node) => (old: Node) =>
      takeOver &&
      old !== value &&
      numel(old.shape) === numel(value.shape) &&
      mayOverwrite(kernel, value, old, stores);
    const over = new Map(writes.map((value) => [value, [...reads, ...writes].filter(fits(value))]));
    return { kernel, writes, reads, over };
  });
}

/** What kernels do together that run interleaved: they overwrite only what no other of them touches. */
export function joined(traffic: readonly Traffic[]): Traffic {
  if (traffic.length === 1) return traffic[0];
  const writes = traffic.flatMap((t) => t.writes);
  const reads = [...new Set(traffic.flatMap((t) => t.reads))].filter((node) => !writes.includes(node));
  const over = traffic.flatMap((t) => {
    const others = new Set(traffic.flatMap((u) => (u === t ? [] : [...u.reads, ...u.writes])));
    return [...t.over].map(([value, old]) => [value, old.filter((node) => !others.has(node))] as const);
  });
  return { ...traffic[0], reads, writes, over: new Map(over) };
}

/** When each value of the arena lives if kernels run in this order, as they are written. */
export function livesOf(order: readonly Traffic[]): Life[] {
  const arena = new Arena(order);
  const born: Omit<Life, 'to'>[] = [];
  const to = new Map<Node, number>();
  order.forEach(({ writes }, i) => {
    arena.run(i);
    const over = arena.overwritten();
    for (const node of writes) born.push({ node, from: i, over: over.get(node) ?? null });
    for (const node of arena.died(i)) to.set(node, i);
  });
  return born.map((life) => ({ ...life, to: to.get(life.node)! }));
}

/** Bytes that live while each kernel of an order runs. */
export function liveBytes(order: readonly Traffic[]): number[] {
  const arena = new Arena(order);
  return order.map((_, i) => arena.run(i));
}

/** The kernels, by number, that read each value. */
export function readersOf(kernels: readonly Traffic[]): Map<Node, number[]> {
  const readers = new Map<Node, number[]>();
  kernels.forEach(({ reads }, i) => {
    for (const node of reads) known(readers, node, emptyList<number>).push(i);
  });
  return readers;
}

/** Values by number: those that a kernel reads and writes, and for each write those that it may overwrite. */
interface Numbered {
  readonly reads: readonly number[];
  readonly writes: readonly number[];
  readonly over: readonly (readonly number[])[];
}

/** The arena while kernels run, each given by its place in the list: how many bytes live. */
export class Arena {
  bytes = 0;
  private readonly numbers = new Map<Node, number>();
  private readonly nodes: Node[] = [];
  private readonly sizes: number[] = [];
  /** Kernels that are still to read each value. */
  private readonly left: number[] = [];
  private readonly kernels: readonly Numbered[];
  /** What the kernel that ran last has overwritten, and by what. */
  private readonly taken = new Map<number, number>();

  constructor(kernels: readonly Traffic[]) {
    this.kernels = kernels.map(({ reads, writes, over }) => ({
      reads: reads.map((node) => this.numberOf(node)),
      writes: writes.map((node) => this.numberOf(node)),
      over: writes.map((node) => over.get(node)!.map((old) => this.numberOf(old))),
    }));
    for (const { reads } of this.kernels) for (const value of reads) this.left[value]++;
  }

  /** Runs a kernel; returns the bytes that live meanwhile. */
  run(kernel: number): number {
    const { left, sizes, taken } = this;
    const { reads, writes, over } = this.kernels[kernel];
    for (const value of reads) left[value]--;
    taken.clear();
    for (const [i, value] of writes.entries()) {
      const old = this.free(over[i]);
      if (old === undefined) this.bytes += sizes[value];
      else taken.set(old, value);
    }
    const during = this.bytes;
    for (const value of reads) if (left[value] === 0 && !taken.has(value)) this.bytes -= sizes[value];
    for (const value of writes) if (left[value] === 0 && !taken.has(value)) this.bytes -= sizes[value];
    return during;
  }

  /** The first of these values that is dead and not yet taken over. */
  private free(values: readonly number[]): number | undefined {
    for (const value of values) if (this.left[value] === 0 && !this.taken.has(value)) return value;
    return undefined;
  }

  /** Takes back the kernel that ran last; `bytes` is what lived before it. */
  undo(kernel: number, bytes: number): void {
    for (const value of this.kernels[kernel].reads) this.left[value]++;
    this.bytes = bytes;
  }

  /** What died in the kernel that ran last. */
  died(kernel: number): Node[] {
    const { reads, writes } = this.kernels[kernel];
    return [...reads, ...writes].filter((value) => this.left[value] === 0).map((value) => this.nodes[value]);
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
    }
    return number;
  }
}

/** All dtypes have four bytes. */
function bytesOf(node: Node): number {
  return 4 * Math.max(1, numel(node.shape));
}
