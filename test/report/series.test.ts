import { describe, expect, it } from 'vitest';
import { OptionError } from '../../src/errors.js';
import { curves } from '../../src/report/series.js';

const points = (n: number, y: (x: number) => number) => Array.from({ length: n }, (_, x) => ({ x, y: y(x) }));
const chart = (count: number, n = 20) => ({
  title: 'T',
  axis: 'a',
  label: 'step',
  series: Array.from({ length: count }, (_, i) => ({ label: `s${i}`, points: points(n, (x) => i + x) })),
});

describe('curves', () => {
  it('name each series in the legend; the seventh is dashed, since its color stands already', () => {
    const svg = curves(chart(8));
    for (let i = 0; i < 8; i++) expect(svg).toContain(`>s${i}<`);
    expect(svg.match(/stroke-dasharray="7 3"/g)).toHaveLength(4);
    expect(curves(chart(6))).not.toContain('stroke-dasharray="7 3"');
  });

  it('leave gaps where there is no value, and draw a single point', () => {
    const gap = {
      ...chart(0),
      series: [{ label: 's', points: points(9, (x) => (x === 4 ? Number.NaN : x)) }],
    };
    expect(curves(gap)).not.toContain('NaN');
    expect(curves(chart(1, 1))).toContain('<circle');
  });

  it('refuse what cannot be told apart, and nothing at all', () => {
    expect(() => curves(chart(19))).toThrow(OptionError);
    expect(() => curves(chart(0))).toThrow(/nothing to draw/);
    const empty = { ...chart(0), series: [{ label: 's', points: points(3, () => Number.NaN) }] };
    expect(() => curves(empty)).toThrow(/nothing to draw/);
  });
});
