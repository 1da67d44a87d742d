import { describe, expect, it } from 'vitest';
import { evaluateNode } from '../../src/graph/evaluate.js';
import { makeInput, makeNode } from '../../src/graph/graph.js';
import { integerBounds } from '../../src/graph/integers.js';
import type { intervals } from '../../src/graph/intervals.js';
import { opTable } from '../../src/ops/index.js';
import { hull, type Interval } from '../../src/ops/interval.js';
import type { Elements, Op, Value } from '../../src/ops/op.js';
import { cases, describeCase, fill, type OpCase } from '../ops/cases.js';
import { mix } from '../property/data.js';
import { anyNumber } from './float32.js';

// What each op says of its results, against what it makes of numbers.

const bounded = [...opTable().values()].filter((op) => op.interval && cases[op.name]);

const over = (data: ArrayLike<number>): Interval =>
  hull(
    Array.from(data)
      .filter((x) => !Number.isNaN(x))
      .map((x) => ({ lo: x, hi: x })),
  );

/** The op's results in float32 that are outside of their bounds, known from those of the operands alone. */
function outside(op: Op, { inputs, attrs }: OpCase, data: Elements[], find: typeof intervals): string[] {
  const nodes = inputs.map(({ shape, dtype }, i) => makeInput(`x${i}`, 'input', shape, dtype));
  const node = makeNode(op, nodes, attrs);
  const known = new Map(data.map((x, i) => [`x${i}`, over(x)]));
  const { lo, hi } = find([...nodes, node], known).get(node)!;
  const values = inputs.map(({ shape, dtype }, i): Value => ({ shape, dtype, data: data[i] }));
  const made = evaluateNode(node, values, 'float32').data;
  return Array.from(made).flatMap((x, i) => {
    if (x >= lo && x <= hi) return [];
    if (Number.isNaN(x)) return [];
    return [`${op.name} of ${data.map((d) => Array.from(d))}: ${x} at ${i} is not in [${lo}, ${hi}]`];
  });
}

describe.each(bounded)('the bounds of $name', (op) => {
  it.each(cases[op.name].map((c) => ({ name: describeCase(c), c })))('hold for $name', ({ c }) => {
    const data = c.inputs.map((input, i) => fill(input, i));
    expect(outside(op, c, data, integerBounds)).toEqual([]);
  });
});

describe('bounds of floats as the machine computes them', () => {
  const elementwise = bounded.filter(
    (op) => op.lower.kind === 'elementwise' && cases[op.name].some((c) => c.inputs[0]?.dtype === 'f32'),
  );

  it.each(elementwise)('hold for numbers of every kind: $name', (op) => {
    const { inputs, attrs } = cases[op.name].find((c) => c.inputs[0].dtype === 'f32')!;
    let at = mix(17);
    const random = () => mix((at = (at + 0x9e3779b9) | 0));
    // Few numbers at a time, so that bounds are narrow; at times near each other.
    for (let round = 0; round < 3000; round++) {
      const n = 2;
      const own = inputs.map((input) => ({ ...input, shape: [n] }));
      const data = own.map(({ dtype }) => {
        if (dtype === 'bool') return Int32Array.from({ length: n }, () => random() & 1);
        const few = [0, -0, 1, -1, 0.5, 2, Number.NaN, -87.5];
        const number = () => (random() & 3 ? anyNumber(random()) : few[(random() >>> 3) & 7]);
        const first = number();
        return Float32Array.from({ length: n }, () => (random() & 4 ? first : number()));
      });
      expect(outside(op, { inputs: own, attrs }, data, integerBounds)).toEqual([]);
    }
  });
});
