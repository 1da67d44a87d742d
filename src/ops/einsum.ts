import { OptionError, ShapeError } from '../errors.js';
import { formatShape, numel } from '../shape.js';
import { mul } from './elementwise.js';
import { matmul } from './matmul.js';
import { reshape, transpose } from './movement.js';
import { sum } from './reduce.js';
import { type Tensor, type TensorLike, toTensor } from './tensor.js';

/** A tensor whose axes have letters. */
interface Lettered {
  readonly tensor: Tensor;
  readonly letters: string;
}

/**
 * Sums of products, named by the letters of axes: `einsum('bqd,bkd->bqk', q, k)`. Letters that the result lacks are
 * summed over; without `->` the result has those that stand once, in the alphabet's order. A letter stands once in a
 * tensor. Two tensors at a time, from left to right, as products of matrices where they share what is summed. f32.
 *
 * @example
 * ```ts
 * import { einsum, tensor } from '2headgrad';
 * const a = tensor([[1, 2], [3, 4]]);
 * console.log(einsum('ij,jk->ik', a, a), einsum('ij->j', a)); // Tensor f32[2, 2] [7, 10, 15, 22] Tensor f32[2] [4, 6]
 * ```
 */
export function einsum(equation: string, ...tensors: TensorLike[]): Tensor {
  const { terms, result } = parse(equation, tensors.length);
  const sizes = new Map<string, number>();
  const list = tensors.map((x, i): Lettered => {
    const tensor = toTensor(x);
    if (tensor.rank !== terms[i].length)
      throw new ShapeError(
        `einsum: ${equation}: ${terms[i] || 'a term without letters'} names ${terms[i].length} axes, and the tensor is ${formatShape(tensor.shape)}`,
      );
    [...terms[i]].forEach((letter, axis) => {
      const size = tensor.shape[axis];
      const known = sizes.get(letter) ?? size;
      if (known !== size)
        throw new ShapeError(
          `einsum: ${equation}: ${letter} is ${known} in one tensor and ${size} in another`,
        );
      sizes.set(letter, size);
    });
    return { tensor, letters: terms[i] };
  });
  const product = list.reduce((left, right, i) => {
    const later = result + terms.slice(i + 1).join('');
    return multiplied(reduced(left, right.letters + later), reduced(right, left.letters + later), later);
  });
  const { tensor, letters } = reduced(product, result);
  return transpose(
    tensor,
    [...result].map((letter) => letters.indexOf(letter)),
  );
}

function parse(equation: string, count: number): { terms: string[]; result: string } {
  if (typeof equation !== 'string')
    throw new OptionError(`einsum: expected an equation such as 'ij,jk->ik' first`);
  const text = equation.replaceAll(' ', '');
  const found = /^([A-Za-z,]*)(?:->([A-Za-z]*))?$/.exec(text);
  if (!found) throw new OptionError(`einsum: ${equation}: expected letters and commas, as in 'ij,jk->ik'`);
  const terms = found[1].split(',');
  if (terms.length !== count)
    throw new OptionError(`einsum: ${equation} names ${terms.length} tensors, got ${count}`);
  const once = (letter: string) => found[1].split(letter).length === 2;
  const result = found[2] ?? [...new Set(found[1].replaceAll(',', ''))].filter(once).sort().join('');
  for (const term of [...terms, result]) {
    const twice = [...term].find((letter, i) => term.indexOf(letter) !== i);
    if (twice) throw new OptionError(`einsum: ${equation}: ${twice} stands twice in ${term}`);
  }
  const unknown = [...result].find((letter) => !found[1].includes(letter));
  if (unknown) throw new OptionError(`einsum: ${equation}: no tensor has ${unknown}`);
  return { terms, result };
}

/** Summed over letters that nobody wants. */
function reduced({ tensor, letters }: Lettered, wanted: string): Lettered {
  const axes = [...letters].flatMap((letter, axis) => (wanted.includes(letter) ? [] : [axis]));
  if (axes.length === 0) return { tensor, letters };
  return { tensor: sum(tensor, axes), letters: [...letters].filter((l) => wanted.includes(l)).join('') };
}

function multiplied(left: Lettered, right: Lettered, wanted: string): Lettered {
  const both = [...left.letters].filter((letter) => right.letters.includes(letter));
  const batch = both.filter((letter) => wanted.includes(letter));
  const summed = both.filter((letter) => !wanted.includes(letter));
  const rows = [...left.letters].filter((letter) => !both.includes(letter));
  const columns = [...right.letters].filter((letter) => !both.includes(letter));
  const letters = [...batch, ...rows, ...columns].join('');
  const a = ordered(left, [...batch, ...rows, ...summed]);
  const b = ordered(right, [...batch, ...summed, ...columns]);
  const size = (from: number, tensor: Tensor, count: number) => tensor.shape.slice(from, from + count);
  const leading = size(0, a, batch.length);
  const m = size(batch.length, a, rows.length);
  const n = size(batch.length + summed.length, b, columns.length);
  if (summed.length === 0) {
    const ones = (count: number) => new Array<number>(count).fill(1);
    const spread = reshape(a, [...leading, ...m, ...ones(n.length)]);
    return { tensor: mul(spread, reshape(b, [...leading, ...ones(m.length), ...n])), letters };
  }
  const k = numel(size(batch.length, b, summed.length));
  const product = matmul(reshape(a, [...leading, numel(m), k]), reshape(b, [...leading, k, numel(n)]));
  return { tensor: reshape(product, [...leading, ...m, ...n]), letters };
}

function ordered({ tensor, letters }: Lettered, wanted: readonly string[]): Tensor {
  return transpose(
    tensor,
    wanted.map((letter) => letters.indexOf(letter)),
  );
}
