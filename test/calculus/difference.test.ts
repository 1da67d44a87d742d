import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { derivative, OptionError, partialDerivative, stepErrors } from '../../src/index.js';

const parabola = (x: number) => 3 * x * x;

describe('derivative', () => {
  it('is about 18 for 3x^2 at 3, by either method and any way to give h', () => {
    expect(derivative(parabola, 3)).toBeCloseTo(18, 9);
    expect(derivative(parabola, 3, 0.00001)).toBeCloseTo(18, 8);
    expect(derivative(parabola, 3, { method: 'forward' })).toBeCloseTo(18, 6);
    // f(x + h) - f(x) = 3 (2xh + h^2), so the forward quotient is 18 + 3h.
    expect(derivative(parabola, 3, { method: 'forward', h: 0.5 })).toBe(19.5);
    expect(derivative(parabola, 3, { method: 'forward', h: -0.5 })).toBe(16.5);
    expect(derivative(parabola, 3, { method: 'central', h: 0.5 })).toBe(18);
  });

  it('of a polynomial is that of the formula, near and far from 0', () => {
    const coefficient = fc.double({ min: -10, max: 10, noNaN: true });
    fc.assert(
      fc.property(
        fc.tuple(coefficient, coefficient, coefficient),
        fc.double({ min: -1e4, max: 1e4, noNaN: true }),
        ([a, b, c], x) => {
          const exact = 3 * a * x * x + 2 * b * x + c;
          const scale = Math.abs(a) * x * x + Math.abs(b * x) + Math.abs(c) + 1;
          const f = (x: number) => ((a * x + b) * x + c) * x;
          expect(Math.abs(derivative(f, x) - exact)).toBeLessThan(1e-8 * scale);
          expect(Math.abs(derivative(f, x, { method: 'forward' }) - exact)).toBeLessThan(1e-5 * scale);
        },
      ),
    );
  });

  it('takes the step that x + h has after rounding', () => {
    // At 1e8 a step of 1e-8 becomes 1.49e-8; dividing by 1e-8 would give 1.49.
    expect(derivative((x) => x, 1e8, { method: 'forward', h: 1e-8 })).toBe(1);
  });

  it.each([
    [() => derivative(parabola, 3, Number.NaN), 'h must be a finite number other than 0, got NaN'],
    [() => derivative(parabola, 3, 0), 'h must be a finite number other than 0, got 0'],
    [() => derivative(parabola, 3, { h: Number.POSITIVE_INFINITY }), 'got Infinity'],
    [() => derivative(parabola, 3, { h: '1' as unknown as number }), 'got "1"'],
    [() => derivative(parabola, 3, 1e-17), 'h = 1e-17 is too small at x = 3: x + h rounds to x'],
    // Just below 4 numbers are twice as dense as above it.
    [() => derivative(parabola, 4, 4e-16), 'h = 4e-16 is too small at x = 4'],
    [
      () => derivative(parabola, 3, '0.1' as unknown as number),
      'expected h or an object of options, got "0.1"',
    ],
    [
      () => derivative(parabola, 3, null as unknown as number),
      'expected h or an object of options, got null',
    ],
    [() => derivative(parabola, Number.NaN), 'x must be a finite number, got NaN'],
    [() => derivative(parabola, '3' as unknown as number), 'x must be a finite number, got "3"'],
    [
      () => derivative(parabola, 3, { method: 'backward' as 'forward' }),
      `'forward' or 'central', got "backward"`,
    ],
    [() => derivative(3 as unknown as () => number, 3), 'f must be a function, got 3'],
    [
      () => derivative(() => [1] as unknown as number, 3),
      'f must return a finite number, but f gave an array at',
    ],
    [() => derivative(() => undefined as unknown as number, 3), 'but f gave undefined at'],
    [() => derivative((x) => Math.log(x), 0, 0.5), 'but f gave NaN at -0.5'],
    [() => derivative((x) => 1 / x, 1, { h: 1 }), 'but f gave Infinity at 0'],
    [() => derivative((x) => x * 1.7e308, 0, { h: 1 }), 'overflows with h = 1'],
  ])('refuses what gives no derivative %#', (call, message) => {
    expect(call).toThrow(OptionError);
    expect(call).toThrow(message);
    expect(call).toThrow(/^derivative: /);
  });
});

describe('partialDerivative', () => {
  const f = (x: number, y: number) => x * x * y + y;

  it('moves one coordinate and freezes the others', () => {
    expect(partialDerivative(f, [3, 2], 0)).toBeCloseTo(12, 8);
    expect(partialDerivative(f, [3, 2], 1)).toBeCloseTo(10, 8);
    expect(partialDerivative(f, [3, 2], 0, { method: 'forward', h: 0.5 })).toBe(13);
    expect(partialDerivative(f, [3, 2], 1, 0.25)).toBe(10);
  });

  it.each([
    [
      () => partialDerivative(f, [3, 2], 2),
      'index 2 is out of range: the point has 2 coordinates, counted from 0',
    ],
    [() => partialDerivative(f, [3, 2], -1), 'index -1 is out of range'],
    [() => partialDerivative(f, [3, 2], 0.5), 'index 0.5 is out of range'],
    [() => partialDerivative(f, [], 0), 'the point has 0 coordinates'],
    [() => partialDerivative(f, [3, Number.NaN], 0), 'coordinate 1 of the point is NaN, not a finite number'],
    [() => partialDerivative(f, 3 as unknown as number[], 0), 'the point must be an array, got 3'],
    [() => partialDerivative(f, [3, 2], 0, 0), 'h must be a finite number other than 0, got 0'],
    [() => partialDerivative(f, [3], 0), 'f must return a finite number, but f gave NaN'],
  ])('refuses what is not a place %#', (call, message) => {
    expect(call).toThrow(OptionError);
    expect(call).toThrow(message);
    expect(call).toThrow(/^partialDerivative: /);
  });
});

describe('stepErrors', () => {
  const cube = (x: number) => x * x * x;
  const slope = (method: 'forward' | 'central', from: number, to: number) => {
    const [a, b] = stepErrors(cube, 3, 27, { method, steps: [from, to] });
    return Math.log(b.error / a.error) / Math.log(to / from);
  };

  it('falls with slope 1 or 2 while truncation rules', () => {
    expect(slope('forward', 1e-2, 1e-5)).toBeCloseTo(1, 2);
    expect(slope('central', 1e-1, 1e-3)).toBeCloseTo(2, 3);
  });

  it('is that of the Taylor series for large h: 9h + h^2 forward, h^2 central', () => {
    for (const { h, error } of stepErrors(cube, 3, 27, { method: 'forward', steps: [1, 0.25] }))
      expect(error).toBe(9 * h + h * h);
    for (const { h, error } of stepErrors(cube, 3, 27, { steps: [1, 0.25] })) expect(error).toBe(h * h);
  });

  it.each(['forward', 'central'] as const)(
    'rises with 1/h where rounding rules, and stays below its bound (%s)',
    (method) => {
      // Rounding of x * x * x: 2 multiplications, each by half an ulp of at most 2^-52 x^3 on either side.
      const bound = (h: number) => (2 * 27 * Number.EPSILON) / h + 9 * h;
      const errors = stepErrors(cube, 3, 27, { method }).filter(({ h }) => h < 1e-9);
      expect(errors.length).toBeGreaterThan(20);
      for (const { h, error } of errors) expect(error).toBeLessThan(bound(h));
      // Not only below: the largest error of the smallest steps is near it.
      expect(Math.max(...errors.map(({ error }) => error))).toBeGreaterThan(0.01);
    },
  );

  it.each([
    ['forward', Math.sqrt(Number.EPSILON)],
    ['central', Math.cbrt(Number.EPSILON)],
  ] as const)('is least near the %s default h', (method, best) => {
    const errors = stepErrors(cube, 3, 27, { method });
    const smoothed = errors.slice(2, -2).map(({ h }, i) => ({
      h,
      error: Math.max(...errors.slice(i, i + 5).map(({ error }) => error)),
    }));
    const least = smoothed.reduce((a, b) => (b.error < a.error ? b : a));
    expect(Math.abs(Math.log10(least.h / best))).toBeLessThan(1);
  });

  it('refuses a derivative that is none, and steps that are none', () => {
    expect(() => stepErrors(cube, 3, Number.NaN)).toThrow(
      'stepErrors: the exact derivative must be a finite number',
    );
    expect(() => stepErrors(cube, 3, 27, { steps: [0.1, 0] })).toThrow(
      'h must be a finite number other than 0',
    );
  });
});
