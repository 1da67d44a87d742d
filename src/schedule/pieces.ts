import type { Node } from '../graph/graph.js';
import type { Storage } from '../kernels/kernel.js';
import type { Traffic } from './liveness.js';
import type { Waits } from './waits.js';

/**
 * The same order with kernels that make nothing but parts of outputs (or copy what is left of one), such as gradients that are handed on in one list, as early as
 * they can run, so that these may be sent while the rest is made. No more memory is needed: what such a kernel reads is there already
 * and may go the sooner, and what it makes lies outside of the arena.
 */
export function piecesEarly(
  order: readonly number[],
  traffic: readonly Traffic[],
  waits: Waits,
  storage: ReadonlyMap<Node, Storage>,
): readonly number[] {
  const wholes = new Set([...storage.values()].map((at) => (at.kind === 'part' ? at.region.whole : null)));
  const isPiece = (node: Node) => {
    const at = storage.get(node);
    const whole = at?.kind === 'part' ? at.region.whole : wholes.has(node) ? node : null;
    return whole !== null && storage.get(whole)?.kind === 'output';
  };
  const pieces = traffic.map(({ kernel }) => kernel.stores.every(isPiece));
  if (!pieces.includes(true)) return order;
  const places = new Map(order.map((kernel, place) => [kernel, place]));
  // What reads a piece, or waits for one, stays where it is, and so does what others read.
  waits.forEach((before, kernel) => {
    for (const w of before) if (pieces[w]) pieces[kernel] = pieces[w] = false;
  });
  const behind = new Map<number, number[]>();
  for (const kernel of order) {
    if (!pieces[kernel]) continue;
    const last = Math.max(-1, ...[...waits[kernel]].map((w) => places.get(w)!));
    behind.set(last, [...(behind.get(last) ?? []), kernel]);
  }
  const others = order.flatMap((kernel, place) => [
    ...(pieces[kernel] ? [] : [kernel]),
    ...(behind.get(place) ?? []),
  ]);
  return [...(behind.get(-1) ?? []), ...others];
}
