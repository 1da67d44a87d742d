import { Resvg } from '@resvg/resvg-js';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { OptionError } from '../../src/errors.js';
import { lossCurve } from '../../src/report/loss-curve.js';
import { thin } from '../../src/report/thin.js';
import { smooth, smoother } from '../../src/smooth.js';

const baseline = { value: 2.54, label: 'bigram counts 2.54' };
const count = (n: number) => Float64Array.from({ length: n }, (_, i) => i + 1);

test('the average of a constant is the constant from the first value on', () => {
  for (const value of smooth(new Float32Array(50).fill(3.5), 0.99)) expect(value).toBeCloseTo(3.5, 12);
});

test('the average is the weighted mean of all values so far', () => {
  const value = fc.double({ min: -100, max: 100, noNaN: true });
  fc.assert(
    fc.property(
      fc.array(value, { maxLength: 40 }),
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      (values, decay) => {
        const got = smooth(values, decay);
        values.forEach((_, t) => {
          let sum = 0;
          let weights = 0;
          for (let i = 0; i <= t; i++) {
            sum += decay ** (t - i) * values[i];
            weights += decay ** (t - i);
          }
          expect(got[t]).toBeCloseTo(sum / weights, 8);
        });
      },
    ),
  );
});

test('a value that is not finite is NaN in the average and does not touch the others', () => {
  const got = smooth([1, 2, Number.NaN, 3, Number.POSITIVE_INFINITY], 0.5);
  const without = smooth([1, 2, 3], 0.5);
  expect([...got]).toEqual([without[0], without[1], Number.NaN, without[2], Number.NaN]);
});

test('a decay outside of 0 to 1 is refused', () => {
  for (const decay of [-0.1, 1, 2, Number.NaN]) expect(() => smoother(decay)).toThrow(OptionError);
});

test('a short series is not thinned, a long one keeps its ends and its extremes', () => {
  expect(thin([1, 2, 3], [5, Number.NaN, 6], 3)).toEqual([
    { x: 1, y: 5 },
    { x: 2, y: Number.NaN },
    { x: 3, y: 6 },
  ]);
  const n = 100_003;
  const ys = Float64Array.from({ length: n }, (_, i) => Math.sin(i / 999));
  ys[31_415] = 50;
  ys[77_777] = -50;
  const points = thin(count(n), ys, 1_200);
  expect(points.length).toBeLessThanOrEqual(1_202);
  expect(points[0]).toEqual({ x: 1, y: ys[0] });
  expect(points[points.length - 1]).toEqual({ x: n, y: ys[n - 1] });
  expect(points).toContainEqual({ x: 31_416, y: 50 });
  expect(points).toContainEqual({ x: 77_778, y: -50 });
  expect(points.every(({ x }, i) => i === 0 || x > points[i - 1].x)).toBe(true);
  expect(points.every(({ x, y }) => y === ys[x - 1])).toBe(true);
});

test('a stretch without finite values becomes a gap', () => {
  const ys = new Float64Array(10_000).fill(1).fill(Number.NaN, 4_000, 6_000);
  const gap = thin(count(10_000), ys, 100).filter(({ y }) => Number.isNaN(y));
  expect(gap.length).toBeGreaterThanOrEqual(10);
  expect(gap.every(({ x }) => x > 4_000 && x <= 6_000)).toBe(true);
});

/** It is an SVG that a strict XML parser takes and that has no reference to anything outside. */
function standalone(svg: string): void {
  expect(svg).toMatch(/^<svg [^>]*xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
  expect(svg.replaceAll('http://www.w3.org/', '')).not.toMatch(/https?:|url\(|@import|<script/);
  expect(new Resvg(svg).width).toBeGreaterThan(300);
}

test('a loss curve shows its title, legend, axes and baseline', () => {
  const steps = count(100);
  const losses = steps.map((t) => 2 + 1 / t);
  const dev = [
    { step: 50, loss: 2.2 },
    { step: 100, loss: 2.1 },
  ];
  const svg = lossCurve({ title: 'Names', steps, losses, smoothed: smooth(losses), dev, baseline });
  standalone(svg);
  for (const text of [
    'Names',
    'each step',
    'training, smoothed',
    'dev',
    'bigram counts 2.54',
    'loss',
    'step',
    '100',
  ]) {
    expect(svg).toContain(`>${text}</text>`);
  }
  expect(svg).toContain('stroke-dasharray="6 4"');
  expect(svg).toContain('background:white');
  expect(svg).toMatch(/font-family:\s*Helvetica/);
});

test('two hundred thousand steps stay below 300 kB', () => {
  const n = 200_000;
  const steps = count(n);
  const losses = steps.map((t) => 2.2 + Math.exp(-t / 5_000) + 0.3 * Math.sin(t * t));
  const dev = Array.from({ length: n / 10 }, (_, i) => ({
    step: 10 * i + 10,
    loss: 2.3 + 0.01 * Math.sin(i),
  }));
  const svg = lossCurve({ title: 'long', steps, losses, smoothed: smooth(losses), dev, baseline });
  standalone(svg);
  expect(svg.length).toBeLessThan(300_000);
});

test('a title and a label with markup stay text', () => {
  const label = '<b> & "c"';
  const svg = lossCurve({
    title: `${label} $&`,
    steps: [1, 2],
    losses: [3, 2],
    baseline: { value: 2, label },
  });
  standalone(svg);
  expect(svg).toContain('aria-label="&lt;b&gt; &amp; &quot;c&quot; $&amp;"');
  expect(svg).not.toContain('<b>');
});

test('losses that tower over the rest get a logarithmic axis that says so', () => {
  const losses = count(100).map((t) => 2.2 + 25 * Math.exp(-t / 5));
  const svg = lossCurve({ title: 'bad start', steps: count(100), losses, baseline });
  standalone(svg);
  expect(svg).toContain('>loss (log scale)</text>');
});

test('losses that are not finite are counted, not drawn', () => {
  const nothing = [Number.NaN, Number.POSITIVE_INFINITY];
  const some = lossCurve({ title: 't', steps: [1, 2, 3], losses: [3, ...nothing], baseline });
  standalone(some);
  expect(some).toContain('2 not finite, not drawn');
  const none = lossCurve({
    title: 't',
    steps: [1, 2],
    losses: nothing,
    baseline: { value: Number.NaN, label: 'x' },
  });
  standalone(none);
  for (const svg of [some, none]) expect(svg).not.toMatch(/NaN|Infinity/);
});

test('a baseline that no logarithm has keeps the axis linear', () => {
  const losses = count(100).map((t) => 2.2 + 25 * Math.exp(-t / 5));
  const svg = lossCurve({ title: 't', steps: count(100), losses, baseline: { value: 0, label: 'nothing' } });
  standalone(svg);
  expect(svg).toContain('>loss</text>');
  expect(svg).not.toMatch(/NaN|Infinity/);
});

test('one step is a dot', () => {
  for (const step of [0, 1, 5_000]) {
    const svg = lossCurve({ title: 't', steps: [step], losses: [3], baseline });
    standalone(svg);
    expect(svg).toContain('<circle');
    expect(svg).not.toMatch(/NaN|Infinity/);
  }
});

test('no steps, or lists of different lengths, are refused', () => {
  const title = 't';
  expect(() => lossCurve({ title, steps: [], losses: [], baseline })).toThrow(OptionError);
  expect(() => lossCurve({ title, steps: [1, 2], losses: [1], baseline })).toThrow(
    'it got 2 steps and 1 losses',
  );
  expect(() => lossCurve({ title, steps: [1], losses: [1], smoothed: [], baseline })).toThrow(
    /1 steps and 0 smoothed/,
  );
});
