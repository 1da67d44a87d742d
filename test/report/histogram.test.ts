import { Resvg } from '@resvg/resvg-js';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { OptionError } from '../../src/errors.js';
import { bin, type Distribution, histogram } from '../../src/report/histogram.js';

const title = 'Activations';
const label = 'activation';
const draw = (series: Distribution[], rest: Partial<Parameters<typeof histogram>[0]> = {}) =>
  histogram({ title, label, series, ...rest });

/** It is an SVG that a strict XML parser takes, with no reference to anything outside and no broken number. */
function standalone(svg: string): void {
  expect(svg).toMatch(/^<svg [^>]*xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
  expect(svg.replaceAll('http://www.w3.org/', '')).not.toMatch(/https?:|url\(|@import|<script/);
  expect(svg).not.toMatch(/NaN|Infinity|undefined/);
  expect(new Resvg(svg).width).toBeGreaterThan(300);
}

test('every value is in the bin whose ends it lies between, or counted as outside', () => {
  const value = fc.oneof(fc.double({ min: -3, max: 3 }), fc.constantFrom(-1, 1, 0, Number.NaN, -2, 2));
  fc.assert(
    fc.property(fc.array(value, { maxLength: 50 }), fc.integer({ min: 1, max: 9 }), (values, n) => {
      const { counts, outside, total } = bin(values, [-1, 1], n);
      const inside = values.filter((v) => v >= -1 && v <= 1);
      expect(counts).toHaveLength(n);
      expect(outside).toBe(values.length - inside.length);
      expect(total).toBe(values.length);
      const below = (edge: number) => inside.filter((v) => v < edge - 1e-9).length;
      const upTo = (edge: number) => inside.filter((v) => v <= edge + 1e-9).length;
      let sum = 0;
      counts.forEach((count, i) => {
        sum += count;
        const edge = -1 + (2 * (i + 1)) / n;
        expect(sum).toBeGreaterThanOrEqual(below(edge));
        expect(sum).toBeLessThanOrEqual(upTo(edge));
      });
      expect(sum).toBe(inside.length);
    }),
  );
});

test('both ends of the domain are inside', () => {
  expect([...bin([-1, 1, 1.0001], [-1, 1], 4).counts]).toEqual([1, 0, 0, 1]);
});

test('a histogram shows its title, its axes and a label for each distribution', () => {
  const a = Float32Array.from({ length: 500 }, (_, i) => Math.sin(i));
  for (const layout of ['overlaid', 'rows'] as const) {
    const svg = draw(
      [
        { label: 'first', values: a },
        { label: 'second', values: a.map((v) => v / 3) },
      ],
      { layout },
    );
    standalone(svg);
    for (const text of [title, label, 'first', 'second', 'share of the values']) expect(svg).toContain(text);
  }
});

test('what lies outside of the domain or is no number is told, not drawn', () => {
  const svg = draw([{ label: 'a', values: [0, 0.5, 7, Number.NaN] }], { domain: [-1, 1] });
  standalone(svg);
  expect(svg).toContain('>a (50 % not shown)</text>');
});

test('counts draw the same picture as the values that were counted', () => {
  const values = Array.from({ length: 300 }, (_, i) => 1.5 * Math.sin(i));
  const domain = [-1, 1] as const;
  const { counts, outside } = bin(values, domain, 60);
  expect(draw([{ label: 'a', counts, outside }], { domain })).toBe(
    draw([{ label: 'a', values }], { domain }),
  );
});

test('no values, one value and values that are all the same are drawn', () => {
  for (const values of [[], [3], new Float32Array(50), [Number.NaN]]) {
    for (const layout of ['overlaid', 'rows'] as const)
      standalone(draw([{ label: 'a', values }], { layout }));
  }
});

test('each row has its place, however many there are', () => {
  const series = Array.from({ length: 20 }, (_, i) => ({ label: `layer ${i + 1}`, values: [i, i + 1] }));
  const svg = draw(series, { layout: 'rows' });
  standalone(svg);
  expect(series.every((s) => svg.includes(`>${s.label}</text>`))).toBe(true);
  expect(new Resvg(svg).height).toBeGreaterThan(20 * 50);
});

test('what cannot be drawn is refused', () => {
  const a = { label: 'a', values: [1, 2] };
  expect(() => draw([])).toThrow(OptionError);
  expect(() => draw(Array(7).fill(a))).toThrow(
    "7 distributions cannot be told apart one above the other: use layout 'rows'",
  );
  for (const bins of [0, 1.5, Number.NaN]) expect(() => draw([a], { bins })).toThrow(OptionError);
  for (const domain of [
    [1, 1],
    [2, 1],
    [Number.NaN, 1],
    [0, Number.POSITIVE_INFINITY],
  ] as const)
    expect(() => draw([a], { domain })).toThrow('the domain must go from a lower to a higher number');
  expect(() => draw([{ label: 'b', counts: [1, 2] }])).toThrow('b is given as counts: give their domain too');
  expect(() => draw([{ label: 'b', counts: [1, -2] }], { domain: [0, 1] })).toThrow('the counts of b');
});
