import { type Array_, build, type Index, type Result, read } from './arrays.js';

// What windows and convolutions mean, element by element.

type Lists = Record<'axes' | 'sizes' | 'strides' | 'dilations' | 'lengths' | 'before' | 'after', number[]>;

/** Which element each place of a window has. */
const seen = (at: Index, rank: number, { axes, strides, dilations }: Lists): Index => {
  const place = at.slice(0, rank);
  axes.forEach((axis, i) => {
    place[axis] = at[axis] * strides[i] + at[rank + i] * dilations[i];
  });
  return place;
};

function windowed(x: Array_, attrs: Lists): Result {
  const { axes, sizes, strides, dilations } = attrs;
  // As many as begin so that the last element is still there.
  const counts = x.shape.map((n, axis) => {
    const i = axes.indexOf(axis);
    if (i < 0) return n;
    let count = 0;
    while (count * strides[i] + (sizes[i] - 1) * dilations[i] < n) count++;
    return count;
  });
  return build([...counts, ...sizes], (at) => read(x, seen(at, x.shape.length, attrs)));
}

function overlapped(g: Array_, attrs: Lists): Result {
  const shape = g.shape.slice(0, g.shape.length - attrs.axes.length);
  attrs.axes.forEach((axis, i) => {
    shape[axis] = attrs.lengths[i];
  });
  const out = build(shape, () => 0);
  build(g.shape, (at) => {
    const place = seen(at, shape.length, attrs);
    out.data[place.reduce((flat, i, axis) => flat * shape[axis] + i, 0)] += read(g, at);
    return 0;
  });
  return out;
}

type Three = Record<'x' | 'w' | 'y', { shape: number[]; data: ArrayLike<number> }>;

/** All products x w of a convolution, each added to the y that it is for; or x y to w, or w y to x. */
function convolved(
  made: 'x' | 'w' | 'y',
  given: Partial<Three>,
  shape: number[],
  attrs: Lists & { groups: number },
): Result {
  const out = build(shape, () => 0);
  const { x, w, y } = { ...given, [made]: out } as Three;
  const { strides, dilations, before, groups } = attrs;
  const flat = (of: { shape: number[] }, at: Index) =>
    at.reduce((sum, i, axis) => sum * of.shape[axis] + i, 0);
  build(y.shape, (at) => {
    build(w.shape.slice(0, -1), (tap) => {
      const [kernel, c, o] = [tap.slice(0, -1), tap.at(-1)!, at.at(-1)!];
      const place = kernel.map((k, i) => at[i + 1] * strides[i] + k * dilations[i] - before[i]);
      if (place.some((p, i) => p < 0 || p >= x.shape[i + 1])) return 0;
      const group = Math.floor((o * groups) / w.shape.at(-1)!);
      const index = {
        x: flat(x, [at[0], ...place, group * w.shape.at(-2)! + c]),
        w: flat(w, [...tap, o]),
        y: flat(y, at),
      };
      const [p, q] = (['x', 'w', 'y'] as const).filter((name) => name !== made);
      const all = { x, w, y };
      out.data[index[made]] += all[p].data[index[p]] * all[q].data[index[q]];
      return 0;
    });
    return 0;
  });
  return out;
}

/** Positions of a kernel along each axis of an image. */
const positions = (image: number[], kernel: number[], { strides, dilations, before, after }: Lists) =>
  image.map(
    (n, i) => Math.floor((before[i] + n + after[i] - (kernel[i] - 1) * dilations[i] - 1) / strides[i]) + 1,
  );

type Attributes = Lists & { groups: number };

export const windowRules = {
  window: ([x]: Array_[], attrs: Attributes) => windowed(x, attrs),
  overlap_add: ([g]: Array_[], attrs: Attributes) => overlapped(g, attrs),
  convolution([x, w]: Array_[], attrs: Attributes) {
    const around = positions(x.shape.slice(1, -1), w.shape.slice(0, -2), attrs);
    return convolved('y', { x, w }, [x.shape[0], ...around, w.shape.at(-1)!], attrs);
  },
  convolution_input: ([y, w]: Array_[], attrs: Attributes) =>
    convolved('x', { y, w }, [y.shape[0], ...attrs.sizes, w.shape.at(-2)! * attrs.groups], attrs),
  convolution_filters: ([x, y]: Array_[], attrs: Attributes) =>
    convolved('w', { x, y }, [...attrs.sizes, x.shape.at(-1)! / attrs.groups, y.shape.at(-1)!], attrs),
};
