import type { Node } from '../graph/graph.js';
import { numel } from '../shape.js';
import type { EntryPlan } from './plan.js';

export type Places = Pick<EntryPlan, 'address' | 'parts'>;

/** The node in whose memory a value lies. */
export function memoryIn({ parts }: Places, node: Node): Node {
  return parts.get(node)?.whole ?? node;
}

/** Whether two values may have bytes in common; parts of one value have none, unless they are the same. */
export function meet(a: Node, b: Node, places: Places): boolean {
  if (a === b) return true;
  const [one, other] = [memoryIn(places, a), memoryIn(places, b)];
  if (one === other) return false;
  const [from, to] = [places.address.get(one)!, places.address.get(other)!];
  return from < to + 4 * numel(other.shape) && to < from + 4 * numel(one.shape);
}
