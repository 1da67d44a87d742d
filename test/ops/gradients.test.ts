import { describe, expect, it } from 'vitest';
import { gradients, opTable } from '../../src/index.js';
import type { Op } from '../../src/ops/op.js';
import { hasGradient, isResult } from '../../src/ops/results.js';
import { Eager } from '../../src/tape/tape.js';
import { cases, describeCase, type OpCase } from './cases.js';
import { applyOp, checkGradients, leaves, onTape, weighted, weightedSum } from './run.js';

/** Cases from floats to floats; there is nothing to differentiate in others. */
function smooth(op: Op): OpCase[] {
  const typesOf = (c: OpCase) => op.type(c.inputs, c.attrs);
  const isFloat = (c: OpCase) => (typesOf(c).results ?? [typesOf(c)]).some(({ dtype }) => dtype === 'f32');
  return cases[op.name].filter((c) => isFloat(c) && c.inputs.some(({ dtype }) => dtype === 'f32'));
}

const differentiable = [...opTable().values()].filter((op) => hasGradient(op) && !isResult(op));
const floats = (tensors: readonly Eager[]) => tensors.filter((t) => t.dtype === 'f32');

/** Gradients of `loss` for every input, null for those that are not floats. */
function gradientsOf(loss: Eager, inputs: readonly Eager[], createGraph = false): (Eager | null)[] {
  const found = gradients(loss, floats(inputs), { createGraph }) as (Eager | null)[];
  return inputs.map((input) => (input.dtype === 'f32' ? found.shift()! : null));
}

describe.each(differentiable)('the gradient of $name', (op) => {
  it.each(smooth(op).map((c) => ({ name: describeCase(c), c })))(
    'agrees with central differences for $name',
    ({ c }) => {
      const inputs = leaves(c);
      const loss = (of: Eager[]) => weightedSum(applyOp(op, of, c.attrs));
      const found = onTape('float64', () => gradientsOf(loss(inputs), inputs));
      found.forEach((gradient, i) => {
        if (gradient) expect(gradient.shape).toEqual(inputs[i].shape);
      });
      const value = (of: Eager[]) => onTape('float64', () => loss(of).item());
      expect(
        checkGradients(
          inputs,
          value,
          found.map((g) => g?.data ?? null),
        ),
      ).toEqual([]);
    },
  );

  // A function of first gradients, differentiated once more: the VJPs are themselves made of ops with VJPs.
  const few = smooth(op).filter((c) =>
    c.inputs.every(({ shape }) => shape.reduce((a, b) => a * b, 1) <= 250),
  );
  it.each(few.map((c) => ({ name: describeCase(c), c })))(
    'can be differentiated again for $name',
    ({ c }) => {
      const inputs = leaves(c);
      const slope = (of: Eager[]) => {
        const out = applyOp(op, of, c.attrs);
        const squares = out.filter((x) => x.dtype === 'f32').map((x) => x.mul(x) as Eager);
        const first = gradientsOf(weightedSum(squares), of, true);
        const sums = first.flatMap((g, i) => (g ? [weighted(g, 90 + i)] : []));
        return sums.reduce(
          (a, b) => a.add(b) as Eager,
          new Eager(Float64Array.of(0), [], 'f32', null, false),
        );
      };
      const second = onTape('float64', () => gradientsOf(slope(inputs), inputs));
      const value = (of: Eager[]) => onTape('float64', () => slope(of).item());
      expect(
        checkGradients(
          inputs,
          value,
          second.map((g) => g?.data ?? null),
          1e-5,
        ),
      ).toEqual([]);
    },
  );
});

describe('a gradient', () => {
  it('is asked of every differentiable op in at least one case', () => {
    expect(differentiable.filter((op) => smooth(op).length === 0).map((op) => op.name)).toEqual([]);
  });
});
