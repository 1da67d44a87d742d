import { describe, expect, it } from 'vitest';
import { opTable } from '../../src/index.js';
import type { Precision } from '../../src/tape/tape.js';
import { cases, describeCase, type OpCase } from './cases.js';
import { naive } from './naive.js';
import { applyOp, leaves, onTape } from './run.js';

const ops = [...opTable().values()].filter((op) => !['leaf', 'result'].includes(op.lower.kind));

describe('the table of cases', () => {
  it('has cases for every op but the leaves', () => {
    expect(ops.map((op) => op.name).filter((name) => !(cases[name]?.length > 0))).toEqual([]);
  });

  it('has no cases for ops that do not exist', () => {
    const names = ops.map((op) => op.name);
    expect(Object.keys(cases).filter((name) => !names.includes(name))).toEqual([]);
  });
});

/** Room for rounding: a sum of n products loses some n units of the largest. */
function tolerance(precision: Precision, { inputs }: OpCase): number {
  const n = Math.max(1, ...inputs.map(({ shape }) => Math.max(1, ...shape)));
  return (precision === 'float64' ? 1e-13 : 4e-7) * Math.sqrt(n);
}

describe.each(ops)('$name', (op) => {
  describe.each<Precision>(['float64', 'float32'])('in %s', (precision) => {
    it.each(cases[op.name].map((c) => ({ name: describeCase(c), c })))(
      'means what it says for $name',
      ({ c }) => {
        const inputs = leaves(c, precision);
        const results = onTape(precision, () => applyOp(op, inputs, c.attrs));
        const given = inputs.map(({ shape, data, dtype }) => ({ shape: [...shape], data, dtype }));
        const wanted = [naive(op.name, given, c.attrs)].flat();

        expect(results.map(({ shape }) => shape)).toEqual(wanted.map(({ shape }) => shape));
        results.forEach((out, k) => {
          const want = wanted[k];
          expect(out.data).toHaveLength(want.data.length);
          const scale = want.data.reduce((a, b) => Math.max(a, Math.abs(b)), 1);
          const wrong = want.data
            .map((value, i) => ({ i, got: out.data[i], want: value }))
            .filter(({ got, want: value }) => {
              const relativeTo =
                c.inputs.length === 1 && op.lower.kind === 'elementwise' ? Math.abs(value) : scale;
              const allowed = out.dtype === 'f32' ? tolerance(precision, c) * Math.max(relativeTo, 1e-2) : 0;
              return !(Math.abs(got - value) <= allowed);
            });
          expect(wrong).toEqual([]);
        });
      },
    );
  });
});
