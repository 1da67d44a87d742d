import { parseHTML } from 'linkedom';
import { describe, expect, it } from 'vitest';
import { confusionChart } from '../../src/report/confusion.js';
import { histogram } from '../../src/report/histogram.js';
import { lineChart } from '../../src/report/lines.js';
import { shorten, textWidth } from '../../src/report/text-width.js';

/** Left and right ends of the labels of an axis, in pixels. */
function labels(svg: string, axis: 'x' | 'y') {
  const { document } = parseHTML(svg);
  return [...document.querySelectorAll(`[aria-label="${axis}-axis tick label"] text`)].map((text) => {
    const [, x, y] = /translate\(([^,]+),([^)]+)\)/.exec(text.getAttribute('transform')!)!.map(Number);
    const said = text.querySelector('tspan')?.firstChild?.textContent ?? text.firstChild!.textContent!;
    return { said, x, y, width: textWidth(said, 15) };
  });
}

/** Pixels between neighbours. */
const gaps = (svg: string) => {
  const all = labels(svg, 'x').sort((a, b) => a.x - b.x);
  return all.slice(1).map((label, i) => label.x - label.width / 2 - (all[i].x + all[i].width / 2));
};

const values = (scale: number) => Float64Array.from({ length: 400 }, (_, i) => scale * Math.sin(i));

describe('the widths of texts', () => {
  it('are those of Helvetica', () => {
    expect(textWidth('', 15)).toBe(0);
    expect(textWidth('0123', 10)).toBeCloseTo(22.24);
    expect(textWidth('il', 100)).toBeCloseTo(44.4);
    expect(textWidth('−1', 1000)).toBeCloseTo(584 + 556);
  });

  it('shorten a text in the middle, to what fits', () => {
    expect(shorten('short', 100, 15)).toBe('short');
    const short = shorten('model.blocks.0.attention.input.weight', 120, 15);
    expect(short).toMatch(/^model\..*….*weight$/);
    expect(textWidth(short, 15)).toBeLessThanOrEqual(120);
    expect(shorten('wide', 1, 15)).toBe('…');
  });
});

describe('a chart', () => {
  it.each([1e-7, 0.0004, 0.018, 1, 12345, 3e8])('keeps ticks of values around %d apart', (scale) => {
    for (const layout of ['rows', 'overlaid'] as const) {
      const series = ['aRatherLongName.of.a.parameter', 'w'].map((label) => ({
        label,
        values: values(1.3 * scale),
      }));
      const svg = histogram({ title: 't', label: 'value', layout, domain: [-scale, scale], series });
      expect(labels(svg, 'x').length).toBeGreaterThan(1);
      expect(Math.min(...gaps(svg))).toBeGreaterThanOrEqual(8);
    }
  });

  it.each([4, 8, 80, 900, 9e4, 1e9])(
    'keeps ticks apart on a logarithmic axis up to %d times its beginning',
    (times) => {
      const points = Array.from({ length: 50 }, (_, i) => ({ x: 0.00013 * times ** (i / 49), y: i }));
      const svg = lineChart({ title: 't', x: 'rate', y: 'loss', log: 'x', series: [{ label: 'a', points }] });
      expect(labels(svg, 'x').length).toBeGreaterThan(1);
      expect(Math.min(...gaps(svg))).toBeGreaterThanOrEqual(8);
    },
  );

  it('leaves half of its width to the picture, however long the names', () => {
    const label = 'model.'.repeat(30);
    const svg = histogram({
      title: 't',
      label: 'value',
      layout: 'rows',
      series: [{ label, values: values(1) }],
    });
    const [{ said, x, width }] = labels(svg, 'y');
    expect(said).toContain('…');
    expect(x).toBeLessThanOrEqual(0.45 * 640);
    expect(x - width).toBeGreaterThan(0);
    // The whole name is there for who rests on it.
    expect(svg).toContain(`<title>${label}</title>`);
  });

  it('has room for the labels of its vertical axis', () => {
    for (const scale of [1e-9, 1e-5, 1e7, 1e12]) {
      const points = [1, 2, 3].map((x) => ({ x, y: -scale * x }));
      const svg = lineChart({ title: 't', x: 'x', y: 'y', series: [{ label: 'a', points }] });
      for (const { x, width } of labels(svg, 'y')) expect(x - 9 - width).toBeGreaterThan(0);
    }
  });

  it('names some of many classes, each of a few', () => {
    const chart = (n: number, name: (i: number) => string) =>
      labels(
        confusionChart({
          title: 't',
          classes: Array.from({ length: n }, (_, i) => name(i)),
          counts: new Int32Array(n * n).fill(1),
        }),
        'x',
      );
    expect(chart(40, (i) => `class ${i}`).length).toBeLessThan(20);
    const few = chart(6, (i) => `a class with a long name ${i}`).map(({ said }) => said);
    expect(few).toHaveLength(6);
    for (const said of few) expect(said).toContain('…');
  });
});
