import { describe, expect, it } from 'vitest';
import { conv2d, f32, init, nn, optim, type Tensor, trace, trainStep } from '../../src/index.js';
import { optimize } from '../../src/optimize/index.js';
import type { Eager } from '../../src/tape/tape.js';
import { fill } from '../ops/cases.js';
import { leaf } from '../ops/run.js';

const filled = (shape: number[], seed = 1) =>
  leaf({ shape, dtype: 'f32' }, fill({ shape, dtype: 'f32' }, seed));
const values = (t: unknown) => Array.from((t as Eager).data);
const shapes = (model: unknown) =>
  Object.fromEntries([...nn.namedVariables(model)].map(([name, { shape }]) => [name, shape]));

/** Uses a model once, after its initializers have run. */
function session(model: nn.Module, x: number[]) {
  const step = trainStep({
    model,
    batch: { x: f32(...x) },
    loss: (m, batch) => m(batch.x).square().mean(),
    optimizer: optim.sgd(),
    predict: { inputs: { x: f32(...x) }, output: (m, inputs) => m(inputs.x) },
  });
  return step.interpret({ seed: 3 } as object);
}

describe('convolution layers', () => {
  it('own filters with the channels last, or as PyTorch has them', () => {
    expect(shapes(nn.conv2d(4, 6, [3, 2], { groups: 2 }))).toEqual({ weight: [3, 2, 2, 6], bias: [6] });
    expect(shapes(nn.conv2d(4, 6, [3, 2], { groups: 2, channelsFirst: true }))).toEqual({
      weight: [6, 2, 3, 2],
      bias: [6],
    });
    expect(shapes(nn.convTranspose2d(4, 6, 3, { groups: 2, bias: false }))).toEqual({ weight: [3, 3, 3, 4] });
    expect(shapes(nn.conv1d(4, 6, 5))).toEqual({ weight: [5, 4, 6], bias: [6] });
    expect(shapes(nn.convTranspose1d(4, 6, 5, { channelsFirst: true }))).toEqual({
      weight: [4, 6, 5],
      bias: [6],
    });
  });

  it('begin within one over the root of what a filter sees', async () => {
    for (const channelsFirst of [false, true]) {
      await using s = session(
        nn.conv2d(8, 64, 3, { channelsFirst }),
        channelsFirst ? [1, 8, 3, 3] : [1, 3, 3, 8],
      );
      const largest = Math.max(...Array.from(s.read('weight'), Math.abs));
      expect(largest).toBeLessThanOrEqual(1 / Math.sqrt(72));
      expect(largest).toBeGreaterThan(0.99 / Math.sqrt(72));
    }
  });

  it('begin with the variance that an initializer means, lie they as they may', async () => {
    const std = (list: ArrayLike<number>) =>
      Math.sqrt(Array.from(list).reduce((sum, x) => sum + x * x, 0) / list.length);
    for (const channelsFirst of [false, true]) {
      for (const [fan, count] of [
        ['in', 4 * 9],
        ['out', 64 * 9],
      ] as const) {
        const layer = nn.conv2d(4, 64, 3, { channelsFirst, weight: init.kaimingNormal({ fan }) });
        await using s = session(layer, channelsFirst ? [1, 4, 3, 3] : [1, 3, 3, 4]);
        expect(std(s.read('weight')) / Math.sqrt(2 / count)).toBeCloseTo(1, 1);
      }
    }
  });

  it('compute what the function does', async () => {
    const layer = nn.conv2d(2, 3, 3, { padding: 'same', stride: 2 });
    await using s = session(layer, [2, 5, 4, 2]);
    const x = filled([2, 5, 4, 2]);
    const [w, b] = [
      leaf({ shape: [3, 3, 2, 3], dtype: 'f32' }, s.read('weight'), 'float32'),
      leaf({ shape: [3], dtype: 'f32' }, s.read('bias'), 'float32'),
    ];
    const want = values(
      conv2d(leaf({ shape: [2, 5, 4, 2], dtype: 'f32' }, x.data, 'float32'), w, {
        padding: 'same',
        stride: 2,
        bias: b,
      }),
    );
    expect(Array.from(s.predict({ x: Float32Array.from(x.data) }) as ArrayLike<number>)).toEqual(want);
  });

  it.each<[string, () => unknown]>([
    ['conv2d: inputs must divide into 3 groups, got 4', () => nn.conv2d(4, 6, 3, { groups: 3 })],
    ['conv2d: outputs must divide into 2 groups, got 5', () => nn.conv2d(4, 5, 3, { groups: 2 })],
    [
      'conv2d: kernel: expected a whole number from 1, or 2 of them, got [3, 3, 3]',
      () => nn.conv2d(4, 6, [3, 3, 3]),
    ],
    ['conv1d: there is no option outputPadding', () => nn.conv1d(4, 6, 3, { outputPadding: 1 } as object)],
    [
      'conv2d: stride: expected a whole number from 1, or 2 of them, got 0 (images.test.ts:',
      () => nn.conv2d(4, 6, 3, { stride: 0 }),
    ],
    [
      "convTranspose1d: padding: expected 'same', 'valid', a whole number from 0, or in a list one or a pair",
      () => nn.convTranspose1d(4, 6, 3, { padding: 'full' as never }),
    ],
    ['maxPool: there is no option includePadding', () => nn.maxPool(2, { includePadding: false } as object)],
    [
      'residual: expected a layer, and another one as a shortcut, got undefined',
      () => nn.residual(undefined as never),
    ],
  ])('%s', (message, make) => {
    expect(make).toThrow(message);
  });

  it('name themselves and the line where an image does not fit', () => {
    const model = nn.sequential(nn.conv2d(3, 4, 3), nn.relu());
    const step = () => session(model, [1, 2, 8, 3]);
    expect(step).toThrow(
      /^conv2d: the kernel \[3, 3\] is larger than the image \[2, 8\], in layers\.0 \(conv2d\) \(images\.test\.ts:\d+\)$/,
    );
  });
});

describe('batchNorm', () => {
  it('takes statistics over all but the channels, lie they last or first', async () => {
    const x = filled([4, 5, 3, 2]);
    await using last = session(nn.batchNorm(2), [4, 5, 3, 2]);
    await using first = session(nn.batchNorm(2, { channelsFirst: true }), [4, 2, 5, 3]);
    last.step({ lr: 0, batch: { x: Float32Array.from(x.data) } });
    first.step({ lr: 0, batch: { x: Float32Array.from(values(x.transpose([0, 3, 1, 2]))) } });
    const column = values(x).filter((_, i) => i % 2 === 1);
    const mean = column.reduce((a, b) => a + b, 0) / column.length;
    const unbiased = column.reduce((sum, v) => sum + (v - mean) ** 2, 0) / (column.length - 1);
    for (const s of [last, first]) {
      expect(s.read('runningMean')[1]).toBeCloseTo(0.1 * mean, 6);
      expect(s.read('runningVariance')[1]).toBeCloseTo(0.9 + 0.1 * unbiased, 6);
    }
  });

  it('refuses an image of other channels', () => {
    expect(() => session(nn.batchNorm(3), [2, 4, 4, 2])).toThrow(
      'batchNorm(3): expected [batch, ...places, 3], got [2, 4, 4, 2]',
    );
    expect(() => session(nn.batchNorm(3, { channelsFirst: true }), [2, 4, 4, 3])).toThrow(
      'batchNorm(3): expected [batch, 3, ...places], got [2, 4, 4, 3]',
    );
  });

  it('leaves a bias before it where it was, since nothing depends on it', async () => {
    const model = nn.sequential(nn.conv2d(2, 3, 3), nn.batchNorm(3), nn.relu());
    const step = trainStep({
      model,
      batch: { x: f32(3, 5, 5, 2) },
      loss: (m, { x }) => m(x).square().mean(),
      optimizer: optim.adam(),
    });
    const graph = optimize(step.program.entries.train);
    const { value } = graph.updates.find(({ variable }) => variable.attrs.name === 'layers.0.bias')!;
    const sums = (node: typeof value, seen = new Set<unknown>()): number => {
      if (seen.has(node)) return 0;
      seen.add(node);
      return node.inputs.reduce((n, input) => n + sums(input, seen), node.op.name === 'sum' ? 1 : 0);
    };
    expect(sums(value)).toBe(0);
  });
});

it('a sum of what had its mean taken off is 0, of other means it is not', () => {
  const sums = (f: (x: Tensor) => Tensor) => {
    const graph = optimize(trace('centred', { x: f32(4, 3) }, ({ x }) => ({ y: f(x) })));
    return graph.nodes.filter(({ op }) => op.name === 'sum').length;
  };
  expect(sums((x) => x.sub(x.mean(0)).sum(0))).toBe(0);
  expect(sums((x) => x.sub(x.mean(0)).sum())).toBe(0);
  expect(sums((x) => x.mean(0).neg().add(x).sum(0))).toBe(0);
  expect(sums((x) => x.sub(x.mean(1, { keepDims: true })).sum(1))).toBe(0);
  expect(sums((x) => x.sub(x.mean(0)).sum(1))).toBeGreaterThan(1);
  expect(sums((x) => x.add(x.mean(0)).sum(0))).toBeGreaterThan(1);
  expect(sums((x) => x.sub(x.sum(0).mul(0.5)).sum(0))).toBeGreaterThan(1);
  expect(sums((x) => x.square().sub(x.mean(0)).sum(0))).toBeGreaterThan(1);
});

describe('residual', () => {
  it('adds its input, or what a shortcut makes of it', () => {
    const x = filled([1, 4, 4, 2]);
    const same = nn.residual(nn.layer({}, (t) => t.mul(2)));
    expect(values(same(x))).toEqual(values(x).map((v) => 3 * v));
    const halved = nn.residual(nn.maxPool(2), nn.avgPool(2));
    expect(halved(x).shape).toEqual([1, 2, 2, 2]);
    expect(() => nn.residual(nn.maxPool(2))(x)).toThrow(
      'residual: the layers make [1, 2, 2, 2], the input is [1, 4, 4, 2]: give a shortcut that makes the same',
    );
  });
});
