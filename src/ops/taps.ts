import { contiguousStrides, numel, type Shape } from '../shape.js';
import type { Value } from './op.js';
import { type Geometry, standsApart } from './spatial.js';

/** Where the kernel stands: a place of the image under a place of the kernel, and the position of the result. */
interface Taps {
  readonly places: Int32Array;
  readonly kernel: Int32Array;
  readonly positions: Int32Array;
}

/** All pairs of a position and a place of the kernel that see an image of these places, not the room around it. */
function tapsOf(places: Shape, kernel: Shape, positions: Shape, geometry: Geometry): Taps {
  const { strides, dilations, before } = geometry;
  const [ofPlaces, ofKernel, ofPositions] = [places, kernel, positions].map(contiguousStrides);
  let all = [{ place: 0, tap: 0, position: 0 }];
  for (let axis = 0; axis < places.length; axis++) {
    const next: typeof all = [];
    for (const { place, tap, position } of all) {
      for (let p = 0; p < positions[axis]; p++) {
        for (let k = 0; k < kernel[axis]; k++) {
          const at = p * strides[axis] + k * dilations[axis] - before[axis];
          if (at < 0 || at >= places[axis]) continue;
          next.push({
            place: place + at * ofPlaces[axis],
            tap: tap + k * ofKernel[axis],
            position: position + p * ofPositions[axis],
          });
        }
      }
    }
    all = next;
  }
  return {
    places: Int32Array.from(all, ({ place }) => place),
    kernel: Int32Array.from(all, ({ tap }) => tap),
    positions: Int32Array.from(all, ({ position }) => position),
  };
}

interface Convolution {
  readonly x: Value;
  readonly w: Value;
  readonly y: Value;
}

/**
 * Makes one of the three of a convolution from the other two: each product of two goes to the sum of the third. Sums are kept
 * in double precision and rounded once.
 */
export function eachProduct(
  made: keyof Convolution,
  { x, w, y }: Convolution,
  { groups, ...geometry }: Geometry & { groups: number },
): void {
  const [channels, out] = [x.shape.at(-1)!, w.shape.at(-1)!];
  const [each, filters] = [channels / groups, out / groups];
  const taps = tapsOf(x.shape.slice(1, -1), w.shape.slice(0, -2), y.shape.slice(1, -1), geometry);
  const result = { x, w, y }[made];
  const sums = new Float64Array(result.data.length);
  const row = ROWS[made](x.data, w.data, y.data, sums);
  const batches = x.shape[0];
  const [image, answer] = [x, y].map(({ data }) => (batches ? data.length / batches : 0));
  for (let b = 0; b < batches; b++) {
    for (let i = 0; i < taps.places.length; i++) {
      const xAt = b * image + taps.places[i] * channels;
      const wAt = taps.kernel[i] * each * out;
      const yAt = b * answer + taps.positions[i] * out;
      for (let g = 0; g < groups; g++)
        for (let c = 0; c < each; c++)
          row(xAt + g * each + c, wAt + c * out + g * filters, yAt + g * filters, filters);
    }
  }
  zeroProducts(made, { x, w, y }, sums, taps, { groups, ...geometry });
  result.data.set(sums);
}

/**
 * Compiled code reads zeros around the image, and between positions that are spread back: there 0 times Infinity or NaN is NaN,
 * and so it is here.
 */
function zeroProducts(
  made: keyof Convolution,
  { x, w, y }: Convolution,
  sums: Float64Array,
  taps: Taps,
  { groups, ...geometry }: Geometry & { groups: number },
): void {
  const kernel = w.shape.slice(0, -2);
  if (made === 'x' && standsApart(kernel, geometry)) return;
  const other = made === 'w' ? y : w;
  if (other.data.every(Number.isFinite)) return;
  const [channels, out] = [x.shape.at(-1)!, w.shape.at(-1)!];
  const [each, filters] = [channels / groups, out / groups];
  const batches = x.shape[0];
  const wild = (at: number) => !Number.isFinite(other.data[at]);
  const spoil = (result: Value, at: number) => {
    for (let b = 0; b < batches; b++) sums[(b * result.data.length) / batches + at] = Number.NaN;
  };
  const seen = made === 'x' ? { at: taps.places, of: x } : { at: taps.positions, of: y };
  const count = numel(kernel);
  const hits = new Set(Array.from(seen.at, (at, i) => at * count + taps.kernel[i]));
  for (let pair = 0; pair < numel(seen.of.shape.slice(1, -1)) * count; pair++) {
    if (hits.has(pair)) continue;
    const [at, tap] = [Math.floor(pair / count), pair % count];
    for (let c = 0; c < each; c++) {
      for (let o = 0; o < out; o++) {
        const filter = (tap * each + c) * out + o;
        if (made === 'w') {
          for (let b = 0; b < batches; b++)
            if (wild((b * y.data.length) / batches + at * out + o)) sums[filter] = Number.NaN;
        } else if (wild(filter)) {
          if (made === 'y') spoil(y, at * out + o);
          else spoil(x, at * channels + Math.floor(o / filters) * each + c);
        }
      }
    }
  }
}

type Elements = Value['data'];
/** One element of x, and as many filters and channels of y as there are in a group. */
type Row = (x: number, w: number, y: number, n: number) => void;

const ROWS: Record<keyof Convolution, (x: Elements, w: Elements, y: Elements, sums: Float64Array) => Row> = {
  y: (x, w, _, sums) => (xAt, wAt, yAt, n) => {
    const value = x[xAt];
    for (let j = 0; j < n; j++) sums[yAt + j] += value * w[wAt + j];
  },
  x: (_, w, y, sums) => (xAt, wAt, yAt, n) => {
    let total = 0;
    for (let j = 0; j < n; j++) total += w[wAt + j] * y[yAt + j];
    sums[xAt] += total;
  },
  w: (x, _, y, sums) => (xAt, wAt, yAt, n) => {
    const value = x[xAt];
    for (let j = 0; j < n; j++) sums[wAt + j] += value * y[yAt + j];
  },
};
