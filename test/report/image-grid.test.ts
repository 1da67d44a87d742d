import { describe, expect, it, test } from 'vitest';
import { confusionChart } from '../../src/report/confusion.js';
import { filterImages, imageGrid } from '../../src/report/image-grid.js';

const fills = (svg: string) =>
  [...svg.matchAll(/<path fill="([^"]+)" d="([^"]+)"/g)].map(([, fill, d]) => [fill, d]);
/** The ink of each place of the first image, as its paths draw it. */
function drawn(svg: string, width: number, height: number): string[] {
  const places = new Array(width * height).fill('white');
  const [first] = svg.split('</g>');
  for (const [fill, d] of fills(first))
    for (const [, x, y, n] of d.matchAll(/M(\d+) (\d+)h(\d+)v1h-\3z/g))
      for (let i = 0; i < Number(n); i++) places[Number(y) * width + Number(x) + i] = fill;
  return places;
}

describe('images in a grid', () => {
  const grid = { title: 'Digits <1>', height: 2, width: 3 };

  it('are drawn place by place, white for 0 and ink for the largest of all', () => {
    const svg = imageGrid({
      ...grid,
      images: [[0, 1, 1, 0.5, 0, 1], new Float32Array([0, 0, 0, 2, 0, 0])],
      labels: ['a & b', '"7"'],
      note: 'two of them',
    });
    expect(drawn(svg, 3, 2)).toEqual(['white', '#8f9499', '#8f9499', '#c7cacc', 'white', '#8f9499']);
    expect(svg).toContain('<path fill="#1f2933" d="M0 1h1v1h-1z"/>');
    for (const part of ['aria-label="Digits &lt;1&gt;"', '>a &amp; b<', '>&quot;7&quot;<', '>two of them<'])
      expect(svg).toContain(part);
    expect(svg.match(/<g /g)).toHaveLength(2);
  });

  it('show what is below 0 in another color, and say how far the colors reach', () => {
    const svg = imageGrid({ ...grid, images: [[-2, 0, 1, 0, 0, 0]] });
    expect(drawn(svg, 3, 2).slice(0, 3)).toEqual(['#1d5fa8', 'white', '#e2a88d']);
    expect(svg).toContain('blue to -2.0, white 0, orange to 2.0');
  });

  it('have three channels where they are colored, and a range where one is given', () => {
    const svg = imageGrid({ ...grid, channels: 3, width: 1, images: [[1, 0, 0, 0, 2, 1]] });
    expect(drawn(svg, 1, 2)).toEqual(['#ff0000', '#00ffff']);
    const ranged = imageGrid({ ...grid, range: [-1, 1], images: [[-1, 0, 1, 5, -5, -1]] });
    expect(drawn(ranged, 3, 2)).toEqual(['white', '#8f9499', '#1f2933', '#1f2933', 'white', 'white']);
    expect(imageGrid({ ...grid, images: [[0, 0, 0, 0, 0, 0]] })).not.toContain('<path');
  });

  it('stand in rows and fit the page, however many there are', () => {
    for (const [count, columns] of [
      [1, undefined],
      [23, undefined],
      [96, 6],
      [300, 30],
      [300, 300],
    ] as const) {
      const images = Array.from({ length: count }, () => [1, 1, 1, 1, 1, 1]);
      const svg = imageGrid({ ...grid, images, columns });
      const places = [...svg.matchAll(/translate\(([\d.]+) ([\d.]+)\) scale\(([\d.]+) [\d.]+\)/g)].map((m) =>
        m.slice(1).map(Number),
      );
      const [, tall] = /viewBox="0 0 640 (\d+)"/.exec(svg)!.map(Number);
      expect(new Set(places.map(([x, y]) => `${x},${y}`)).size).toBe(count);
      for (const [x, y, scale] of places) {
        expect(x + 3 * scale).toBeLessThanOrEqual(640 - 15.9);
        expect(y + 2 * scale).toBeLessThanOrEqual(tall);
      }
    }
  });

  it.each([
    [{ images: [] }, 'the images "Digits <1>" are none'],
    [{ images: [[1, 2]] }, 'are 2 x 3 x 1, 6 numbers each, and number 0 has 2'],
    [{ images: [[0, 0, Number.NaN, 0, 0, 0]] }, 'have NaN in number 0'],
    [{ images: [[0, 0, 0, 0, 0, 0]], labels: [] }, 'are 1, and have 0 labels'],
    [{ images: [[1]], channels: 2 }, 'channels must be 1, or 3 for red, green and blue, got 2'],
    [{ images: [[1]], height: 0 }, 'imageGrid: height: expected a whole number from 1, got 0'],
    [{ images: [[1]], columns: 1.5 }, 'imageGrid: columns: expected a whole number from 1, got 1.5'],
    [{ images: [[1]], range: [1, 1] }, 'range must be two numbers, the lower one first, got [1,1]'],
  ])('are refused: %j', (wrong, message) => {
    expect(() => imageGrid({ ...grid, ...wrong } as never)).toThrow(message);
  });
});

test('filters of a convolution are images, those of one input in a row, wherever the channels stand', () => {
  const [height, width, inputs, outputs] = [2, 3, 2, 4];
  const value = (o: number, i: number, y: number, x: number) => 1000 * o + 100 * i + 10 * y + x;
  const last: number[] = [];
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let i = 0; i < inputs; i++) for (let o = 0; o < outputs; o++) last.push(value(o, i, y, x));
  const first: number[] = [];
  for (let o = 0; o < outputs; o++)
    for (let i = 0; i < inputs; i++)
      for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) first.push(value(o, i, y, x));
  const images = filterImages(last, [height, width, inputs, outputs]);
  expect(images).toEqual(filterImages(first, [outputs, inputs, height, width], { channelsFirst: true }));
  expect([images.height, images.width, images.columns]).toEqual([2, 3, 4]);
  expect([...images.images[4 + 3]]).toEqual([3100, 3101, 3102, 3110, 3111, 3112]);
  expect(imageGrid({ title: 'Filters', ...images })).toContain('<svg');
  const signals = filterImages([1, 2, 3, 4, 5, 6], [3, 1, 2]);
  expect([signals.height, signals.width, ...signals.images[1]]).toEqual([1, 3, 2, 4, 6]);
  expect(() => filterImages([1, 2], [3, 1, 2])).toThrow('got [3, 1, 2] and 2 numbers');
  expect(() => filterImages([1, 2], [1, 2])).toThrow('the filters of a convolution over one axis or two');
});

describe('a confusion matrix', () => {
  const chart = { title: 'Cats & dogs', classes: ['cat', 'dog', 'owl'] };

  it('is a square a pair, with all counts but 0, right ones in blue and mistakes in orange', () => {
    const svg = confusionChart({ ...chart, counts: Int32Array.of(90, 10, 0, 1, 99, 0, 0, 0, 0) });
    expect(svg.match(/<rect/g)).toHaveLength(9);
    for (const part of [
      '>90<',
      '>10<',
      '>1<',
      '>99<',
      '>cat: 90.0 %<',
      '>owl<',
      'right: 189 of 200, 94.5 %',
      'mistakes: 11',
    ])
      expect(svg).toContain(part);
    expect(svg).not.toContain('>0<');
    // The most frequent mistake has full ink.
    expect(svg).toContain('fill="#c4501b"');
    expect(svg).toContain('aria-label="Cats &amp; dogs"');
  });

  it('does not call everything right what is not', () => {
    const counts = [9999, 1, 0, 10000];
    expect(confusionChart({ ...chart, classes: ['a', 'b'], counts })).toContain('99.99 %');
  });

  it.each([
    [{ counts: [1, 2] }, 'the confusion matrix "Cats & dogs" of 3 classes needs 9 counts, and has 2'],
    [{ classes: [], counts: [] }, 'of 0 classes needs 0 counts and classes, and has 0'],
    [{ counts: [1, 2, 3, 4, 5, 6, 7, 8, -1] }, 'needs whole numbers from 0, and has -1'],
    [{ counts: [1, 2, 3, 4, 5, 6, 7, 8, 0.5] }, 'and has 0.5'],
  ])('is refused: %j', (wrong, message) => {
    expect(() => confusionChart({ ...chart, ...wrong } as never)).toThrow(message);
  });
});
