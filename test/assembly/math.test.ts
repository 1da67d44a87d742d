import { describe, expect, it } from 'vitest';
import { compileMath, erf, FUNCTIONS, instantiate, measure, ulpError } from '../../bench/ulp.js';

/** The bounds that the docstrings of assembly/math.ts state, in ulp. */
const BOUNDS: Record<string, number> = {
  exp: 1,
  log: 1,
  tanh: 6.2,
  sigmoid: 2.5,
  erf: 2.9,
  sin: 1.6,
  cos: 1.6,
  rsqrt: 1.5,
  log1p: 1.5,
  expm1: 1.7,
  softplus: 1.8,
};
/** That of pow4, whatever the other operand is. */
const POWER_BOUND = 0.51;

const math = await compileMath(Object.keys(FUNCTIONS));
const lanes = new Float32Array(math.memory.buffer, 0, 8);

/** The function at four inputs, read back as numbers. */
function evaluate(name: string, ...inputs: [number, number, number, number]): number[] {
  lanes.set(inputs);
  math.run(name, 0, 16, 4);
  return [...lanes.subarray(4)];
}

const INFINITY = Number.POSITIVE_INFINITY;
const SMALLEST = 2 ** -149;
const LARGEST = 3.4028234663852886e38;

/** Results that must be exact. Object.is tells -0 from 0. */
const SPECIAL: Record<string, [input: number, result: number][]> = {
  exp: [
    [0, 1],
    [-0, 1],
    [SMALLEST, 1],
    [INFINITY, INFINITY],
    [-INFINITY, 0],
    [LARGEST, INFINITY],
    [-LARGEST, 0],
    [89, INFINITY],
    [-104, 0],
    [-103, SMALLEST],
  ],
  log: [
    [1, 0],
    [0, -INFINITY],
    [-0, -INFINITY],
    [-1, Number.NaN],
    [-SMALLEST, Number.NaN],
    [-INFINITY, Number.NaN],
    [INFINITY, INFINITY],
    [SMALLEST, Math.fround(-149 * Math.LN2)],
    [2 ** -126, Math.fround(-126 * Math.LN2)],
    [LARGEST, Math.fround(128 * Math.LN2)],
  ],
  tanh: [
    [0, 0],
    [-0, -0],
    [INFINITY, 1],
    [-INFINITY, -1],
    [LARGEST, 1],
    [-9.2, -1],
    [SMALLEST, SMALLEST],
    [-SMALLEST, -SMALLEST],
    [2 ** -20, 2 ** -20],
  ],
  sigmoid: [
    [0, 0.5],
    [-0, 0.5],
    [INFINITY, 1],
    [-INFINITY, 0],
    [LARGEST, 1],
    [-LARGEST, 0],
    [-103, SMALLEST],
  ],
  erf: [
    [0, 0],
    [-0, -0],
    [INFINITY, 1],
    [-INFINITY, -1],
    [LARGEST, 1],
    [-4, -1],
    [SMALLEST, SMALLEST],
  ],
  sin: [
    [0, 0],
    [-0, -0],
    [SMALLEST, SMALLEST],
    [INFINITY, Number.NaN],
    [-INFINITY, Number.NaN],
  ],
  cos: [
    [0, 1],
    [-0, 1],
    [SMALLEST, 1],
    [INFINITY, Number.NaN],
    [-INFINITY, Number.NaN],
  ],
  rsqrt: [
    [1, 1],
    [4, 0.5],
    [0, INFINITY],
    [-0, -INFINITY],
    [INFINITY, 0],
    [-1, Number.NaN],
    [-INFINITY, Number.NaN],
    [2 ** -148, 2 ** 74],
  ],
  log1p: [
    [0, 0],
    [-0, -0],
    [-1, -INFINITY],
    [-1.0000001, Number.NaN],
    [-INFINITY, Number.NaN],
    [INFINITY, INFINITY],
    [LARGEST, Math.fround(128 * Math.LN2)],
    [SMALLEST, SMALLEST],
    [-SMALLEST, -SMALLEST],
    [2 ** -30, 2 ** -30],
    [1, Math.fround(Math.LN2)],
  ],
  expm1: [
    [0, 0],
    [-0, -0],
    [SMALLEST, SMALLEST],
    [-SMALLEST, -SMALLEST],
    [-(2 ** -26), -(2 ** -26)],
    [INFINITY, INFINITY],
    [-INFINITY, -1],
    [-20, -1],
    [89, INFINITY],
    [LARGEST, INFINITY],
  ],
  softplus: [
    [0, Math.fround(Math.LN2)],
    [-0, Math.fround(Math.LN2)],
    [1000, 1000],
    [-1000, 0],
    [-103, SMALLEST],
    [LARGEST, LARGEST],
    [-LARGEST, 0],
    [INFINITY, INFINITY],
    [-INFINITY, 0],
  ],
};

describe.each(Object.keys(BOUNDS))('%s4', (name) => {
  it('is exact at special values, in every lane', () => {
    for (const [input, result] of [...SPECIAL[name], [Number.NaN, Number.NaN]]) {
      for (let lane = 0; lane < 4; lane++) {
        const inputs: [number, number, number, number] = [0.7, 0.7, 0.7, 0.7];
        inputs[lane] = input;
        expect({ input, lane, result: evaluate(name, ...inputs)[lane] }).toEqual({ input, lane, result });
      }
    }
  });

  it(`errs by less than ${BOUNDS[name]} ulp at every 4,099th float32`, () => {
    const { max, at } = measure(math, name, 4099);
    expect(max, `at ${at}`).toBeLessThan(BOUNDS[name]);
  });

  it('gives a lane the same bits whatever its neighbours are', () => {
    for (const x of [0.3, -1.5, 7, 1e6, 2 ** 26, 3e8, -1e30, 1e-40]) {
      const [alone] = evaluate(name, x, x, x, x);
      for (const y of [Number.NaN, INFINITY, 1e38, 0, -1e-45, 2 ** 27]) {
        expect(evaluate(name, x, y, y, y)[0]).toBe(alone);
        expect(evaluate(name, y, y, y, x)[3]).toBe(alone);
      }
    }
  });
});

describe.each(Object.keys(FUNCTIONS).filter((name) => name.includes('^')))('%s', (name) => {
  it(`errs by less than ${POWER_BOUND} ulp at every 4,099th float32`, () => {
    const { max, at } = measure(math, name, 4099);
    expect(max, `at ${at}`).toBeLessThan(POWER_BOUND);
  });
});

describe('pow4', async () => {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const { pow } = await instantiate(
    `import { pow4 } from './power';
     export function pow(): void { v128.store(32, pow4(v128.load(0), v128.load(16))); }`,
    memory,
  );
  const cells = new Float32Array(memory.buffer, 0, 12);

  it.each(POWERS)('of %d and %d is %d, in every lane', (x, y, result) => {
    for (let lane = 0; lane < 4; lane++) {
      cells.fill(0.7, 0, 4).fill(1.3, 4, 8);
      cells[lane] = x;
      cells[4 + lane] = y;
      pow();
      expect(cells[8 + lane]).toBe(Math.fround(result));
    }
  });
});

describe('folds of the lanes', async () => {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const folds = await instantiate(
    `import { maxLanes, maxLanesI32, sumLanes, sumLanesI32 } from './lanes';
     export function sum(): void { v128.store(16, sumLanes(v128.load(0))); }
     export function max(): void { v128.store(16, maxLanes(v128.load(0))); }
     export function sumI32(): void { v128.store(16, sumLanesI32(v128.load(0))); }
     export function maxI32(): void { v128.store(16, maxLanesI32(v128.load(0))); }`,
    memory,
  );
  const floats = new Float32Array(memory.buffer, 0, 8);
  const integers = new Int32Array(memory.buffer, 0, 8);
  const cases = [
    [1, 2, 3, 4],
    [1e8, 1, -1e8, 1],
    [1, 1e8, 1, -1e8],
    [0.1, 0.7, -0.3, 1e-7],
    [-5, -4, -3, -9],
    [INFINITY, 1, 2, 3],
    [1, Number.NaN, 2, 3],
    [1, 2, 3, Number.NaN],
  ];

  it('sum in the order (x0 + x2) + (x1 + x3), alike in every lane', () => {
    for (const x of cases) {
      floats.set(x);
      const [a, b, c, d] = floats;
      const want = Math.fround(Math.fround(a + c) + Math.fround(b + d));
      folds.sum();
      expect([...floats.subarray(4)]).toEqual([want, want, want, want]);
    }
  });

  it('find the maximum, alike in every lane, and NaN where there is one', () => {
    for (const x of cases) {
      floats.set(x);
      const want = Math.max(...floats.subarray(0, 4));
      folds.max();
      expect([...floats.subarray(4)]).toEqual([want, want, want, want]);
    }
  });

  it('sum and compare integers of 32 bits, around where they overflow', () => {
    for (const x of [
      [1, 2, 3, 4],
      [-7, -9, -8, -6],
      [2 ** 31 - 1, 1, -(2 ** 31), 5],
      [2 ** 31 - 1, 2 ** 31 - 1, 2, 3],
    ]) {
      integers.set(x);
      folds.sumI32();
      const sum = x.reduce((a, b) => (a + b) | 0);
      expect([...integers.subarray(4)]).toEqual([sum, sum, sum, sum]);
      folds.maxI32();
      const max = Math.max(...x);
      expect([...integers.subarray(4)]).toEqual([max, max, max, max]);
    }
  });
});

describe('the ulp measure itself', () => {
  it('has an erf reference of 1e-15, by values of mpmath', () => {
    for (const [x, value] of ERF_VALUES) {
      expect(Math.abs(erf(x) / value - 1)).toBeLessThan(1e-15);
      expect(erf(-x)).toBe(-erf(x));
    }
  });

  it('counts the distance in units of the last place of the exact result', () => {
    expect(ulpError(1 + 2 ** -23, 1)).toBe(1);
    expect(ulpError(1, 1 + 2 ** -24)).toBe(0.5);
    expect(ulpError(0, SMALLEST / 4)).toBe(0.25);
    expect(ulpError(INFINITY, LARGEST)).toBe(1);
    expect(ulpError(INFINITY, 1e300)).toBe(0);
    expect(ulpError(Number.NaN, 1)).toBe(INFINITY);
    expect(ulpError(Number.NaN, Number.NaN)).toBe(0);
  });
});

/** The table of ISO C, F.10.4.4, and whole powers that float32 holds. Object.is tells -0 from 0. */
const POWERS: [x: number, y: number, result: number][] = [
  [0, -3, INFINITY],
  [-0, -3, -INFINITY],
  [0, -2, INFINITY],
  [-0, -2.5, INFINITY],
  [-0, -INFINITY, INFINITY],
  [-0, 3, -0],
  [0, 3, 0],
  [-0, 2, 0],
  [-0, 0.5, 0],
  [-1, INFINITY, 1],
  [-1, -INFINITY, 1],
  [1, Number.NaN, 1],
  [1, -INFINITY, 1],
  [Number.NaN, 0, 1],
  [Number.NaN, -0, 1],
  [0, 0, 1],
  [-INFINITY, 0, 1],
  [-8, 1 / 3, Number.NaN],
  [-SMALLEST, 0.5, Number.NaN],
  [0.5, -INFINITY, INFINITY],
  [2, -INFINITY, 0],
  [0.5, INFINITY, 0],
  [-2, INFINITY, INFINITY],
  [-INFINITY, -3, -0],
  [-INFINITY, -2, 0],
  [-INFINITY, 3, -INFINITY],
  [-INFINITY, 2.5, INFINITY],
  [INFINITY, -0.1, 0],
  [INFINITY, 0.1, INFINITY],
  [Number.NaN, 1, Number.NaN],
  [0, Number.NaN, Number.NaN],
  [INFINITY, Number.NaN, Number.NaN],
  [-1, Number.NaN, Number.NaN],
  [3, 4, 81],
  [-3, 3, -27],
  [10, 10, 1e10],
  [2, -149, SMALLEST],
  [2, -150, 0],
  [2, 128, INFINITY],
  [-2, 127, -(2 ** 127)],
  [-1, 16777215, -1],
  [-1, 16777216, 1],
  [1.5, 2, 2.25],
  [SMALLEST, 0.5, 2 ** -74.5],
  [LARGEST, 1, LARGEST],
  [-LARGEST, -1, -1 / LARGEST],
  [2 ** -140, -1, INFINITY],
];

const ERF_VALUES: [number, number][] = [
  [1e-30, 1.1283791670955127e-30],
  [0.0009765625, 0.0011019324300718147],
  [0.5, 0.5204998778130465],
  [1, 0.8427007929497149],
  [2, 0.9953222650189527],
  [2.875, 0.9999521451602562],
  [3, 0.9999779095030014],
  [3.5, 0.9999992569016276],
  [5, 0.9999999999984626],
];
