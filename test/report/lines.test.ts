import { Resvg } from '@resvg/resvg-js';
import { describe, expect, it } from 'vitest';
import { OptionError } from '../../src/errors.js';
import { lineChart } from '../../src/report/lines.js';

const axes = { title: 't', x: 'h', y: 'error' };
const points = (...ys: number[]) => ys.map((y, i) => ({ x: 10 ** (i - 4), y }));
const texts = (svg: string) => [...svg.matchAll(/<text[^>]*>([^<]*)/g)].map(([, text]) => text);

function drawn(svg: string): string {
  expect(new Resvg(svg).render().width).toBe(640);
  expect(svg).not.toMatch(/NaN|Infinity/);
  return svg;
}

describe('a chart of lines', () => {
  it('has a line for each series and names it', () => {
    const svg = drawn(
      lineChart({
        ...axes,
        series: [
          { label: 'one', points: points(1, 2) },
          { label: 'two', points: points(3, 4), dots: true },
        ],
      }),
    );
    expect(texts(svg)).toEqual(expect.arrayContaining(['one', 'two', 'h', 'error', 't']));
    expect(svg.match(/<circle/g)).toHaveLength(2);
  });

  it('leaves out what a logarithm does not take, and says how much', () => {
    const series = [{ label: 'a', points: points(1e-3, 0, -1, Number.NaN, 1e-9) }];
    expect(texts(drawn(lineChart({ ...axes, series, log: 'xy' })))).toContain('3 not drawn: 0 or not finite');
    expect(texts(drawn(lineChart({ ...axes, series })))).toContain('1 not drawn: 0 or not finite');
  });

  it('names few of many powers of ten', () => {
    const series = [
      { label: 'a', points: Array.from({ length: 60 }, (_, i) => ({ x: 2 ** -i, y: 2 ** i })) },
    ];
    const ticks = texts(drawn(lineChart({ ...axes, series, log: 'xy' }))).filter((text) => /^1e/.test(text));
    expect(ticks.length).toBeGreaterThan(8);
    expect(ticks.length).toBeLessThan(20);
  });

  it('draws guides within its height, and none outside of it', () => {
    const series = [{ label: 'a', points: points(1, 2, 3) }];
    const guide = (label: string, y: number) => ({
      label,
      points: [
        { x: 1e-4, y },
        { x: 1e-2, y },
      ],
    });
    const svg = drawn(lineChart({ ...axes, series, guides: [guide('inside', 2), guide('outside', 50)] }));
    expect(texts(svg)).toContain('inside');
    expect(texts(svg)).not.toContain('outside');
  });

  it('keeps to a range that is given, and draws guides within that', () => {
    const base = {
      title: 't',
      x: 'x',
      y: 'y',
      series: [
        {
          label: 'a',
          points: [
            { x: 0, y: 1 },
            { x: 1, y: 2 },
          ],
        },
      ],
    };
    const guides = [
      {
        label: 'far',
        points: [
          { x: 1, y: -3 },
          { x: 0, y: -3 },
        ],
      },
    ];
    expect(lineChart({ ...base, guides })).not.toContain('far');
    expect(lineChart({ ...base, guides, range: [-4, 2] })).toContain('far');
  });

  it('draws a single point as a dot and refuses to draw none', () => {
    expect(drawn(lineChart({ ...axes, series: [{ label: 'a', points: points(5) }] }))).toContain('<circle');
    expect(() => lineChart({ ...axes, series: [] })).toThrow(OptionError);
    expect(() => lineChart({ ...axes, series: [{ label: 'a', points: points(0) }], log: 'y' })).toThrow(
      'the chart "t" has no point that can be drawn',
    );
  });
});
