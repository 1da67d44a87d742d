import type { Node } from '../graph/graph.js';
import type { Kernel } from '../kernels/kernel.js';
import { ownRegion, type Region, regionOver } from '../kernels/regions.js';
import { numel, offsetOf } from '../shape.js';
import type { StepPlan } from './plan.js';

export type Places = Pick<StepPlan, 'address' | 'parts'>;

/** The node in whose memory a value lies. */
export function memoryIn({ parts }: Places, node: Node): Node {
  return parts.get(node)?.whole ?? node;
}

/** Where a value lies: in memory of its own, or as a part of another. */
export function regionIn({ parts }: Pick<Places, 'parts'>, node: Node): Region {
  return parts.get(node) ?? ownRegion(node);
}

/** Where a kernel writes what it stores; what is left of a copy, block by block. */
export function writtenBy(places: Pick<Places, 'parts'>, kernel: Kernel): Region[] {
  return kernel.stores.flatMap((node) => {
    const region = regionIn(places, node);
    if (kernel.kind !== 'copy') return [region];
    const { strides, offset } = regionOver(region, node.shape)!;
    return [...kernel.parts, ...kernel.fills].map(({ starts, shape }) => ({
      whole: region.whole,
      sizes: shape,
      strides,
      offset: offsetOf(starts, strides, offset),
    }));
  });
}

/** Whether two values may have bytes in common; parts of one value have none, unless they are the same. */
export function meet(a: Node, b: Node, places: Places): boolean {
  if (a === b) return true;
  return memoryIn(places, a) !== memoryIn(places, b) && overlap(spansOf([a], places), spansOf([b], places));
}

/** Numbers from the first up to but not with the last, such as bytes of the memory. */
export type Span = readonly [from: number, to: number];

/** Bytes of nodes; a part of another counts as all of that. */
function spansOf(nodes: readonly Node[], places: Places): Span[] {
  return nodes.map((node) => {
    const memory = memoryIn(places, node);
    const from = places.address.get(memory)!;
    return [from, from + 4 * numel(memory.shape)];
  });
}

/** Whether one of the first has a number in common with one of the others. */
export function overlap(some: readonly Span[], others: readonly Span[]): boolean {
  return some.some(([from, to]) => others.some((other) => from < other[1] && other[0] < to));
}
