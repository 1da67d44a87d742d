import type { Kernel } from '../kernels/kernel.js';
import { joined, type Region } from '../kernels/regions.js';
import { type Places, regionIn, type Span, writtenBy } from '../plan/places.js';
import { numel } from '../shape.js';
import { type Elements, rangesOf } from './elements.js';

/** What kernels touch, as ranges of numbers: two have a number in common exactly where they have a byte. */
export interface Touched {
  readonly writes: readonly Span[];
  readonly reads: readonly Span[];
}

/** What each of some lists of kernels touches. */
export function touchedBy(lists: readonly (readonly Kernel[])[], places: Places): Touched[] {
  const elements = (regions: readonly Region[]) =>
    regions.filter(({ sizes }) => numel(sizes) > 0).map((region) => elementsOf(region, places));
  const touched = lists.map((kernels) => ({
    writes: elements(kernels.flatMap((kernel) => writtenBy(places, kernel))),
    reads: elements(kernels.flatMap(({ loads }) => loads.map((node) => regionIn(places, node)))),
  }));
  const ranges = rangesOf(touched.flatMap(({ writes, reads }) => [...writes, ...reads]));
  const of = (list: readonly Elements[]) => list.flatMap((one) => ranges.get(one)!);
  return touched.map(({ writes, reads }) => ({ writes: of(writes), reads: of(reads) }));
}

/** The elements of a region in the fewest and longest runs. */
export function elementsOf(region: Region, { address }: Pick<Places, 'address'>): Elements {
  // In which order they are counted does not matter here.
  const order = region.sizes.map((_, axis) => axis).sort((a, b) => region.strides[b] - region.strides[a]);
  const sorted = (list: readonly number[]) => order.map((axis) => list[axis]);
  const { sizes, strides } = joined({
    ...region,
    sizes: sorted(region.sizes),
    strides: sorted(region.strides),
  });
  const first = address.get(region.whole)! / 4 + region.offset;
  if (strides.at(-1) !== 1) return { first, length: 1, sizes, strides };
  return { first, length: sizes.at(-1)!, sizes: sizes.slice(0, -1), strides: strides.slice(0, -1) };
}
