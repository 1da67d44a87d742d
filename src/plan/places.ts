import type { Node } from '../graph/graph.js';
import { numel } from '../shape.js';
import type { StepPlan } from './plan.js';

export type Places = Pick<StepPlan, 'address' | 'parts'>;

/** The node in whose memory a value lies. */
export function memoryIn({ parts }: Places, node: Node): Node {
  return parts.get(node)?.whole ?? node;
}

/** Whether two values may have bytes in common; parts of one value have none, unless they are the same. */
export function meet(a: Node, b: Node, places: Places): boolean {
  if (a === b) return true;
  return memoryIn(places, a) !== memoryIn(places, b) && overlap(spansOf([a], places), spansOf([b], places));
}

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
