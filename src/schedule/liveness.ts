import type { Node } from '../graph/graph.js';
import { numel } from '../shape.js';
import { mayOverwrite } from './in-place.js';
import type { Kernel, Life, Storage } from './kernel.js';

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

/** When each value of the arena lives if kernels run in this order, as they are written. */
export function livesOf(order: readonly Traffic[]): Life[] {
  const arena = new Arena(order);
  const born: Omit<Life, 'to'>[] = [];
  const to = new Map<Node, number>();
  order.forEach((kernel, i) => {
    const { over, died } = arena.run(kernel);
    for (const node of kernel.writes) born.push({ node, from: i, over: over.get(node) ?? null });
    for (const node of died) to.set(node, i);
  });
  return born.map((life) => ({ ...life, to: to.get(life.node)! }));
}

/** Bytes that live while each kernel of an order runs. */
export function liveBytes(order: readonly Traffic[]): number[] {
  const arena = new Arena(order);
  return order.map((kernel) => arena.run(kernel).during);
}

/** The arena while kernels run: which values live, and how many bytes they have. */
export class Arena {
  bytes = 0;
  /** Kernels that are still to read each value. */
  private readonly readers = new Map<Node, number>();

  constructor(kernels: readonly Traffic[]) {
    for (const { reads } of kernels) for (const node of reads) this.readers.set(node, this.left(node) + 1);
  }

  /** Runs a kernel; returns the bytes that live meanwhile, what died in it, and what overwrote what. */
  run({ reads, writes, over }: Traffic): { during: number; died: Node[]; over: Map<Node, Node> } {
    for (const node of reads) this.readers.set(node, this.left(node) - 1);
    const died = [...reads, ...writes].filter((node) => this.left(node) === 0);
    const pairs = new Map<Node, Node>();
    const taken = new Set<Node>();
    for (const node of writes) {
      const old = over.get(node)!.find((o) => died.includes(o) && !taken.has(o));
      if (old) {
        pairs.set(node, old);
        taken.add(old);
      } else this.bytes += bytesOf(node);
    }
    const during = this.bytes;
    for (const node of died) if (!taken.has(node)) this.bytes -= bytesOf(node);
    return { during, died, over: pairs };
  }

  /** Takes back the kernel that ran last; `bytes` is what lived before it. */
  undo({ reads }: Traffic, bytes: number): void {
    for (const node of reads) this.readers.set(node, this.left(node) + 1);
    this.bytes = bytes;
  }

  private left(node: Node): number {
    return this.readers.get(node) ?? 0;
  }
}

/** All dtypes have four bytes. */
function bytesOf(node: Node): number {
  return 4 * Math.max(1, numel(node.shape));
}
