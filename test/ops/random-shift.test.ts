import { describe, expect, it } from 'vitest';
import { randomShift, tensor } from '../../src/index.js';
import { philoxUniform } from '../../src/random/philox.js';
import type { Eager } from '../../src/tape/tape.js';
import { f32 } from '../../src/train/step.js';
import { type Composed, testComposed } from './composed.js';
import { onTape, refusal } from './run.js';

/** The shift of an image along an axis, in numbers of any size: from -by to by, by the leading bits of one draw. */
function drawn(image: number, axis: number, axes: number, by: number, step: number, key: number): number {
  const n = 2 * by + 1;
  const bits = 24 - Math.ceil(Math.log2(n));
  const leading = BigInt(Math.floor(philoxUniform(key, image * axes + axis, step) * 2 ** bits));
  return by - Number((leading * BigInt(n)) >> BigInt(bits));
}

interface Case {
  name: string;
  shape: number[];
  by: number | number[];
  step: number;
  key: number;
  channelsFirst?: boolean;
}

function composed({ name, shape, by, step, key, channelsFirst = false }: Case): Composed {
  const first = channelsFirst ? 2 : 1;
  const axes = shape.length - 2;
  const each = typeof by === 'number' ? new Array(axes).fill(by) : by;
  return {
    name,
    inputs: { x: f32(...shape) },
    f: ({ x }) => randomShift(x, by, { step, key, channelsFirst }),
    shape,
    want(at, read) {
      const from = [...at];
      for (let axis = 0; axis < axes; axis++)
        from[first + axis] -= drawn(at[0], axis, axes, each[axis], step, key);
      return from.every((i, axis) => i >= 0 && i < shape[axis]) ? read('x', ...from) : 0;
    },
  };
}

describe('random shifts of images', () => {
  testComposed(
    [
      { name: 'of gray images', shape: [9, 7, 6, 1], by: 2, step: 3, key: 77 },
      { name: 'of colored ones', shape: [4, 5, 5, 3], by: 1, step: 0, key: -5 },
      { name: 'one number for each axis', shape: [5, 6, 4, 2], by: [0, 3], step: 1, key: 12 },
      { name: 'with channels first', shape: [4, 3, 5, 6], by: [3, 1], step: 9, key: 1, channelsFirst: true },
      { name: 'of signals', shape: [31, 33, 2], by: 32, step: 4, key: 2 ** 31 - 1 },
      { name: 'of volumes', shape: [3, 4, 3, 4, 1], by: 2, step: 4, key: 8 },
      { name: 'by nothing', shape: [3, 4, 4, 1], by: 0, step: 4, key: 8 },
      {
        name: 'of one image of one place in one direction',
        shape: [1, 1, 5, 1],
        by: [0, 4],
        step: 2,
        key: 3,
      },
      { name: 'of no image', shape: [0, 4, 4, 1], by: 1, step: 2, key: 3 },
    ].map(composed),
  );

  it('are as often one as another, and no image goes with the next', () => {
    const n = 20_000;
    const x = tensor(Array.from({ length: n }, () => [0, 0, 0, 1, 0, 0, 0])).reshape([n, 7, 1]);
    const moved = onTape('float32', () => randomShift(x, 3, { step: 1, key: 9 }) as Eager).data;
    const places = Array.from({ length: n }, (_, i) => moved.subarray(7 * i, 7 * i + 7).indexOf(1));
    const counts = places.reduce((of, place) => of.with(place, of[place] + 1), new Array(7).fill(0));
    const std = Math.sqrt((n * 6) / 49);
    for (const count of counts) expect(Math.abs(count - n / 7)).toBeLessThan(5 * std);
    const alike = places.filter((place, i) => place === places[i - 1]).length;
    expect(Math.abs(alike - n / 7)).toBeLessThan(5 * std);
  });

  it('are the same in float32 and float64, though a product of draws would be rounded in one', () => {
    // A draw whose product with 2 by + 1 lies closer below a whole number than float32 can tell.
    const by = 1000;
    const close = Array.from({ length: 1e5 }, (_, i) => i).find((step) => {
      const product = philoxUniform(9, 0, step) * (2 * by + 1);
      return Math.floor(Math.fround(product)) !== Math.floor(product);
    })!;
    expect(close).toBeDefined();
    const x = Array.from({ length: by + 1 }, (_, i) => i + 1);
    const moved = (['float32', 'float64'] as const).map((precision) =>
      onTape(precision, () =>
        Array.from(
          (randomShift(tensor(x).reshape([1, by + 1, 1]), by, { step: close, key: 9 }) as Eager).data,
        ),
      ),
    );
    expect(moved[0]).toEqual(moved[1]);
    expect(moved[0].indexOf(1) - moved[0].findIndex((v) => v > 0)).toBeGreaterThanOrEqual(-1);
  });

  it('move what is not a number with its image', () => {
    const x = tensor([[[Number.NaN], [1], [2]]]);
    const shifts = [0, 1, 2, 3, 4, 5].map((step) =>
      Array.from((randomShift(x, 1, { step, key: 4 }) as Eager).data),
    );
    expect(shifts).toContainEqual([0, Number.NaN, 1]);
    expect(shifts).toContainEqual([1, 2, 0]);
  });

  it.each<[string, () => unknown]>([
    [
      'randomShift: expected an image [batch, ...places, channels], got [2, 3] (random-shift.test.ts:',
      () =>
        randomShift(
          tensor([
            [1, 2, 3],
            [1, 2, 3],
          ]),
          1,
          { step: 0, key: 0 },
        ),
    ],
    [
      'randomShift: a shift by up to 3 moves an image of [4, 3] places out of sight (random-shift.test.ts:',
      () => randomShift(zeros(2, 4, 3, 1), 3, { step: 0, key: 0 }),
    ],
    [
      'randomShift: by: expected a whole number from 0, or 2 of them, got -1 (random-shift.test.ts:',
      () => randomShift(zeros(2, 4, 3, 1), -1, { step: 0, key: 0 }),
    ],
    ['got [1, 1, 1]', () => randomShift(zeros(2, 4, 3, 1), [1, 1, 1], { step: 0, key: 0 })],
    ['randomShift: there is no option seed', () => randomShift(zeros(2, 4, 3, 1), 1, { seed: 0 } as never)],
  ])('are refused: %s', (message, f) => {
    expect(refusal(f)).toContain(message);
  });
});

const zeros = (...shape: number[]) =>
  tensor(new Array(shape.reduce((a, b) => a * b, 1)).fill(0)).reshape(shape);
