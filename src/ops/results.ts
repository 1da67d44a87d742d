import { GraphError } from '../errors.js';
import { type Attrs, defineOp, type Elements, type Op, type Value } from './op.js';
import { apply, type Tensor } from './tensor.js';

type ResultAttrs = { index: number };

/** One result of a node that has several; nothing else may read such a node. */
export const resultOp: Op<ResultAttrs> = defineOp<ResultAttrs>({
  name: 'result',
  type([of], { index }) {
    if (!of.results) throw new GraphError('result: what it reads has one result alone');
    const type = of.results[index];
    if (!type)
      throw new GraphError(`result: there are ${of.results.length} results, counted from 0, not ${index}`);
    return { shape: type.shape, dtype: type.dtype };
  },
  // Cotangents of results are gathered for the node that they are of: see autodiff/gradients.ts.
  vjp: null,
  reference: ([of], { index }, out) => out.data.set(of.results![index].data),
  lower: { kind: 'result' },
  sharesElements: true,
});

/** Whether it is one of the several results of its input. */
export function isResult(op: Op): boolean {
  return op === (resultOp as unknown as Op);
}

/** The elements that an op shares with its input. */
export function sharedElements(op: Op, of: Value, attrs: Attrs): Elements {
  return isResult(op) ? of.results![attrs.index as number].data : of.data;
}

/** Every result of a tensor that stands for several. */
export function resultsOf(whole: Tensor): Tensor[] {
  return whole.results ? whole.results.map((_, index) => apply(resultOp, [whole], { index })) : [whole];
}

/** Applies an op that has several results. */
export function applyForAll<A extends Attrs>(op: Op<A>, inputs: readonly Tensor[], attrs: A): Tensor[] {
  return resultsOf(apply(op, inputs, attrs));
}

/** Whether gradients flow through an op. */
export function hasGradient(op: Op): boolean {
  return op.vjp !== null || op.vjpOfSeveral !== undefined || isResult(op);
}
