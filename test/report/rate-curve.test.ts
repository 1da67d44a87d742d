import { describe, expect, it } from 'vitest';
import { OptionError } from '../../src/errors.js';
import { rateCurve } from '../../src/report/rate-curve.js';

const rates = Array.from({ length: 60 }, (_, i) => 1e-4 * 10 ** (i / 10));
const losses = rates.map((rate) => (rate < 1 ? 3 - Math.log10(rate / 1e-4) / 2 : 3 * rate));
const bounds = { lower: 1e-4, upper: 2 };
const curve = { title: 'A & B', rates, losses, smoothed: losses, bounds, suggestion: 0.3 };

/** The points of every curve, in pixels. */
const paths = (svg: string) =>
  [...svg.matchAll(/<path[^>]* d="([^"]+)"/g)]
    .map(([, d]) =>
      [...d.matchAll(/([-\d.]+),([-\d.]+)/g)].map(([, x, y]) => [Number(x), Number(y)] as const),
    )
    .filter((points) => points.length > 20);

describe('the curve over learning rates', () => {
  it('spaces powers of ten evenly, marks bounds and suggestion, and escapes its title', () => {
    const svg = rateCurve(curve);
    for (const label of ['stands still at 0.0001', 'explodes at 2', '0.3', 'A &amp; B', 'learning rate'])
      expect(svg).toContain(label);
    const [first] = paths(svg);
    const steps = first.slice(1, 30).map(([x], i) => x - first[i][0]);
    for (const step of steps) expect(step).toBeCloseTo(steps[0], 1);
  });

  it('cuts the curve where the loss explodes, inside of the frame', () => {
    const svg = rateCurve({ ...curve, losses: [...losses.slice(0, 58), 1e30, Number.NaN] });
    const ys = paths(svg).flatMap((points) => points.map(([, y]) => y));
    expect(Math.min(...ys)).toBeGreaterThanOrEqual(99);
    expect(svg).not.toMatch(/NaN|Infinity/);
  });

  it('is the same whenever it is drawn', () => {
    expect(rateCurve(curve)).toBe(rateCurve(curve));
  });

  it('refuses lists of different lengths', () => {
    expect(() => rateCurve({ ...curve, losses: [1] })).toThrow(OptionError);
    expect(() => rateCurve({ ...curve, rates: [], losses: [], smoothed: [] })).toThrow(/it got 0 rates/);
  });
});
