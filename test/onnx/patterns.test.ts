import { describe, expect, it } from 'vitest';
import { evaluateGraph } from '../../src/graph/evaluate.js';
import { type Graph, inputAttrs } from '../../src/graph/graph.js';
import {
  attention,
  attentionWeights,
  f32,
  logSoftmax,
  maxPool,
  maxWithIndex,
  nn,
  reshape,
  softmax,
  type Tensor,
  tensor,
  trace,
  transpose,
  tril,
  where,
  window,
} from '../../src/index.js';
import { onnxOf } from '../../src/onnx/export.js';
import { fill } from '../ops/cases.js';
import { furthest, opsOf, runOnnx } from './runtime.js';

// Which parts of a graph become ops of their own, and that these compute the same.

type Made = Record<string, Tensor>;

/** The ops of a function in ONNX; what they make is what it makes here. */
async function opsFor(
  types: Parameters<typeof trace>[1],
  f: (inputs: Record<string, Tensor>) => Made,
): Promise<Record<string, number>> {
  const graph = trace('g', types, f as never) as unknown as Graph;
  const given = graph.inputs.map((node, i) => {
    const { name } = inputAttrs(node);
    return [name, { shape: node.shape, dtype: node.dtype, data: fill(node as never, i + 1) }] as const;
  });
  const inputs = Object.fromEntries(given);
  const numbers = Object.fromEntries(given.map(([name, { data }]) => [name, data]));
  const wanted = evaluateGraph(graph, numbers, {}).outputs;
  const written = onnxOf(graph, { read: () => [] });
  const made = await runOnnx(written, inputs);
  for (const [own, { data, shape }] of Object.entries(wanted)) {
    const name = own in inputs ? `${own}.out` : own;
    expect([name, [...made[name].shape]]).toEqual([name, [...shape]]);
    expect([name, furthest(made[name].data, data) < 1e-5]).toEqual([name, true]);
  }
  return opsOf(written);
}

const heads = { q: f32(2, 3, 5, 4), k: f32(2, 3, 5, 4), v: f32(2, 3, 5, 6) };

describe('ops of ONNX', () => {
  it('stand for softmax along any axis, and for its logarithm', async () => {
    const ops = await opsFor({ x: f32(4, 5, 3) }, ({ x }) => ({
      last: softmax(x),
      first: softmax(x, 0),
      log: logSoftmax(x, 1),
    }));
    expect(ops).toEqual({ Softmax: 2, LogSoftmax: 1 });
  });

  it('do not where something else reads the exponentials', async () => {
    const ops = await opsFor({ x: f32(4, 5) }, ({ x }) => {
      const e = x.sub(x.max(1, { keepDims: true })).exp();
      return { p: e.div(e.sum(1, { keepDims: true })), e: e.mul(2) };
    });
    expect(ops.Softmax).toBeUndefined();
  });

  it('do not where exponentials are summed along another axis than that of the maximum', async () => {
    const ops = await opsFor({ x: f32(5, 5) }, ({ x }) => {
      const e = x.sub(x.max(1, { keepDims: true })).exp();
      return { p: e.div(e.sum(0, { keepDims: true })) };
    });
    expect(ops.Softmax).toBeUndefined();
  });

  it('stand for attention, causal or with masks', async () => {
    const plain = await opsFor(heads, ({ q, k, v }) => ({ y: attention(q, k, v) }));
    expect(plain).toEqual({ Attention: 1 });
    const causal = await opsFor(heads, ({ q, k, v }) => ({
      y: attention(q, k, v, { causal: true, scale: 0.3 }),
    }));
    expect(causal).toEqual({ Attention: 1 });
    const added = await opsFor({ ...heads, mask: f32(5, 5) }, ({ q, k, v, mask }) => ({
      y: attention(q, k, v, { mask }),
    }));
    // Which of its rows hide all keys is not known.
    expect(added.Attention).toBeUndefined();
    const nearer = Array.from({ length: 25 }, (_, i) => -Math.abs((i % 5) - Math.floor(i / 5)));
    const biased = await opsFor(heads, ({ q, k, v }) => ({
      y: attention(q, k, v, { mask: reshape(tensor(nearer), [5, 5]) }),
    }));
    expect(biased.Attention).toBe(1);
    const fewer = await opsFor({ ...heads, q: f32(2, 3, 2, 4) }, ({ q, k, v }) => ({
      y: attention(q, k, v, { causal: true }),
    }));
    expect(fewer.Attention).toBe(1);
  });

  it('do not where a query may see nothing, for which there are zeros here', async () => {
    const none = await opsFor({ ...heads, x: f32(5, 1) }, ({ q, k, v, x }) => ({
      y: attention(q, k, v, { mask: x.greater(0) }),
    }));
    expect([none.Attention, none.Softmax]).toEqual([undefined, undefined]);
  });

  it('do not where the weights of attention are looked at', async () => {
    const ops = await opsFor(heads, ({ q, k }) => ({ w: attentionWeights(q, k, { causal: true }) }));
    expect([ops.Attention, ops.Softmax]).toEqual([undefined, 1]);
  });

  it('stand for a norm of rows without gain and bias', async () => {
    const norm = nn.layerNorm(7, { affine: false });
    expect(await opsFor({ x: f32(4, 7) }, ({ x }) => ({ y: norm(x) }))).toEqual({ LayerNormalization: 1 });
  });
});

describe('the largest of windows', () => {
  const x = { x: f32(2, 9, 7, 3) };

  it('is one op along all places, with room around', async () => {
    const ops = await opsFor(x, ({ x }) => ({
      plain: maxPool(x, 2),
      padded: maxPool(x, [3, 2], { stride: [2, 1], padding: [1, 0] }),
      same: maxPool(x, 3, { stride: 1, padding: 'same' }),
      apart: maxPool(x, 2, { stride: 1, dilation: [1, 3] }),
    }));
    expect(ops).toEqual({ MaxPool: 4, Transpose: 8 });
  });

  it('is in parts where someone asks which it was', async () => {
    const ops = await opsFor(x, ({ x }) => {
      const besides = transpose(window(x, 1, 2), [0, 1, 4, 2, 3]);
      const { values, indices } = maxWithIndex(besides, 2);
      return { values, indices };
    });
    expect(ops.MaxPool).toBeUndefined();
  });
});

describe('outputs', () => {
  it('may be inputs, constants, and the same value twice', async () => {
    const ops = await opsFor({ x: f32(2, 2) }, ({ x }) => {
      const y = x.exp();
      return { y, again: y, x, where: where(tril(x).equal(0), 1, 2) };
    });
    expect(ops.Identity).toBe(2);
  });
});
