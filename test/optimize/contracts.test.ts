import { describe, expect, it } from 'vitest';
import { evaluateNode } from '../../src/graph/evaluate.js';
import { type Graph, inputAttrs, isInput, type Node } from '../../src/graph/graph.js';
import { printGraph } from '../../src/graph/print.js';
import { f32, gradients, scan, softmax, type Tensor, trace } from '../../src/index.js';
import type { Value } from '../../src/ops/op.js';
import { type Contract, type Pass, passes } from '../../src/optimize/index.js';
import { numel } from '../../src/shape.js';
import { anyNumber, finiteNumber } from '../graph/float32.js';
import { mix } from '../property/data.js';
import { programOf } from '../property/fuzz.js';
import { traceProgram } from '../property/program.js';
import { arithmetic } from './arithmetic.js';

// Every pass is held to what its contract says it changes, on random graphs and on numbers of every kind.

const traced = (seed: number): Graph => traceProgram(programOf(seed));
const graphs: (() => Graph)[] = [
  ...Array.from({ length: 60 }, (_, i) => () => traced(9000 + i)),
  ...Array.from({ length: 300 }, (_, i) => () => arithmetic(i)),
  () => trace('centred', { x: f32(4, 3) }, ({ x }) => ({ y: x.sub(x.mean(0)).sum(0) })),
  steps,
  () =>
    trace('attention', { x: f32(520, 2) }, ({ x }) => ({ y: softmax(x.matmul(x.transpose())).matmul(x) })),
];

/** A gradient's loop, which makes again what the first loop has made. */
function steps(): Graph {
  return trace('steps', { h: f32(8), x: f32(4, 8) }, ({ h, x }) => {
    const { carry, outputs } = scan(
      (c: Tensor, e: Tensor) => {
        const next = c.mul(e).tanh();
        return { carry: next, outputs: next.exp() };
      },
      { carry: h, inputs: x },
    );
    const [dh, dx] = gradients(carry.sum().add(outputs.sum()), [h, x]);
    return { dh: dh!, dx: dx! };
  });
}

interface Change {
  readonly pass: Pass;
  readonly before: Graph;
  readonly after: Graph;
}

/** What every pass does to a graph, until none changes it. */
function changes(graph: Graph): Change[] {
  const all: Change[] = [];
  let now = graph;
  for (let round = 0; round < 20; round++) {
    const start = now;
    for (const pass of passes) {
      const after = pass.run(now);
      if (after !== now) all.push({ pass, before: now, after });
      now = after;
    }
    if (printGraph(start) === printGraph(now)) break;
  }
  return all;
}

/** Numbers of every kind; finite ones; and those near 1, with which most results are numbers. */
const kinds = [anyNumber, finiteNumber, (random: number) => (random >> 4) / 2 ** 27];

/** Numbers for a graph: indices that exist, and floats of every kind. */
function dataFor(graph: Graph, seed: number): Map<string, Float32Array | Int32Array> {
  let at = mix(seed);
  const random = () => mix((at = (at + 0x9e3779b9) | 0));
  return new Map(
    graph.inputs.map((node) => {
      const n = numel(node.shape);
      const data =
        node.dtype === 'f32'
          ? Float32Array.from({ length: n }, () => kinds[seed % kinds.length](random()))
          : new Int32Array(n);
      return [inputAttrs(node).name, data];
    }),
  );
}

/** What the roots of a graph are in float32, one operation after the other; sums from the first element to the last. */
function results(graph: Graph, data: ReturnType<typeof dataFor>): Record<string, ArrayLike<number>> {
  const values = new Map<Node, Value>();
  for (const node of graph.nodes) {
    if (isInput(node)) {
      const { shape, dtype } = node;
      values.set(node, { shape, dtype, data: data.get(inputAttrs(node).name)! });
      continue;
    }
    const inputs = node.inputs.map((input) => values.get(input)!);
    values.set(
      node,
      node.op.name === 'sum' ? inOrder(node, inputs[0]) : evaluateNode(node, inputs, 'float32'),
    );
  }
  return Object.fromEntries([
    ...graph.outputs.map(({ name, node }) => [`output ${name}`, values.get(node)!.data]),
    ...graph.updates.map((u) => [inputAttrs(u.variable).name, values.get(u.value)!.data]),
  ]);
}

/** The reference adds a run of elements in float64; this rounds each sum. */
function inOrder(node: Node, x: Value): Value {
  if (node.dtype !== 'f32') return evaluateNode(node, [x], 'float32');
  const axes = node.attrs.axes as readonly number[];
  const out = new Float32Array(numel(node.shape));
  for (let i = 0; i < x.data.length; i++) {
    let [to, rest, stride] = [0, i, 1];
    for (let axis = x.shape.length - 1; axis >= 0; axis--) {
      const place = rest % x.shape[axis];
      rest = Math.floor(rest / x.shape[axis]);
      if (axes.includes(axis)) continue;
      to += place * stride;
      stride *= x.shape[axis];
    }
    out[to] += x.data[i];
  }
  return { shape: node.shape, dtype: 'f32', data: out };
}

/** The first result that is not what the contract allows, in words. */
function broken(change: Change, seed: number): string | undefined {
  const { pass, before, after } = change;
  const data = dataFor(before, seed);
  const [want, got] = [results(before, data), results(after, data)];
  const same = sameness[pass.contract.changes];
  for (const [name, numbers] of Object.entries(want)) {
    // An update that went kept the variable.
    const now = got[name] ?? data.get(name)!;
    for (let i = 0; i < numbers.length; i++)
      if (!same(numbers[i], now[i]))
        return `${pass.name}: ${name}[${i}] was ${numbers[i]}, is ${now[i]}\n${printGraph(before)}\n${printGraph(after)}`;
  }
  return undefined;
}

const sameness: Record<Contract['changes'], (a: number, b: number) => boolean> = {
  nothing: Object.is,
  'signs of zeros': (a, b) => a === b || Object.is(a, b),
  // Told by test/property, whose bounds come from the user's order.
  rounding: () => true,
};

describe('the contract of every pass', () => {
  it('is stated, with a reason', () => {
    for (const { contract } of passes) {
      expect(Object.keys(sameness)).toContain(contract.changes);
      expect(contract.because.split(' ').length).toBeGreaterThan(5);
    }
    const rounding = passes.filter((pass) => pass.contract.changes === 'rounding').map((pass) => pass.name);
    expect(rounding).toEqual([
      ...['expand-composites', 'fold-constants', 'centred-sums', 'sparse-updates'],
      'block-attention',
    ]);
  });

  it('holds on every kind of number', () => {
    const seen = new Set<string>();
    for (const [seed, make] of graphs.entries()) {
      for (const change of changes(make())) {
        seen.add(change.pass.name);
        expect(broken(change, seed)).toBeUndefined();
      }
    }
    // Every pass had something to do.
    expect([...seen].sort()).toEqual(passes.map((pass) => pass.name).sort());
  });
});
