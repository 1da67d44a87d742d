import { describe, expect, it } from 'vitest';
import { conv1d, conv2d, f32, gradients, tensor, trace, window } from '../../src/index.js';
import type { Eager } from '../../src/tape/tape.js';
import { fill } from './cases.js';
import { leaf, onTape, refusal } from './run.js';

const filled = (shape: number[], seed: number) =>
  leaf({ shape, dtype: 'f32' }, fill({ shape, dtype: 'f32' }, seed));
const values = (t: unknown) => Array.from((t as Eager).data);

describe('window', () => {
  const x = tensor([0, 1, 2, 3, 4, 5, 6]);

  it('sees overlapping parts of an axis, with a new axis at the end', () => {
    const y = window(x, 0, 3);
    expect(y.shape).toEqual([5, 3]);
    expect(values(y).slice(0, 6)).toEqual([0, 1, 2, 1, 2, 3]);
  });

  it('goes in steps and leaves places out', () => {
    const y = window(x, -1, 2, { strides: 2, dilations: 3 });
    expect(y.shape).toEqual([2, 2]);
    expect(values(y)).toEqual([0, 3, 2, 5]);
  });

  it('refuses what does not fit', () => {
    expect(() => window(x, 0, 8)).toThrow(
      'window: a window of 8 does not fit into axis 0 of [7] (convolution.test.ts:',
    );
    expect(() => window(x, 0, 4, { dilations: 3 })).toThrow(
      'window: a window of 4, 3 apart, does not fit into axis 0 of [7]',
    );
    expect(() => window(x, 0, 0)).toThrow(
      'window: sizes: expected a whole number from 1, got 0 (convolution.test.ts:',
    );
    expect(() => window(x, 1, 2)).toThrow('window: axis 1 is out of range');
    expect(() => window(filled([3, 3], 1), [0, 0], [2, 2])).toThrow(
      'window: an axis is named twice in [0, 0]',
    );
    expect(() => window(filled([3, 3], 1), [0, 1], [2])).toThrow(
      'window: sizes: expected a whole number from 1, or 2 of them, got [2]',
    );
  });
});

describe('a convolution', () => {
  it('takes data and filters of PyTorch with channelsFirst', () => {
    const [x, w, bias] = [filled([2, 4, 6, 5], 1), filled([6, 2, 3, 2], 2), filled([6], 3)];
    const options = { stride: [2, 1], padding: 1, groups: 2, bias };
    onTape('float64', () => {
      const first = conv2d(x, w, { ...options, channelsFirst: true });
      const last = conv2d(x.transpose([0, 2, 3, 1]), w.transpose([2, 3, 1, 0]), options);
      expect(first.shape).toEqual([2, 6, 3, 6]);
      expect(values(first)).toEqual(values(last.transpose([0, 3, 1, 2])));
    });
  });

  it.each([
    ['same', 5, 1, 5],
    ['same', 7, 3, 3],
    ['same', 8, 3, 3],
    ['valid', 7, 2, 2],
    [[[0, 3]], 7, 2, 4],
    [[1], 7, 1, 6],
  ] as const)(
    'with padding %j over %i places in steps of %i has %i positions',
    (padding, n, stride, positions) => {
      const y = conv1d(filled([1, n, 2], 1), filled([4, 2, 3], 2), { padding: padding as 'same', stride });
      expect(y.shape).toEqual([1, positions, 3]);
    },
  );

  it('puts the odd zero of same behind the image', () => {
    const y = conv1d(tensor([[[1], [2], [3]]]), tensor([[[1]], [[10]]]), { padding: 'same' });
    expect(values(y)).toEqual([21, 32, 3]);
  });

  const image = () => filled([1, 5, 6, 4], 1);
  it.each<[string, () => unknown, string]>([
    [
      'a kernel larger than the padded image',
      () => conv2d(image(), filled([8, 3, 4, 2], 2), { padding: 1 }),
      'ShapeError: conv2d: the kernel [8, 3] is larger than the image [5, 6], padded [7, 8]',
    ],
    [
      'a dilated kernel larger than the image',
      () => conv2d(image(), filled([3, 3, 4, 2], 2), { dilation: 3 }),
      'ShapeError: conv2d: the kernel [3, 3], dilated [7, 7], is larger than the image [5, 6]',
    ],
    [
      'channels not divisible by groups',
      () => conv2d(image(), filled([3, 3, 1, 3], 2), { groups: 3 }),
      'ShapeError: conv2d: 4 channels do not divide into 3 groups: image [1, 5, 6, 4], filters [3, 3, 1, 3]',
    ],
    [
      'results not divisible by groups',
      () => conv2d(image(), filled([3, 3, 2, 3], 2), { groups: 2 }),
      'ShapeError: conv2d: 3 channels of the result do not divide into 2 groups: image [1, 5, 6, 4], filters [3, 3, 2, 3]',
    ],
    [
      'other channels',
      () => conv2d(image(), filled([3, 3, 3, 2], 2)),
      'ShapeError: conv2d: the image has 4 channels, the filters take 3: image [1, 5, 6, 4], filters [3, 3, 3, 2]',
    ],
    [
      'other channels of a group',
      () => conv2d(image(), filled([3, 3, 4, 2], 2), { groups: 2 }),
      'ShapeError: conv2d: the image has 4 channels, 2 in each of 2 groups, the filters take 4',
    ],
    [
      'a stride of 0',
      () => conv2d(image(), filled([3, 3, 4, 2], 2), { stride: 0 }),
      'OptionError: conv2d: stride: expected a whole number from 1, or 2 of them, got 0',
    ],
    [
      'a stride of 0 in one dimension',
      () => conv1d(filled([1, 5, 4], 1), filled([3, 4, 2], 2), { stride: 0 }),
      'OptionError: conv1d: stride: expected a whole number from 1, got 0',
    ],
    [
      'a dilation of a half',
      () => conv2d(image(), filled([3, 3, 4, 2], 2), { dilation: [1, 0.5] }),
      'OptionError: conv2d: dilation: expected a whole number from 1, or 2 of them, got [1, 0.5]',
    ],
    [
      '0 groups',
      () => conv2d(image(), filled([3, 3, 4, 2], 2), { groups: 0 }),
      'OptionError: conv2d: groups: expected a whole number from 1, got 0',
    ],
    [
      'negative padding',
      () => conv2d(image(), filled([3, 3, 4, 2], 2), { padding: -1 }),
      "OptionError: conv2d: padding: expected 'same', 'valid', a whole number from 0, or for each of the 2 axes one or a pair [before, after], got -1",
    ],
    ['padding of another rank', () => conv2d(image(), filled([3, 3, 4, 2], 2), { padding: [1] }), 'got [1]'],
    [
      'an image of another rank',
      () => conv2d(filled([5, 6, 4], 1), filled([3, 3, 4, 2], 2)),
      'ShapeError: conv2d: expected an image [batch, height, width, channels] and filters [kernelHeight, kernelWidth, channels, out]: image [5, 6, 4], filters [3, 3, 4, 2]',
    ],
    [
      'a bias of another size',
      () => conv2d(image(), filled([3, 3, 4, 2], 2), { bias: filled([4], 3) }),
      'ShapeError: conv2d: expected a bias [2], one for each channel, got [4]',
    ],
    [
      'integers',
      () => conv2d(image().cast('i32'), filled([3, 3, 4, 2], 2)),
      'DTypeError: conv2d: takes f32, not i32[1,5,6,4]',
    ],
    [
      'a kernel of no places',
      () => conv2d(image(), filled([0, 3, 4, 2], 2)),
      'ShapeError: conv2d: the kernel [0, 3] has no places along an axis: image [1, 5, 6, 4], filters [0, 3, 4, 2]',
    ],
    [
      'padding that is no number',
      () => conv2d(image(), filled([3, 3, 4, 2], 2), { padding: Number.NaN }),
      'got NaN',
    ],
    [
      'an unknown option',
      () => conv2d(image(), filled([3, 3, 4, 2], 2), { strides: 2 } as object),
      'OptionError: conv2d: there is no option strides: did you mean stride?',
    ],
  ])('refuses %s', (_, f, message) => {
    const error = refusal(f);
    expect(error).toContain(message);
    expect(error).toMatch(/\(convolution\.test\.ts:\d+\)$/);
  });

  it('adds up no overlapping windows for its gradients', () => {
    const graph = trace('gradients', { x: f32(2, 9, 8, 3), w: f32(3, 3, 3, 4) }, ({ x, w }) => {
      const [dx, dw] = gradients(conv2d(x, w, { stride: 2, padding: 1 }).square().sum(), [x, w]);
      return { dx: dx!, dw: dw! };
    });
    const ops = new Set(graph.nodes.map(({ op }) => op.name));
    expect([...ops].filter((name) => name.startsWith('convolution')).sort()).toEqual([
      'convolution',
      'convolution_filters',
      'convolution_input',
    ]);
    expect(ops).not.toContain('overlap_add');
  });
});
