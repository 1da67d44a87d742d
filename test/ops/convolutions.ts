import type { Attrs } from '../../src/ops/op.js';

/** Shape and windows: axes, sizes, strides, dilations. */
const WINDOWS: [number[], number[], number[], number[], number[]][] = [
  [[7], [0], [3], [1], [1]],
  [[8], [0], [2], [2], [1]],
  [[9], [0], [2], [3], [1]],
  [[33], [0], [4], [1], [2]],
  [[5], [0], [5], [1], [1]],
  [[5], [0], [1], [2], [3]],
  [[2, 7, 3], [1], [3], [2], [1]],
  [[3, 5], [1], [2], [1], [3]],
  [
    [2, 5, 6, 3],
    [1, 2],
    [3, 2],
    [1, 2],
    [1, 1],
  ],
  [
    [1, 6, 5, 4],
    [2, 1],
    [3, 3],
    [2, 1],
    [1, 2],
  ],
  [
    [4, 4, 4],
    [0, 1, 2],
    [2, 3, 1],
    [1, 1, 3],
    [2, 1, 1],
  ],
  [[0, 4], [1], [2], [1], [1]],
];

const floats = (...shapes: number[][]) => shapes.map((shape) => ({ shape, dtype: 'f32' as const }));

export const windowCases = [
  ...WINDOWS.map(([shape, axes, sizes, strides, dilations]) => ({
    inputs: floats(shape),
    attrs: { axes, sizes, strides, dilations },
  })),
  {
    inputs: [{ shape: [5, 3], dtype: 'i32' as const }],
    attrs: { axes: [0], sizes: [2], strides: [1], dilations: [1] },
  },
];

const counted = (n: number, size: number, stride: number, dilation: number) =>
  Math.floor((n - (size - 1) * dilation - 1) / stride) + 1;

export const overlapCases = WINDOWS.map(([shape, axes, sizes, strides, dilations]) => {
  const windows = [...shape];
  axes.forEach((axis, i) => {
    windows[axis] = counted(shape[axis], sizes[i], strides[i], dilations[i]);
  });
  return {
    inputs: floats([...windows, ...sizes]),
    attrs: { axes, strides, dilations, lengths: axes.map((axis) => shape[axis]) },
  };
});

interface Case {
  image: number[];
  filters: number[];
  attrs: { strides: number[]; dilations: number[]; before: number[]; after: number[]; groups: number };
}

function one(image: number[], filters: number[], options: Partial<Case['attrs']> = {}): Case {
  const each = (n: number) => image.slice(1, -1).map(() => n);
  const plain = { strides: each(1), dilations: each(1), before: each(0), after: each(0), groups: 1 };
  return { image, filters, attrs: { ...plain, ...options } };
}

const CONVOLUTIONS: Case[] = [
  one([2, 5, 5, 2], [3, 3, 2, 3]),
  one([1, 6, 5, 3], [3, 3, 3, 4], { before: [1, 1], after: [1, 1] }),
  one([2, 4, 4, 5], [1, 1, 5, 3]),
  one([1, 7, 6, 2], [1, 1, 2, 3], { strides: [2, 3] }),
  one([1, 6, 7, 2], [3, 2, 2, 2], { strides: [2, 2], before: [1, 0], after: [0, 1] }),
  one([1, 7, 7, 1], [2, 2, 1, 5], { strides: [3, 3] }),
  one([1, 6, 6, 2], [2, 2, 2, 2], { strides: [2, 2] }),
  one([1, 7, 8, 1], [3, 3, 1, 2], { dilations: [2, 3], before: [1, 2], after: [2, 0] }),
  one([1, 9, 6, 2], [2, 3, 2, 2], { strides: [3, 1], dilations: [4, 2] }),
  one([2, 5, 5, 4], [3, 3, 2, 6], { groups: 2, before: [1, 1], after: [1, 1] }),
  one([1, 5, 6, 3], [3, 2, 1, 3], { groups: 3 }),
  one([2, 6, 5, 3], [3, 3, 1, 6], { groups: 3, strides: [2, 1], before: [1, 1], after: [1, 1] }),
  one([1, 6, 6, 4], [2, 2, 2, 2], { groups: 2, strides: [2, 3] }),
  one([1, 3, 3, 2], [3, 3, 2, 2], { before: [4, 3], after: [0, 5] }),
  one([2, 9, 3], [4, 3, 2], { strides: [2], before: [1], after: [2] }),
  one([1, 33, 2], [5, 1, 4], { groups: 2, dilations: [3] }),
  one([1, 3, 4, 3, 2], [2, 2, 2, 2, 3], { strides: [1, 2, 1], before: [1, 0, 0], after: [0, 0, 1] }),
  one([0, 4, 4, 2], [3, 3, 2, 2]),
];

const positions = ({ image, filters, attrs: { strides, dilations, before, after } }: Case) =>
  image.slice(1, -1).map((n, i) => counted(before[i] + n + after[i], filters[i], strides[i], dilations[i]));
const result = (c: Case) => [c.image[0], ...positions(c), c.filters.at(-1)!];
const cases = (of: (c: Case) => { shapes: number[][]; attrs: Attrs }) =>
  CONVOLUTIONS.map((c) => ({ inputs: floats(...of(c).shapes), attrs: of(c).attrs }));

export const convolutionCases = {
  convolution: cases((c) => ({ shapes: [c.image, c.filters], attrs: c.attrs })),
  convolution_input: cases((c) => ({
    shapes: [result(c), c.filters],
    attrs: { ...c.attrs, sizes: c.image.slice(1, -1) },
  })),
  convolution_filters: cases((c) => ({
    shapes: [c.image, result(c)],
    attrs: { ...c.attrs, sizes: c.filters.slice(0, -2) },
  })),
};
