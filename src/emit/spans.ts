import type { Node } from '../graph/graph.js';
import { numel } from '../shape.js';

/** Bytes of the memory, from the first up to but not with the last. */
export type Span = readonly [from: number, to: number];

/** Where nodes lie. */
export function spansOf(nodes: readonly Node[], addresses: ReadonlyMap<Node, number>): Span[] {
  return nodes.map((node) => {
    const from = addresses.get(node)!;
    return [from, from + 4 * numel(node.shape)];
  });
}

/** Whether one of the first has a byte in common with one of the others. */
export function overlap(some: readonly Span[], others: readonly Span[]): boolean {
  return some.some(([from, to]) => others.some((other) => from < other[1] && other[0] < to));
}
