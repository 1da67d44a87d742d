import { describe, expect, it } from 'vitest';
import { DataError, type Session } from '../../src/index.js';
import { batchOf, classifier, line, points, rows, variables } from './small.js';

type Columns = Parameters<Session['data']>[0];

const xs = rows.x;
const ys = rows.y;

/** What is wrong with data for the classifier, and how it is said. */
const wrong: [string, unknown, string][] = [
  ['a missing part', { x: xs }, 'input y is missing'],
  ['an unknown part', { ...rows, z: ys }, 'there is no input z; there are x, y'],
  ['a part that is null', { x: xs, y: null }, 'y: expected an array of numbers'],
  ['a part that is a number', { x: xs, y: 3 }, 'y: expected an array of numbers'],
  [
    'an id that is too large',
    { x: Int32Array.from(xs, (v, i) => (i === 6 ? 7 : v)), y: ys },
    'x (used by gather): index 7 at position 6 is outside of 0 to 6',
  ],
  [
    'a negative id',
    { x: Int32Array.from(xs, (v, i) => (i === 3 ? -1 : v)), y: ys },
    'x (used by gather): index -1 at position 3 is outside of 0 to 6',
  ],
  [
    'a target that is too large',
    { x: xs, y: Int32Array.from(ys, (v, i) => (i === 2 ? 5 : v)) },
    'y (used by crossEntropy): index 5 at position 2 is outside of 0 to 4',
  ],
  [
    'an id that is not whole',
    { x: Array.from(xs, (v, i) => (i === 1 ? 0.5 : v)), y: ys },
    'x: 0.5 at position 1 is not a whole number of 32 bits',
  ],
  [
    'an id that is NaN',
    { x: Float32Array.from(xs, (v, i) => (i === 0 ? Number.NaN : v)), y: ys },
    'x: NaN at position 0 is not a whole number of 32 bits',
  ],
  [
    'an id beyond 32 bits',
    { x: Array.from(xs, (v, i) => (i === 0 ? 2 ** 32 : v)), y: ys },
    'x: 4294967296 at position 0 is not a whole number of 32 bits',
  ],
];

describe('data', () => {
  const set = (columns: unknown) => () =>
    classifier()
      .interpret()
      .data(columns as never);

  it.each([
    ...wrong,
    ['half a row', { x: xs.slice(0, 19), y: ys }, 'x: 19 elements are not whole rows of [2]'],
    ['no rows', { x: [], y: [] }, 'there are no rows: x and y without elements'],
    [
      'parts with other numbers of rows',
      { x: xs, y: ys.slice(0, 9) },
      'y: 9 rows of a number, but x has 10 rows of 2 numbers: the numbers of rows must be the same',
    ],
    [
      'fewer rows than a batch',
      { x: xs.slice(0, 6), y: ys.slice(0, 3) },
      'data: 3 rows are fewer than a batch of 4: give more, or make the batch smaller',
    ],
  ])('with %s is refused', (_, columns, message) => {
    expect(set(columns)).toThrow(expect.objectContaining({ message }));
    expect(set(columns)).toThrow(DataError);
  });

  it('takes as few rows as a batch has', () => {
    const session = classifier().interpret();
    session.data({ x: xs.slice(0, 8), y: ys.slice(0, 4) });
    expect(session.step({ lr: 0.1 })).toBeGreaterThan(0);
  });

  it('that is refused leaves the data from before', () => {
    const [one, two] = [classifier().interpret(), classifier().interpret()];
    for (const session of [one, two]) session.data(rows);
    expect(() => two.data({ x: xs } as never)).toThrow('input y is missing');
    expect(two.step({ lr: 0.1 })).toBe(one.step({ lr: 0.1 }));
  });

  it('takes plain arrays and other typed arrays', () => {
    const [one, two] = [classifier().interpret(), classifier().interpret()];
    one.data(rows);
    two.data({ x: Array.from(xs), y: Uint8Array.from(ys) });
    expect(two.step({ lr: 0.1 })).toBe(one.step({ lr: 0.1 }));
  });

  it('with NaN among floats is refused', () => {
    const x = points.x.slice();
    x[7] = Number.NaN;
    expect(() => line().interpret().data({ x, y: points.y })).toThrow(
      expect.objectContaining({ message: 'x: NaN at position 7 (row 3, column 1)', name: 'DataError' }),
    );
  });
});

describe('a batch', () => {
  it.each([
    ...wrong,
    [
      'too few elements',
      { x: xs.slice(0, 6), y: ys.slice(0, 4) },
      'x: expected 8 elements for [4, 2], got 6',
    ],
    ['too many elements', { x: xs.slice(0, 8), y: ys.slice(0, 5) }, 'y: expected 4 elements for [4], got 5'],
  ])('with %s is refused and changes nothing', (_, columns, message) => {
    const session = classifier().interpret();
    const before = variables(session);
    const cut = cutToBatch(columns) as never;
    expect(() => session.step({ lr: 0.1, batch: cut })).toThrow(expect.objectContaining({ message }));
    expect(() => session.step({ lr: 0.1, batch: cut })).toThrow(DataError);
    expect(variables(session)).toEqual(before);
    expect(session.at).toBe(0);
  });

  /** The first four rows of parts that have ten. */
  function cutToBatch(columns: unknown): Columns {
    const parts = Object.entries(columns as Columns).map(([name, all]) => {
      const width = all?.length === 20 ? 2 : 1;
      return [name, all?.length === 10 * width ? Array.from(all).slice(0, 4 * width) : all];
    });
    return Object.fromEntries(parts) as Columns;
  }
});

describe('evaluate', () => {
  it.each(wrong)('with %s is refused', (_, columns, message) => {
    expect(() =>
      classifier()
        .interpret()
        .evaluate(columns as never),
    ).toThrow(expect.objectContaining({ message }));
  });
});

describe('step', () => {
  it('without data says what to do', () => {
    expect(() => classifier().interpret().step({ lr: 0.1 })).toThrow(
      'there is no dataset: call session.data({ ... }) first, or give step a batch',
    );
  });

  it.each([-0.1, Number.NaN, Number.POSITIVE_INFINITY, undefined, '0.1'])(
    'with the learning rate %s is refused',
    (lr) => {
      const session = classifier().interpret();
      const before = variables(session);
      const options = { lr: lr as number, batch: batchOf(rows, [0, 1, 2, 3]) };
      expect(() => session.step(options)).toThrow(
        expect.objectContaining({
          message: `the learning rate must be a number from 0, got ${typeof lr === 'string' ? `"${lr}"` : lr} at step 1`,
          name: 'OptionError',
        }),
      );
      expect(variables(session)).toEqual(before);
    },
  );

  it('with the learning rate 0 moves nothing', () => {
    const session = line().interpret();
    const before = variables(session);
    session.data(points);
    session.step({ lr: 0 });
    expect(variables(session)).toEqual(before);
  });
});
