import { parseHTML } from 'linkedom';
import { describe, expect, it } from 'vitest';
import { lineChart } from '../../src/report/lines.js';
import { lossCurve } from '../../src/report/loss-curve.js';
import { textWidth } from '../../src/report/text-width.js';

/** Where the label of a line stands, and how many of the drawn curves' points lie in it. */
function labelOf(svg: string, said: string) {
  const { document } = parseHTML(svg);
  const text = [...document.querySelectorAll('text')].find(({ textContent }) => textContent === said)!;
  const [x, y] = ['x', 'y'].map((name) => Number(text.getAttribute(name)));
  const box = { left: x, right: x + textWidth(said, 15), top: y - 11, bottom: y + 3 };
  const points = [...document.querySelectorAll('[aria-label="line"] path')].flatMap((path) =>
    [...path.getAttribute('d')!.matchAll(/([-\d.]+),([-\d.]+)/g)].map(([, a, b]) => [Number(a), Number(b)]),
  );
  const inside = points.filter(([a, b]) => a > box.left && a < box.right && b > box.top && b < box.bottom);
  return { ...box, inside: inside.length };
}

const flat = (label: string, y: number) => ({ label, points: [0, 50, 100].map((x) => ({ x, y })) });
const curve = (f: (x: number) => number) => [
  { label: 'a', points: Array.from({ length: 2000 }, (_, i) => ({ x: i / 20, y: f(i / 20) })) },
];

describe('the label of a line', () => {
  it('stands at its end, above it, where nothing is in the way', () => {
    const svg = lineChart({
      title: 't',
      x: 'x',
      y: 'y',
      series: [...curve(() => 9), ...curve(() => -3)],
      guides: [flat('gauge', 1)],
    });
    const { right, bottom } = labelOf(svg, 'gauge');
    const [, line] = /stroke-dasharray[^>]*>\s*<path d="M[\d.]+,([\d.]+)/.exec(svg)!;
    expect(bottom).toBeLessThan(Number(line));
    expect(Number(line) - bottom).toBeLessThan(12);
    expect(right).toBeLessThan(603);
  });

  it.each([
    ['on the right', (x: number) => (x > 40 ? 1 + Math.sin(9 * x) / 6 : 9)],
    ['on the left', (x: number) => (x < 60 ? 1 + Math.sin(9 * x) / 6 : 9)],
    ['above', (x: number) => 1.7 + Math.sin(9 * x) / 3],
    ['below', (x: number) => 0.3 + Math.sin(9 * x) / 3],
  ])('avoids curves %s', (_, f) => {
    const series = [...curve(f), ...curve(() => -3), ...curve(() => 6)];
    const svg = lineChart({ title: 't', x: 'x', y: 'y', series, guides: [flat('gauge', 1)] });
    expect(labelOf(svg, 'gauge').inside).toBe(0);
  });

  it('leaves room for that of another line', () => {
    const guides = [flat('first guide', 1), flat('second guide', 1.01)];
    const svg = lineChart({ title: 't', x: 'x', y: 'y', series: curve((x) => x / 10), guides });
    const [a, b] = guides.map(({ label }) => labelOf(svg, label));
    expect(a.right <= b.left || b.right <= a.left || a.bottom <= b.top || b.bottom <= a.top).toBe(true);
  });

  it('is that of a baseline of a loss curve too', () => {
    const steps = Float64Array.from({ length: 2000 }, (_, i) => i + 1);
    const losses = steps.map((at) => (at < 900 ? 5 - at / 400 : 2.2 + Math.sin(at) / 5));
    const svg = lossCurve({ title: 't', steps, losses, baseline: { value: 2.2, label: 'uniform 2.2' } });
    expect(labelOf(svg, 'uniform 2.2').inside).toBe(0);
  });
});
