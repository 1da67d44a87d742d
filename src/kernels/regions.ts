import type { Node } from '../graph/graph.js';
import type { View } from '../ops/op.js';
import { contiguousStrides, numel, reshapeStrides, type Shape } from '../shape.js';
import type { Access } from './kernel.js';

/**
 * Where the elements of a value lie that is stored as a part of another: in row-major order they are counted by `sizes`,
 * and `strides` and `offset` lead to them in the memory of `whole`, in elements. It has as few axes as that takes, none of
 * size 1.
 */
export interface Region extends View {
  readonly whole: Node;
  readonly sizes: Shape;
}

/** A value in memory of its own. */
export function ownRegion(node: Node): Region {
  return joined({ whole: node, sizes: node.shape, strides: contiguousStrides(node.shape), offset: 0 });
}

/**
 * Where a value would have to lie if each element that `read` finds at a point of `shape` were to lie at the same point of
 * `target`; null unless every element of the value is read there, once.
 */
export function regionFor(read: Access, shape: Shape, target: Omit<Region, 'sizes'>): Region | null {
  const axes = shape
    .map((size, i) => ({ size, from: read.strides[i], to: target.strides[i] }))
    .filter(({ size }) => size !== 1)
    .sort((a, b) => b.from - a.from);
  const sizes = axes.map(({ size }) => size);
  const own = contiguousStrides(sizes);
  const inOrder = axes.every(({ from }, i) => from === own[i]);
  if (read.offset !== 0 || !inOrder || numel(sizes) !== numel(read.source.shape)) return null;
  return joined({ ...target, sizes, strides: axes.map(({ to }) => to) });
}

/**
 * A read of a value, over `domain`, as a read of the memory in which it is a part; null if strides cannot express that,
 * because a step of the loops goes from one row of the part to the next.
 */
export function within(read: View, domain: Shape, region: Region): View | null {
  const own = contiguousStrides(region.sizes);
  const digits = (of: number) =>
    own.map((stride) => {
      const count = Math.floor(of / stride);
      of -= count * stride;
      return count;
    });
  const place = (counts: readonly number[]) =>
    counts.reduce((at, count, axis) => at + count * region.strides[axis], 0);
  const first = digits(read.offset);
  const last = [...first];
  const strides = domain.map((size, i) => {
    if (size <= 1 || read.strides[i] === 0) return 0;
    const step = digits(read.strides[i]);
    step.forEach((count, axis) => {
      last[axis] += count * (size - 1);
    });
    return place(step);
  });
  if (read.strides.some((stride) => stride < 0) || last.some((at, axis) => at >= region.sizes[axis]))
    return null;
  return { strides, offset: region.offset + place(first) };
}

/** The elements of a value in a region, in row-major order over a domain; null if strides cannot express that. */
export function regionOver({ sizes, strides, offset }: Region, domain: Shape): View | null {
  const over = reshapeStrides(sizes, strides, domain);
  return over && { strides: over, offset };
}

/** The same region with the fewest axes. */
export function joined({ sizes, strides, ...rest }: Region): Region {
  const axes: { size: number; stride: number }[] = [];
  sizes.forEach((size, i) => {
    if (size === 1) return;
    const before = axes.at(-1);
    if (before && before.stride === strides[i] * size)
      axes[axes.length - 1] = { size: before.size * size, stride: strides[i] };
    else axes.push({ size, stride: strides[i] });
  });
  return { ...rest, sizes: axes.map(({ size }) => size), strides: axes.map(({ stride }) => stride) };
}
