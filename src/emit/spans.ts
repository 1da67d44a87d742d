import type { Node } from '../graph/graph.js';
import { memoryIn, type Places } from '../plan/places.js';
import { numel } from '../shape.js';

/** Bytes of the memory, from the first up to but not with the last. */
export type Span = readonly [from: number, to: number];

/** Where nodes lie; a part of another counts as all of that. */
export function spansOf(nodes: readonly Node[], places: Places): Span[] {
  return nodes.map((node) => {
    const memory = memoryIn(places, node);
    const from = places.address.get(memory)!;
    return [from, from + 4 * numel(memory.shape)];
  });
}

/** Whether one of the first has a byte in common with one of the others. */
export function overlap(some: readonly Span[], others: readonly Span[]): boolean {
  return some.some(([from, to]) => others.some((other) => from < other[1] && other[0] < to));
}
