import { describe, expect, it } from 'vitest';
import { type Evaluated, evaluateGraph } from '../../src/graph/evaluate.js';
import { constantValue, makeNode, type Node, rewrite } from '../../src/graph/graph.js';
import { f32, opTable, type Tensor, trace } from '../../src/index.js';
import type { Attrs } from '../../src/ops/op.js';
import { Tape } from '../../src/tape/tape.js';
import { type BoundedResults, evaluateBounded } from './bounds.js';
import { dataFor } from './data.js';
import { programOf } from './fuzz.js';
import { runProgram, stepsTaken, traceProgram } from './program.js';
import { ruleOf } from './rules.js';

const seeds = Array.from({ length: 60 }, (_, i) => 500 + i);

function caseOf(seed: number) {
  const program = programOf(seed);
  const graph = traceProgram(program);
  const inputs = dataFor(graph, program.data, ['input']);
  const variables = dataFor(graph, program.data, ['parameter', 'state']);
  return { program, graph, inputs, variables };
}

/** Elements that are further off than their bounds. */
function outside(got: Evaluated, want: BoundedResults) {
  return (['outputs', 'updates'] as const).flatMap((kind) =>
    Object.entries(want[kind]).flatMap(([name, { data, error }]) =>
      Array.from(got[kind][name].data).flatMap((x, i) =>
        Object.is(x, data[i]) || Math.abs(x - data[i]) <= error[i] || error[i] === Infinity
          ? []
          : [{ name, i, got: x, want: data[i], error: error[i] }],
      ),
    ),
  );
}

/** Bounds of y = f(x). */
function boundsOf(x: number[], f: (x: Tensor) => Tensor) {
  const graph = trace('f', { x: f32(x.length) }, (given) => ({ y: f(given.x) }));
  return evaluateBounded(graph, { x: Float32Array.from(x) }, {}).outputs.y;
}

describe('error bounds', () => {
  it('have a rule for every op', () => {
    const leaves = ['input', 'constant'];
    const single = [...opTable().values()].filter(
      (op) => op.lower.kind !== 'composite' && op.lower.kind !== 'result',
    );
    const missing = single.filter((op) => !ruleOf(op) && !leaves.includes(op.name));
    expect(missing.map((op) => op.name)).toEqual([]);
  });

  it('hold for the float32 reference on random programs', () => {
    for (const seed of seeds) {
      const { graph, inputs, variables } = caseOf(seed);
      const got = evaluateGraph(graph, inputs, variables, 'float32');
      expect({ seed, off: outside(got, evaluateBounded(graph, inputs, variables)) }).toEqual({
        seed,
        off: [],
      });
    }
  });

  it('are 0 where float32 cannot be off: moves, small whole numbers, clear comparisons', () => {
    expect(Array.from(boundsOf([0.1, 0.7], (x) => x.neg().reshape([2, 1]).relu()).error)).toEqual([0, 0]);
    expect(Array.from(boundsOf([1, 2.5], (x) => x.mul(3).add(x)).error)).toEqual([0, 0]);
    expect(Array.from(boundsOf([0.1, 0.7], (x) => x.mul(0.3).greater(0.1).cast('f32')).error)).toEqual([
      0, 0,
    ]);
  });

  it('count the terms that cancel, in whatever order they are summed', () => {
    const [e] = boundsOf([1e4, 0.1, -1e4], (x) => x.sum()).error;
    expect(e).toBeGreaterThan(2e4 * 2 ** -24);
    expect(e).toBeLessThan(1);
  });

  it("are 0 for any arithmetic on single elements, since its order is the user's", () => {
    const x = [1e30, 3e-39, -0.1, 0, 1e38];
    const bounds = boundsOf(x, (x) =>
      x
        .mul(1e30)
        .mul(2 ** 40)
        .div(3)
        .add(0.1)
        .mul(1e-30)
        .mul(1e-30),
    );
    expect(Array.from(bounds.error)).toEqual([0, 0, 0, 0, 0]);
    expect(bounds.data[0]).toBe(Infinity);
    expect(bounds.data[3]).toBe(Math.fround(Math.fround(Math.fround(Math.fround(0.1) * 1e-30) * 1e-30)));
  });

  it('come from the terms of a sum and not from what these are made of', () => {
    const [e] = boundsOf([1, 2, 3, 5], (x) => x.add(3e6).sub(x.add(3e6).exp().mul(0).add(3e6)).sum()).error;
    expect(e).toBeLessThan(1e-5);
  });

  it('are finite for sums that no order overflows, and 0 for those that every order does', () => {
    expect(boundsOf([1e38, 1e38, -1e38], (x) => x.sum()).error[0]).toBeLessThan(1e33);
    expect(boundsOf([2e38, 2e38, -2e38], (x) => x.sum()).error[0]).toBe(Infinity);
    const { data, error } = boundsOf([3e38, 3e38], (x) => x.sum());
    expect([data[0], error[0]]).toEqual([Infinity, 0]);
  });

  it('say nothing of a comparison that rounding decides, and of what is made of it', () => {
    const bounds = boundsOf([0.1], (x) =>
      x
        .exp()
        .equal(Math.fround(Math.exp(Math.fround(0.1))))
        .cast('f32')
        .add(1),
    );
    expect(bounds.error[0]).toBeGreaterThanOrEqual(1);
  });

  it('keep what is certain to be infinite or no number', () => {
    const { data, error } = boundsOf([-1, 0, 1], (x) => x.log().add(x.mul(0.3)));
    expect(Array.from(data).slice(0, 2)).toEqual([Number.NaN, -Infinity]);
    expect(Array.from(error).slice(0, 2)).toEqual([0, 0]);
  });
});

describe('error bounds and random programs', () => {
  const one = (op: string, inputs: readonly Node[], attrs: Attrs = {}) =>
    makeNode(opTable().get(op)!, inputs, attrs);
  const isInvariant = (sum: Node, x: Node) =>
    x.shape.length === sum.shape.length &&
    (sum.attrs.axes as number[]).every((axis) => x.shape[axis] === 1 && sum.inputs[0].shape[axis] > 1);

  // True of real numbers, and no pass: some programs have to tell each from what the user wrote.
  const mistakes: Record<string, (node: Node) => Node | undefined> = {
    'sum(x * s) = sum(x) * s': (node) => {
      const [terms] = node.inputs;
      if (node.op.name !== 'sum' || !['mul', 'div'].includes(terms.op.name)) return undefined;
      const [x, s] = terms.inputs;
      const whole = x.shape.join() === terms.shape.join();
      return whole && isInvariant(node, s) ? one(terms.op.name, [one('sum', [x], node.attrs), s]) : undefined;
    },
    'sum(x - y) = sum(x) - sum(y)': (node) => {
      const [difference] = node.inputs;
      if (node.op.name !== 'sum' || difference.op.name !== 'sub') return undefined;
      if (difference.inputs.some((x) => x.shape.join() !== difference.shape.join())) return undefined;
      return one(
        'sub',
        difference.inputs.map((x) => one('sum', [x], node.attrs)),
      );
    },
    'x * a * b = x * (a * b)': (node) => {
      const [product, b] = node.inputs;
      if (node.op.name !== 'mul' || product.op.name !== 'mul') return undefined;
      const [x, a] = product.inputs;
      const values = [a, b].map(constantValue);
      if (values.includes(undefined) || x.shape.join() !== node.shape.join()) return undefined;
      const joined = Math.fround(values[0]! * values[1]!);
      return one('mul', [x, one('constant', [], { values: [joined], shape: [], dtype: 'f32' })]);
    },
    'x / 2^k = x * 2^-k': (node) => {
      if (node.op.name !== 'div') return undefined;
      const [x, y] = node.inputs;
      const by = constantValue(y);
      if (by === undefined || x.shape.join() !== node.shape.join()) return undefined;
      const inverse = Math.fround(1 / by);
      return one('mul', [x, one('constant', [], { values: [inverse], shape: [], dtype: 'f32' })]);
    },
  };

  it('tell each of them from the order of the user', () => {
    const caught = new Map(Object.keys(mistakes).map((name) => [name, 0]));
    for (let seed = 100; seed < 400 && [...caught.values()].includes(0); seed++) {
      const { graph, inputs, variables } = caseOf(seed);
      const wrong = Object.entries(mistakes).flatMap(([name, mistake]) => {
        const made = rewrite(graph, (node) => mistake(node) ?? node);
        return made.nodes.some((node) => !graph.nodes.includes(node)) ? [{ name, made }] : [];
      });
      if (!wrong.length) continue;
      const want = evaluateBounded(graph, inputs, variables);
      for (const { name, made } of wrong) {
        const got = evaluateGraph(made, inputs, variables, 'float32');
        if (outside(got, want).length) caught.set(name, caught.get(name)! + 1);
      }
    }
    expect([...caught].filter(([, n]) => n === 0)).toEqual([]);
  });
});

describe('random programs', () => {
  it('mean on the tape what they mean as graphs', () => {
    for (const seed of seeds.slice(0, 30)) {
      const { program, graph, inputs, variables } = caseOf(seed);
      const want = evaluateGraph(graph, inputs, variables, 'float64');
      const names = new Map<object, string>();
      const tape = new Tape('float64', (variable) => variables[names.get(variable)!]);
      let steps = 0;
      const outputs = runProgram(
        program,
        tape,
        (name, { shape, dtype }) => tape.constant(inputs[name], shape, dtype),
        (variable, name) => names.set(variable, name),
        () => steps++ < stepsTaken.get(program)!,
      );
      // The gradient of a scan adds what one tensor gets in several roles in another order than its steps do.
      const rounding = graph.nodes.some((node) => node.op.name === 'scan') ? 1e-12 : 0;
      for (const [name, tensor] of Object.entries(outputs)) {
        const { data } = tensor as unknown as { data: Float64Array };
        const wanted = want.outputs[name].data;
        const scale = rounding * Math.max(...Array.from(wanted, Math.abs).filter(Number.isFinite), 0);
        const far = Array.from(data, (x, i) => [x, wanted[i]]).filter(
          ([x, y]) => !Object.is(x, y) && !(Math.abs(x - y) <= scale),
        );
        expect({ seed, name, far }).toEqual({ seed, name, far: [] });
      }
    }
  });
});
