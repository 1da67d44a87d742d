import { sameShape } from '../shape.js';
import { scatterAddOp } from './gather.js';
import { multiplied } from './matmul.js';
import { isZeros, reshape, transpose, zeros } from './movement.js';
import { sum, sumOp } from './reduce.js';
import { apply, type Tensor } from './tensor.js';

// Sums over all steps of what each step of a scan adds to the gradient of a weight: by one product of the factors of all
// steps, in place of a product and an addition in each. What a step multiplies is stacked for that.

/** The sum over all steps, of the stacks of what a step has. */
export type Total = (stackOf: (factor: Tensor) => Tensor) => Tensor;

/** Of each of these, which a step adds to a sum, the total; null where it has to be added up step by step. */
export function totalsOf(
  added: readonly (Tensor | null)[],
  given: Iterable<Tensor>,
): { totals: (Total | null)[]; factors: Tensor[] } {
  const stacked = new Set(given);
  const asked = new Set<Tensor>();
  let totals = added.map((): Total | null => null);
  // A sum of what is stacked for a product needs no stack of its own.
  for (let before = -1; before < asked.size; ) {
    before = asked.size;
    totals = added.map((term) => {
      const factors = new Set<Tensor>();
      const total = term && totalOf(term, stacked, factors);
      if (total) for (const factor of factors) asked.add(factor);
      return total;
    });
    for (const factor of asked) stacked.add(factor);
  }
  const known = new Set(given);
  return { totals, factors: [...asked].filter((factor) => !known.has(factor)) };
}

/** `factors`: takes in what has to be stacked; what is `stacked` may be summed. */
function totalOf(term: Tensor, stacked: ReadonlySet<Tensor>, factors: Set<Tensor>): Total | null {
  const { creator } = term;
  if (stacked.has(term)) {
    factors.add(term);
    return (stackOf) => sum(stackOf(term), 0);
  }
  if (!creator) return null;
  const { op, inputs, attrs } = creator;
  const { kind } = op.lower;
  if (kind === 'matmul') return totalProduct(inputs, attrs as Transposed, factors);
  if (kind === 'scatter') return totalRows(inputs, factors);
  const [x] = inputs;
  if (op === (sumOp as unknown as typeof op) && stacked.has(x)) {
    factors.add(x);
    const axes = (attrs.axes as readonly number[]).map((axis) => axis + 1);
    return (stackOf) => reshape(sum(stackOf(x), [0, ...axes]), term.shape);
  }
  // Movement of a sum is a sum of what is moved; so are sums and differences.
  const moves = kind === 'movement' || kind === 'copy';
  const adds = Array.isArray(op.linear) && inputs.every((input) => sameShape(input.shape, term.shape));
  if (!moves && !adds) return null;
  const totals = inputs.map((input) => totalOf(input, stacked, factors));
  if (totals.includes(null)) return null;
  return (stackOf) =>
    apply(
      op,
      totals.map((total) => total!(stackOf)),
      attrs,
    );
}

type Transposed = { readonly transposeA: boolean; readonly transposeB: boolean };

/** Products of matrices: one, whose k is that of all steps. */
function totalProduct(
  [a, b]: readonly Tensor[],
  { transposeA, transposeB }: Transposed,
  factors: Set<Tensor>,
): Total | null {
  if (a.rank !== 2 || b.rank !== 2) return null;
  factors.add(a);
  factors.add(b);
  /** Rows of all steps, one below the other. */
  const rows = (stack: Tensor, turned: boolean) => {
    const inOrder = turned ? transpose(stack, [0, 2, 1]) : stack;
    const [steps, k, n] = inOrder.shape;
    return reshape(inOrder, [steps * k, n]);
  };
  return (stackOf) => multiplied(rows(stackOf(a), !transposeA), rows(stackOf(b), transposeB), true, false);
}

/** Rows added to a table of zeros: those of all steps. */
function totalRows([base, ids, updates]: readonly Tensor[], factors: Set<Tensor>): Total | null {
  if (!isZeros(base)) return null;
  // What a marker says of an index is said in the step already.
  const marked = ids.creator?.op.marker ? ids.creator.inputs[0] : ids;
  factors.add(marked);
  factors.add(updates);
  return (stackOf) => apply(scatterAddOp, [zeros(base), stackOf(marked), stackOf(updates)], {});
}
