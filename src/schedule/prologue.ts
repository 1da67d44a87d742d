import type { Node } from '../graph/graph.js';
import { digitsOf, operandShapes, throughCopy } from '../kernels/index-map.js';
import { isInline, sourcesOf } from '../kernels/inline.js';
import type { Access, Digit, GemmKernel, Member, Operand, Prologue } from '../kernels/kernel.js';
import type { Shape } from '../shape.js';
import type { Draft } from './strided-stores.js';

// Operands of products whose elements are made where they are packed.

/** A value that members make elementwise over a domain, whose elements it has in row-major order; the last makes it. */
export interface Made {
  readonly domain: Shape;
  readonly members: readonly Member[];
}

/** An operand that is read from memory as one that is made, or null if no strides over parts of its axes tell all reads. */
export function madeOperand(kernel: GemmKernel, which: 'a' | 'b', { domain, members }: Made): Operand | null {
  const operand = kernel[which];
  const shape = operandShapes(kernel)[which];
  const inside = new Set(members.map(({ node }) => node));
  const found = new Map<Access, Operand>();
  for (const read of members.flatMap(({ reads }) => reads)) {
    if (inside.has(read.source)) continue;
    const through = throughCopy(operand, shape, { domain, read });
    if (!through) return null;
    found.set(read, through);
  }
  const maps = [...found.values()];
  const axes = shape.map((size, axis) =>
    partsOf(
      size,
      maps.map((map) => digitsOf(map, axis, size)),
    ),
  );
  if (axes.some((parts) => parts === null)) return null;
  const prologue: Prologue = {
    axes: axes as number[][],
    members: members.map((member) => ({
      ...member,
      reads: member.reads.map((read) => overParts(read, found.get(read), axes as number[][], shape)),
    })),
  };
  return { ...operand, prologue };
}

/** The coarsest parts of an axis, from the outside in, of which all these lists of digits consist; null if there are none. */
function partsOf(size: number, lists: readonly (readonly Digit[])[]): number[] | null {
  const ends = new Set([size]);
  for (const digits of lists) {
    digits.reduceRight((inner, digit) => {
      ends.add(inner * digit.size);
      return inner * digit.size;
    }, 1);
  }
  const sorted = [...ends].sort((a, b) => a - b);
  const parts = sorted.map((end, i) => (i === 0 ? end : end / sorted[i - 1]));
  return parts.every(Number.isInteger) ? parts.reverse() : null;
}

function overParts(
  read: Access,
  map: Operand | undefined,
  axes: readonly (readonly number[])[],
  shape: Shape,
): Access {
  if (!map) return { ...read, offset: 0, strides: axes.flat().map(() => 0) };
  const strides = axes.flatMap((parts, axis) => {
    const digits = digitsOf(map, axis, shape[axis]);
    return parts.map((size, i) => {
      const inner = parts.slice(i + 1).reduce((n, part) => n * part, 1);
      return size === 1 ? 0 : strideAt(digits, inner);
    });
  });
  return { source: read.source, offset: map.offset, strides };
}

/** Elements from one step to the next of a part in which so many places of the axis count as one. */
function strideAt(digits: readonly Digit[], inner: number): number {
  let before = 1;
  for (const { size, stride } of [...digits].reverse()) {
    if (inner < before * size) return stride * (inner / before);
    before *= size;
  }
  return 0;
}

/** Reads from memory of what makes an operand, over all parts of its axes. */
export function readsOfPrologue({ members }: Prologue): Access[] {
  const made = new Set(members.map(({ node }) => node));
  return members.flatMap(({ reads }) => reads.filter(({ source }) => !made.has(source)));
}

/**
 * A product whose operands of `value` are read `through` something else, from what `needs` names; null if one cannot be,
 * if it makes an operand of the value already, or if it is no product.
 */
export function readOtherwise(
  { body, loads, stores }: Draft,
  value: Node,
  needs: readonly Node[],
  through: (kernel: GemmKernel, which: 'a' | 'b') => Operand | null,
): Draft | null {
  if (body.kind !== 'gemm' || makesOperandOf(body, value)) return null;
  const read = (which: 'a' | 'b') => (body[which].source === value ? through(body, which) : body[which]);
  const [a, b] = [read('a'), read('b')];
  if (!a || !b) return null;
  const kernel: GemmKernel = { ...body, a, b };
  return {
    body: kernel,
    stores,
    loads: [...new Set(loads.flatMap((node) => (node === value ? needs : [node])))],
  };
}

/** Whether a product makes an operand of what lies in this node's memory, be it through a scalar that is made on the spot. */
export function makesOperandOf({ a, b }: GemmKernel, node: Node): boolean {
  return [a, b].some(
    ({ prologue }) =>
      prologue &&
      readsOfPrologue(prologue).some(
        ({ source }) => source === node || (isInline(source) && sourcesOf(source).includes(node)),
      ),
  );
}
