import type { Shape } from '../shape.js';
import type { Access, Digit, GemmKernel, Operand } from './kernel.js';
import { isOfParts } from './sum-order.js';

// Index maps of a product's operands: an axis is a list of digits, as a number is one of decimal ones.

/** The parts of an axis of this size, from the outside in; those of a plain axis are one. */
export function digitsOf({ strides, digits }: Operand, axis: number, size: number): readonly Digit[] {
  const at = axis < 0 ? strides.length + axis : axis;
  return digits?.[at] ?? (size === 1 ? [] : [{ size, stride: strides[at] }]);
}

/** Whether an axis of an operand, counted from the last, is no single stride. */
export function isMapped({ digits }: Operand, axis: number): boolean {
  return (digits?.at(axis)?.length ?? 0) > 1;
}

/** Elements from the first of an axis to the one at an index. */
export function elementAt(digits: readonly Digit[], index: number): number {
  let rest = index;
  return digits.reduceRight((at, { size, stride }) => {
    const place = rest % size;
    rest = (rest - place) / size;
    return at + place * stride;
  }, 0);
}

/** Sizes of the axes of a product's operands: [batch..., m, k] and [batch..., k, n]; parts of k count as one. */
export function operandShapes(kernel: Pick<GemmKernel, 'domain' | 'k' | 'lastK' | 'members'>) {
  const { domain, members } = kernel;
  const [m, n] = domain.slice(-2);
  const inParts = isOfParts(members[0].node);
  const batch = inParts ? [1] : domain.slice(0, -2);
  const k = wholeK(kernel);
  return { a: [...batch, m, k], b: [...batch, k, n] };
}

/** The k of a product, of all its parts together. */
export function wholeK({
  domain,
  k,
  lastK = k,
  members,
}: Pick<GemmKernel, 'domain' | 'k' | 'lastK' | 'members'>) {
  return isOfParts(members[0].node) ? k * (domain[0] - 1) + lastK : k;
}

/**
 * A read of a copy as a read of what is copied: the copy has, in row-major order over `domain`, the elements that `read`
 * finds. Null if no digits express that, because an axis begins or ends inside of one of the copy's rows.
 * @param shape sizes of the operand's axes
 */
export function throughCopy(
  operand: Operand,
  shape: Shape,
  { domain, read }: { readonly domain: Shape; readonly read: Access },
): Operand | null {
  const inner = domain.map((_, i) => domain.slice(i + 1).reduce((n, size) => n * size, 1));
  const first = placesOf(operand.offset, inner);
  const last = [...first];
  const digits: Digit[][] = [];
  for (const [axis, size] of shape.entries()) {
    const found: Digit[] = [];
    for (const digit of digitsOf(operand, axis, size)) {
      const parts = apart(digit, domain, inner, last);
      if (!parts) return null;
      found.push(
        ...parts.map(({ axis: of, size: n, steps }) => ({
          size: n,
          stride: of < 0 ? 0 : steps * read.strides[of],
        })),
      );
    }
    digits.push(joined(found));
  }
  // A carry from one axis of the copy to the next is none of what is copied.
  if (last.some((at, i) => at >= domain[i])) return null;
  const offset = first.reduce((at, place, i) => at + place * read.strides[i], read.offset);
  const strides = digits.map((list) => list.at(-1)?.stride ?? 0);
  const plain = digits.every((list) => list.length < 2);
  return { source: read.source, offset, strides, ...(plain ? {} : { digits }) };
}

/** The same for an operand of a product, whose parts of k count through the map as one. */
export function operandThrough(
  kernel: GemmKernel,
  which: 'a' | 'b',
  copy: { readonly domain: Shape; readonly read: Access },
): Operand | null {
  const through = throughCopy(kernel[which], operandShapes(kernel)[which], copy);
  if (!through || through.digits || !isOfParts(kernel.members[0].node)) return through;
  // Parts of a plain k lie one after the other.
  const along = through.strides.at(which === 'a' ? -1 : -2)!;
  return { ...through, strides: through.strides.with(0, kernel.k * along) };
}

/** An element's place along each axis. */
function placesOf(element: number, inner: readonly number[]): number[] {
  let rest = element;
  return inner.map((stride) => {
    const place = Math.floor(rest / stride);
    rest -= place * stride;
    return place;
  });
}

/** A digit over the elements of a copy as digits over its axes, each in steps; `last` moves to the last places. */
function apart({ size, stride }: Digit, domain: Shape, inner: readonly number[], last: number[]) {
  if (stride === 0) return [{ axis: -1, size, steps: 0 }];
  let axis = inner.findIndex((by, i) => by <= stride && domain[i] > 1);
  if (axis < 0 || stride % inner[axis] !== 0) return null;
  const found: { axis: number; size: number; steps: number }[] = [];
  let steps = stride / inner[axis];
  for (let left = size; ; steps = 1) {
    const room = domain[axis] / steps;
    const whole = left <= Math.ceil(room);
    const part = whole ? left : room;
    if (!Number.isInteger(part) || left % part !== 0) return null;
    found.unshift({ axis, size: part, steps });
    last[axis] += (part - 1) * steps;
    left /= part;
    if (left === 1) return found;
    do axis--;
    while (axis >= 0 && domain[axis] === 1);
    if (axis < 0) return null;
  }
}

/** The fewest digits that count the same. */
function joined(digits: readonly Digit[]): Digit[] {
  const out: Digit[] = [];
  for (const digit of digits) {
    const before = out.at(-1);
    if (digit.size === 1) continue;
    if (before && before.stride === digit.stride * digit.size)
      out[out.length - 1] = { size: before.size * digit.size, stride: digit.stride };
    else out.push(digit);
  }
  return out;
}
