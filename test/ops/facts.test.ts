import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { evaluateNode } from '../../src/graph/evaluate.js';
import { makeInput, makeNode } from '../../src/graph/graph.js';
import { opTable } from '../../src/index.js';
import type { Lowering, Op, Value } from '../../src/ops/op.js';
import { contiguousStrides } from '../../src/shape.js';
import { cases, fill, type OpCase } from './cases.js';

// What ops declare of themselves, against what they compute. (Bounds: test/graph/bounds.test.ts.)

const ops = [...opTable().values()].filter((op) => cases[op.name]);
const floatsOf = (op: Op) => cases[op.name].filter((c) => c.inputs[0]?.dtype === 'f32');

/** The op on these operands, in float64. */
function run(op: Op, { inputs, attrs }: OpCase, data: Value['data'][]): number[] {
  const nodes = inputs.map(({ shape, dtype }, i) => makeInput(`x${i}`, 'input', shape, dtype));
  const values = inputs.map(({ shape, dtype }, i): Value => ({ shape, dtype, data: data[i] }));
  return Array.from(evaluateNode(makeNode(op, nodes, attrs), values, 'float64').data);
}

const filled = ({ inputs }: OpCase, seed: number): Value['data'][] =>
  inputs.map((input, i) => {
    const data = fill(input, seed + i);
    return input.dtype === 'f32' ? Float64Array.from(data) : data;
  });

function near(got: number[], want: number[]): void {
  expect(got).toHaveLength(want.length);
  got.forEach((x, i) => {
    expect(Math.abs(x - want[i])).toBeLessThanOrEqual(1e-11 * Math.max(1, Math.abs(want[i])));
  });
}

describe('ops that are commutative', () => {
  it.each(ops.filter((op) => op.commutative))(
    'give the same bits with their operands swapped: $name',
    (op) => {
      for (const c of cases[op.name]) {
        const [a, b] = filled(c, 5);
        const swapped = { ...c, inputs: [...c.inputs].reverse() };
        expect(run(op, swapped, [b, a])).toEqual(run(op, c, [a, b]));
      }
    },
  );
});

describe('ops that are linear', () => {
  const named = (kind: string) => ops.filter((op) => op.linear === kind);

  it.each(ops.filter((op) => typeof op.linear === 'object'))('are sums of operands: $name', (op) => {
    const factors = op.linear as readonly number[];
    for (const c of floatsOf(op)) {
      const data = filled(c, 3).map((x, i) => Float64Array.from(x).fill(i + 2));
      const want = factors.reduce((sum, factor, i) => sum + factor * (i + 2), 0);
      expect(new Set(run(op, c, data)).size).toBeLessThanOrEqual(1);
      run(op, c, data).forEach((x) => {
        expect(x).toBe(want);
      });
    }
  });

  it.each([...named('each'), ...named('first')])('are so in each operand, or the first: $name', (op) => {
    const operands = op.linear === 'each' ? [0, 1] : [0];
    for (const c of floatsOf(op)) {
      for (const k of operands) {
        const [data, other] = [filled(c, 1), filled(c, 9)];
        const put = (x: Value['data']) => data.map((own, i) => (i === k ? x : own));
        const sum = Float64Array.from(data[k], (x, i) => 2 * x - 3 * other[k][i]);
        const parts = [run(op, c, data), run(op, c, put(other[k]))];
        near(
          run(op, c, put(sum)),
          parts[0].map((x, i) => 2 * x - 3 * parts[1][i]),
        );
      }
    }
  });

  it.each(named('shift'))('are moved by what is added to all elements: $name', (op) => {
    for (const c of floatsOf(op)) {
      const [data] = filled(c, 1);
      near(
        run(op, c, [Float64Array.from(data, (x) => x + 0.75)]),
        run(op, c, [data]).map((x) => x + 0.75),
      );
    }
  });
});

describe('ops that move elements', () => {
  const movements = ops.filter((op) => op.lower.kind === 'movement');

  it.each(movements)('read them through the strides that they give: $name', (op) => {
    const lower = op.lower as Extract<Lowering, { kind: 'movement' }>;
    for (const c of cases[op.name]) {
      const [input] = c.inputs;
      const [data] = filled(c, 2);
      const node = makeNode(op, [makeInput('x', 'input', input.shape, input.dtype)], c.attrs);
      const strides = contiguousStrides(input.shape);
      const view = lower.view(strides, node)!;
      const made = run(op, c, [data]);
      const own = contiguousStrides(node.shape);
      const read = made.map((_, at) =>
        node.shape.reduce((sum, n, i) => sum + (Math.floor(at / own[i]) % n) * view.strides[i], view.offset),
      );
      expect(made).toEqual(read.map((from) => data[from]));
      const distinct = new Set(read).size;
      expect(lower.reads?.(node) ?? Math.min(made.length, data.length)).toBe(distinct);
      const axes = lower.axes(node);
      if (made.length === 0) continue;
      axes?.forEach((axis, i) => {
        if (node.shape[i] <= 1) return;
        // Along an axis that windows are taken of, both of its axes go in steps.
        if (axes.filter((other) => other === axis && axis >= 0).length > 1)
          expect(view.strides[i] % strides[axis]).toBe(0);
        else expect(view.strides[i]).toBe(axis < 0 ? 0 : strides[axis]);
      });
    }
  });
});

describe('expressions', () => {
  it('name the functions of assembly/ that they call, with their files', () => {
    const missing = ops.flatMap(({ name, lower, type }) => {
      if (lower.kind !== 'elementwise') return [];
      return cases[name].flatMap((c) => {
        const args = c.inputs.map((_, i) => `x${i}`);
        const text = lower.emit(args, c.inputs.at(-1)!.dtype, type(c.inputs, c.attrs).dtype);
        const called = [...text.matchAll(/(?<![.\w])([a-zA-Z]\w*)\(/g)].map((match) => match[1]);
        return called.filter((f) => !lower.library?.[f]).map((f) => `${name} calls ${f}`);
      });
    });
    expect([...new Set(missing)]).toEqual([]);
    const files = new Set(readdirSync(new URL('../../assembly/', import.meta.url)));
    const named = ops.flatMap(({ lower }) =>
      lower.kind === 'elementwise' ? Object.entries(lower.library ?? {}) : [],
    );
    for (const [name, file] of named) {
      expect(files).toContain(`${file}.ts`);
      const source = readFileSync(new URL(`../../assembly/${file}.ts`, import.meta.url), 'utf8');
      expect(source).toContain(`export function ${name}(`);
    }
  });
});
