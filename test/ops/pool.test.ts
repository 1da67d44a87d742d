import { describe, expect, it } from 'vitest';
import {
  avgPool,
  convTranspose1d,
  convTranspose2d,
  globalMean,
  gradients,
  maxPool,
  tensor,
} from '../../src/index.js';
import type { Eager } from '../../src/tape/tape.js';
import { fill } from './cases.js';
import { leaf, refusal } from './run.js';

// Beside test/ops/images.test.ts, which follows PyTorch.

const filled = (shape: number[], seed = 1) =>
  leaf({ shape, dtype: 'f32' }, fill({ shape, dtype: 'f32' }, seed));
const values = (t: unknown) => Array.from((t as Eager).data);

describe('the largest of a window', () => {
  it('sends its gradient to the first of those that are equal, by rows', () => {
    const x = tensor(
      [
        [
          [[1], [2], [2]],
          [[2], [2], [0]],
          [[2], [1], [0]],
        ],
      ],
      { requiresGrad: true },
    );
    const y = maxPool(x, 2, { stride: 1 });
    expect(values(y)).toEqual([2, 2, 2, 2]);
    expect(values(gradients(y.sum(), [x])[0])).toEqual([0, 2, 0, 1, 1, 0, 0, 0, 0]);
  });

  it('is none of the padding', () => {
    const x = tensor([[[-3], [-1], [-2]]]);
    expect(values(maxPool(x, 3, { stride: 1, padding: 1 }))).toEqual([-1, -1, -1]);
    expect(values(maxPool(x, 2, { padding: 'same' }))).toEqual([-1, -2]);
  });

  it('is NaN where one element is', () => {
    expect(values(maxPool(tensor([[[1], [Number.NaN], [3], [4]]]), 2))).toEqual([Number.NaN, 4]);
  });
});

it('a mean counts the padding, or leaves it out', () => {
  const x = tensor([[[6], [3], [9]]]);
  expect(values(avgPool(x, 3, { stride: 2, padding: 1 }))).toEqual([3, 4]);
  const without = values(avgPool(x, 3, { stride: 2, padding: 1, includePadding: false }));
  [4.5, 6].forEach((want, i) => {
    expect(without[i]).toBeCloseTo(want, 6);
  });
});

it('the mean of all places is one number for each channel, lie they last or first', () => {
  const x = filled([2, 3, 4, 5]);
  expect(globalMean(x).shape).toEqual([2, 5]);
  expect(globalMean(x, { channelsFirst: true }).shape).toEqual([2, 3]);
  expect(values(globalMean(x, { channelsFirst: true }))).toEqual(values(x.mean([2, 3])));
});

it.each([
  [5, 2, 5, 10],
  [2, 3, 4, 12],
  [3, 1, 4, 4],
])(
  'a transposed convolution with same, of a kernel of %i in steps of %i, makes %i places %i',
  (kernel, stride, n, want) => {
    const y = convTranspose1d(filled([1, n, 2]), filled([kernel, 3, 2]), { stride, padding: 'same' });
    expect(y.shape).toEqual([1, want, 3]);
  },
);

const image = () => filled([1, 5, 6, 4]);
it.each<[string, () => unknown, string]>([
  [
    'windows larger than the image',
    () => maxPool(image(), [6, 2]),
    'ShapeError: maxPool: the kernel [6, 2] is larger than the image [5, 6]',
  ],
  [
    'a stride of 0',
    () => avgPool(image(), 2, { stride: 0 }),
    'OptionError: avgPool: stride: expected a whole number from 1, or 2 of them, got 0',
  ],
  [
    'windows of no place',
    () => maxPool(image(), 0),
    'OptionError: maxPool: size: expected a whole number from 1, or 2 of them, got 0',
  ],
  [
    'padding that fills windows',
    () => maxPool(image(), 2, { padding: 2 }),
    'ShapeError: maxPool: padding 2 is more than half of the window [2, 2], so that some would see nothing else',
  ],
  [
    'no image',
    () => globalMean(filled([3, 4])),
    'ShapeError: globalMean: expected an image [batch, ...places, channels], got [3, 4]',
  ],
  [
    'other channels',
    () => convTranspose2d(image(), filled([3, 3, 4, 2])),
    'ShapeError: convTranspose2d: the image has 4 channels, the filters take 2: image [1, 5, 6, 4], filters [3, 3, 4, 2]',
  ],
  [
    'channels not divisible by groups',
    () => convTranspose2d(image(), filled([3, 3, 2, 4]), { groups: 3 }),
    'ShapeError: convTranspose2d: 4 channels do not divide into 3 groups',
  ],
  [
    'much output padding',
    () => convTranspose2d(image(), filled([3, 3, 2, 4]), { stride: 2, outputPadding: 2 }),
    'OptionError: convTranspose2d: outputPadding must be less than the stride or the dilation, 2, got 2',
  ],
  [
    'padding that leaves nothing',
    () => convTranspose1d(filled([1, 2, 4]), filled([2, 2, 4]), { padding: 2 }),
    'ShapeError: convTranspose1d: padding leaves nothing of [3] places',
  ],
])('%s are refused with the line', (_, f, message) => {
  const error = refusal(f);
  expect(error).toContain(message);
  expect(error).toMatch(/\(pool\.test\.ts:\d+\)$/);
});
