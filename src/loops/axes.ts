import type { Node } from '../graph/graph.js';
import type { Access, Member } from '../kernels/kernel.js';
import { type Region, regionOver } from '../kernels/regions.js';
import { numel } from '../shape.js';

/** An axis of the loops that are emitted. */
export interface LoopAxis {
  readonly size: number;
  readonly reduced: boolean;
}

/** A read or write over the emitted axes; strides in elements. */
export interface LoopAccess {
  readonly source: Node;
  readonly strides: readonly number[];
  readonly offset: number;
  /** Of a matrix in panels: from one panel to the next, times as far as along the columns of one. */
  readonly apart?: number;
}

export interface Loops {
  readonly axes: readonly LoopAxis[];
  /** The access over the emitted axes. */
  over(access: Access): LoopAccess;
}

/**
 * The fewest loops that do: axes of size 1 go, and neighbours merge where every access moves through both as
 * through one, so that the innermost loop is as long as it can be.
 */
export function collapse(
  domain: readonly number[],
  reduced: readonly boolean[],
  accesses: readonly Access[],
): Loops {
  const groups: number[][] = [];
  domain.forEach((size, axis) => {
    if (size === 1) return;
    const last = groups.at(-1)?.at(-1);
    const joins =
      last !== undefined &&
      reduced[last] === reduced[axis] &&
      accesses.every(({ strides }) => strides[last] === strides[axis] * size);
    if (joins) groups.at(-1)!.push(axis);
    else groups.push([axis]);
  });
  const axes = groups.map((group) => ({
    size: group.reduce((n, axis) => n * domain[axis], 1),
    reduced: reduced[group[0]],
  }));
  // A scalar is a loop of one.
  if (axes.length === 0) axes.push({ size: 1, reduced: false });
  return {
    axes,
    over: ({ source, strides, offset }) => ({
      source,
      offset,
      strides: groups.length ? groups.map((group) => strides[group.at(-1)!]) : [0],
    }),
  };
}

/** All reads of some members. */
export function readsOf(members: readonly Member[]): Access[] {
  return members.flatMap((member) => [...member.reads]);
}

/** Where a member's elements are stored, over its kernel's domain: in its own memory, or as a part of another. */
export function storedElements(node: Node, domain: readonly number[], region: Region | undefined): Access {
  if (!region) return ownElements(node, domain);
  return { source: region.whole, ...regionOver(region, domain)! };
}

/** A member's own elements over its kernel's domain, row by row. */
export function ownElements(node: Node, domain: readonly number[]): Access {
  let stride = numel(domain);
  return {
    source: node,
    offset: 0,
    strides: domain.map((size) => {
      stride /= size || 1;
      return size === 1 ? 0 : stride;
    }),
  };
}
