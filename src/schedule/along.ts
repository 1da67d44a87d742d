import type { Node } from '../graph/graph.js';
import type { Access, GemmKernel, Kernel, NestKernel } from '../kernels/kernel.js';
import { cutOf, isOfParts } from '../kernels/sum-order.js';
import { identityStrides } from '../kernels/view.js';
import { numel } from '../shape.js';

// Kernels can be run a few units at a time, so that threads share them. Where the units of a kernel follow each other along
// one axis, a run of units is a tile of that axis.

/** How a kernel reads or writes a value: elements from one point of the shared axis to the next, and over all other axes. */
export interface Walk {
  readonly node: Node;
  /** 0: it touches elements wherever in the axis it is. */
  readonly stride: number;
  readonly others: readonly { readonly stride: number; readonly size: number }[];
  readonly offset: number;
}

export interface Along {
  /** Length of the axis. */
  readonly size: number;
  /** A tile that does not end with the axis is a multiple of this. */
  readonly step: number;
  /** Where every tile must begin that is no longer: units of this length are as far as the kernel can be taken apart. */
  readonly last: number;
  /** The length that a tile must have, if it must have one. */
  readonly tile: number | null;
  readonly walks: readonly Walk[];
}

/** Elements of a block of vectors at most: those of a nest's unit divide it. */
const BLOCK = 16;

/** The axis along which the units of a kernel follow each other, or null. */
export function alongOf(kernel: Kernel): Along | null {
  const along =
    kernel.kind === 'gemm' ? alongProduct(kernel) : kernel.kind === 'nest' ? alongNest(kernel) : null;
  if (!along) return null;
  if ('members' in kernel && kernel.members.some(({ node }) => node.op.lower.kind === 'gather')) return null;
  const walked = new Set(along.walks.map(({ node }) => node));
  const rest = [...kernel.loads, ...kernel.stores].filter((node) => !walked.has(node));
  return { ...along, walks: [...along.walks, ...rest.map(anywhere)] };
}

function anywhere(node: Node): Walk {
  return { node, stride: 0, others: [], offset: 0 };
}

function alongProduct(kernel: GemmKernel & Kernel): Along | null {
  const { domain, k, lastK = k, a, b, tiling } = kernel;
  const [m, n] = domain.slice(-2);
  const matrices = numel(domain.slice(0, -2));
  if (isOfParts(kernel.members[0].node)) {
    // Parts of k: each is a unit.
    if (a.digits || b.digits || a.prologue || b.prologue) return null;
    const size = k * (matrices - 1) + lastK;
    const axis = domain.length - 1;
    const walks = [walkOf(a, axis, axis - 1, m), walkOf(b, axis - 1, axis, n)];
    return { size, step: k, last: size, tile: k, walks };
  }
  const [first] = tiling.segments;
  if (b.digits || b.prologue || matrices !== 1 || tiling.split !== 'panels' || !first) return null;
  const axis = domain.length - 1;
  const over = (access: Access) => walk(access, domain, axis);
  const own = identityStrides(domain);
  return {
    size: n,
    step: 4 * first.vectors,
    last: 4 * first.vectors * first.count,
    tile: null,
    walks: [
      ...(a.prologue ? [] : [anywhere(a.source)]),
      walkOf(b, axis, axis - 1, k),
      ...kernel.members.flatMap(({ reads }) => reads.map(over)),
      ...kernel.stores.map((source) => over({ source, strides: own, offset: 0 })),
    ],
  };
}

/** A walk of an operand, which has one axis beside the shared one. */
function walkOf({ source, strides, offset }: Access, axis: number, other: number, size: number): Walk {
  return { node: source, stride: strides[axis], others: [{ stride: strides[other], size }], offset };
}

function walk({ source, strides, offset }: Access, domain: readonly number[], axis: number): Walk {
  const others = domain.flatMap((size, i) => (i === axis ? [] : [{ stride: strides[i], size }]));
  return { node: source, stride: strides[axis], others, offset };
}

/** A nest that reduces all axes but one. */
function alongNest(kernel: NestKernel & Kernel): Along | null {
  const { domain, reduced, members } = kernel;
  const kept = domain.flatMap((size, i) => (size > 1 && !reduced[i] ? [i] : []));
  if (kept.length !== 1 || !reduced.some((r, i) => r && domain[i] > 1) || cutOf(kernel)) return null;
  const [axis] = kept;
  const elements = identityStrides(domain);
  const rows = domain.map((_, i) => (i === axis ? 1 : 0));
  const stored = members.filter(({ node }) => kernel.stores.includes(node));
  return {
    size: domain[axis],
    step: BLOCK,
    last: domain[axis],
    tile: null,
    walks: [
      ...members.flatMap(({ reads }) => reads.map((access) => walk(access, domain, axis))),
      ...stored.map(({ node, level }) =>
        walk({ source: node, strides: level === 'element' ? elements : rows, offset: 0 }, domain, axis),
      ),
    ],
  };
}

/** Whether all these walks, of an axis of some size, touch in each tile only elements that no walk touches in another. */
export function keepApart(walks: readonly Walk[], size: number): boolean {
  const [{ stride }] = walks;
  if (stride <= 0) return false;
  const whole = stride * size;
  return walks.every((walk) => {
    if (walk.stride !== stride || walk.offset % whole !== 0) return false;
    const inner = walk.others.filter((other) => other.stride % whole !== 0 && other.size > 1);
    if (inner.some((other) => other.stride < 0)) return false;
    return inner.reduce((sum, other) => sum + other.stride * (other.size - 1), 0) < stride;
  });
}
