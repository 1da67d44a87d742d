import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { gradients } from '../../src/autodiff/gradients.js';
import { evaluateGraph } from '../../src/graph/evaluate.js';
import { compileFunction, derivative, MLP, type Tensor, traceValue, Value } from '../../src/index.js';
import type { Eager } from '../../src/tape/tape.js';
import { leaf, onTape } from '../ops/run.js';
import { type Calculus, Plain, runProgram, type ScalarProgram, scalarProgram } from './programs.js';

/** A tensor of the tape as programs use it; it has no pow, which is written in what it has. */
class OnTape implements Calculus<OnTape> {
  constructor(readonly t: Tensor) {}
  add = (o: OnTape | number) => new OnTape(this.t.add(tensorOf(o)));
  sub = (o: OnTape | number) => new OnTape(this.t.sub(tensorOf(o)));
  mul = (o: OnTape | number) => new OnTape(this.t.mul(tensorOf(o)));
  div = (o: OnTape | number) => new OnTape(this.t.div(tensorOf(o)));
  neg = () => new OnTape(this.t.neg());
  exp = () => new OnTape(this.t.exp());
  log = () => new OnTape(this.t.log());
  tanh = () => new OnTape(this.t.tanh());
  relu = () => new OnTape(this.t.relu());
  pow(n: OnTape | number) {
    let product = this.t;
    if (typeof n === 'number' && Number.isInteger(n) && n > 0) {
      for (let i = 1; i < n; i++) product = product.mul(this.t);
      return new OnTape(product);
    }
    return new OnTape(this.t.log().mul(tensorOf(n)).exp());
  }
}
const tensorOf = (o: OnTape | number) => (typeof o === 'number' ? o : o.t);

/** Result and gradients by three ways that share no code: values, the tape in float64, plain numbers and differences. */
function byValues(program: ScalarProgram) {
  const leaves = program.leaves.map((x, i) => new Value(x, `leaf${i}`));
  const root = runProgram(program, leaves);
  root.backward();
  return { root, leaves, value: root.data, gradients: leaves.map((l) => l.grad) };
}

function byTape(program: ScalarProgram) {
  return onTape('float64', () => {
    const leaves = program.leaves.map((x) => leaf({ shape: [], dtype: 'f32' }, [x]));
    const root = runProgram(
      program,
      leaves.map((l) => new OnTape(l)),
    ).t as Eager;
    return {
      value: root.item(),
      gradients: gradients(root, leaves).map((g) => (g as Eager | null)?.item() ?? 0),
    };
  });
}

function byDifferences(program: ScalarProgram) {
  const seen = { kink: Number.POSITIVE_INFINITY, largest: 0 };
  const at = (x: number[]) =>
    runProgram(
      program,
      x.map((v) => new Plain(v, seen)),
    ).x;
  const value = at(program.leaves);
  const slopes = program.leaves.map((x, i) => derivative((v) => at(program.leaves.with(i, v)), x, 1e-5));
  return { value, gradients: slopes, seen };
}

const scaleOf = (list: readonly number[]) => Math.max(1, ...list.map(Math.abs));

function close(got: readonly number[], want: readonly number[], tolerance: number): void {
  const scale = scaleOf(want);
  want.forEach((w, i) => {
    expect(Math.abs(got[i] - w), `${i}: ${got[i]} for ${w}`).toBeLessThanOrEqual(tolerance * scale);
  });
}

describe('random scalar programs', () => {
  it('have the gradients of the tape in float64 and of central differences', () => {
    fc.assert(
      fc.property(scalarProgram, (program) => {
        const differences = byDifferences(program);
        // Differences are wrong across a kink, and inexact where numbers are large.
        fc.pre(differences.seen.kink > 1e-3 && differences.seen.largest < 100);
        const values = byValues(program);
        const tape = byTape(program);
        close([values.value], [tape.value], 1e-12);
        close(values.gradients, tape.gradients, 1e-11);
        close(values.gradients, differences.gradients, 1e-5);
      }),
      { numRuns: 400, seed: 1 },
    );
  });

  it('keep value and gradients as graphs of the compiler', () => {
    fc.assert(
      fc.property(scalarProgram, (program) => {
        fc.pre(byDifferences(program).seen.largest < 100);
        const { root, value, gradients } = byValues(program);
        const traced = traceValue(root);
        const { outputs } = evaluateGraph(traced.graph, traced.inputs(), {}, 'float64');
        const slopes = program.leaves.map((_, i) => outputs[`gradient.leaf${i}`]?.data[0] ?? 0);
        close([outputs.value.data[0]], [value], 1e-12);
        close(slopes, gradients, 1e-11);
      }),
      { numRuns: 60, seed: 2 },
    );
  });

  it('keep them compiled, to float32', async () => {
    const programs = fc
      .sample(scalarProgram, { numRuns: 60, seed: 3 })
      .filter((p) => p.steps.length > 9 && byDifferences(p).seen.largest < 100);
    expect(programs.length).toBeGreaterThan(5);
    for (const program of programs.slice(0, 3)) {
      const { root, value, gradients } = byValues(program);
      const traced = traceValue(root);
      const compiled = await compileFunction(traced.graph);
      const got = compiled.call(traced.inputs());
      await compiled.close();
      const slopes = program.leaves.map((_, i) => got[`gradient.leaf${i}`]?.[0] ?? 0);
      close([got.value[0]], [value], 1e-4);
      close(slopes, gradients, 1e-4);
    }
  });
});

describe('traceValue', () => {
  it('names inputs by their labels, each once', () => {
    const [a, b, c, d] = [
      new Value(1, 'a'),
      new Value(2, 'a'),
      new Value(3),
      new Value(4, 'two words\n*/ x'),
    ];
    const { graph, leaves, inputs } = traceValue(a.add(b).mul(c).add(d));
    expect([...leaves]).toEqual([
      ['a', a],
      ['a_2', b],
      ['x2', c],
      ['two_words_x', d],
    ]);
    expect(inputs()).toEqual({ a: [1], a_2: [2], x2: [3], two_words_x: [4] });
    expect(graph.outputs.map((o) => o.name)).toEqual([
      'value',
      'gradient.a',
      'gradient.a_2',
      'gradient.x2',
      'gradient.two_words_x',
    ]);
  });

  it('takes a leaf alone, a leaf without influence, and labels that are numbers', () => {
    const x = new Value(5, '7');
    const outputs = (root: Value) => {
      const traced = traceValue(root);
      const found = evaluateGraph(traced.graph, traced.inputs(), {}, 'float64').outputs;
      return Object.fromEntries(Object.entries(found).map(([name, { data }]) => [name, data[0]]));
    };
    expect(outputs(x)).toEqual({ value: 5, 'gradient.7': 1 });
    expect(outputs(x.pow(0))).toEqual({ value: 1, 'gradient.7': 0 });
    expect(outputs(x.add(new Value(2, '3')))).toEqual({ value: 7, 'gradient.7': 1, 'gradient.3': 1 });
  });

  it('keeps powers at 0 and below it', () => {
    const slopes = (x: number, n: number) => {
      const value = new Value(x, 'x');
      const root = value.pow(n);
      root.backward();
      const traced = traceValue(root);
      const { outputs } = evaluateGraph(traced.graph, traced.inputs(), {}, 'float64');
      return [
        [outputs.value.data[0], root.data],
        [outputs['gradient.x'].data[0], value.grad],
      ];
    };
    for (const [x, n] of [
      [0, 0.5],
      [0, 0.25],
      [0, 1.5],
      [0, 2],
      [0, 7],
      [-2, 3],
      [-2, -3],
      [-2, 10],
      [3, -0.5],
      [4, 0.5],
      [-0.995, 1500],
      [-0.995, 1501],
      [-1.005, -1501],
      [0, 1501],
    ])
      for (const [got, want] of slopes(x, n)) {
        if (Number.isFinite(want)) expect(got, `${x}^${n}`).toBeCloseTo(want, 10);
        else expect(got, `${x}^${n}`).toBe(want);
      }
  });

  it('lets the compiled function run on leaves that have moved', async () => {
    const mlp = new MLP(2, [3, 1], { seed: 5 });
    const lossOf = () => mlp.forward([0.5, -1])[0].sub(1).pow(2);
    const traced = traceValue(lossOf());
    const compiled = await compileFunction(traced.graph);
    for (let step = 0; step < 5; step++) {
      const loss = lossOf();
      mlp.zeroGrad();
      loss.backward();
      const got = compiled.call(traced.inputs());
      close([got.value[0]], [loss.data], 1e-6);
      for (const p of mlp.parameters()) close([got[`gradient.${p.label}`][0]], [p.grad], 1e-6);
      mlp.step(0.1);
    }
    await compiled.close();
  });

  it('asks for a Value', () => {
    expect(() => traceValue(3 as unknown as Value)).toThrow('traceValue: the first argument must be a Value');
  });
});
