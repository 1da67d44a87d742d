import { expect, test } from 'vitest';
import { heatMap } from '../../src/report/heat-map.js';

const map = { title: 'A <map>', x: 'to', y: 'from', columns: ['a', 'b'], rows: ['c', 'd'] };

test('a heat map has a square for each number, the largest in full ink, and writes all but 0', () => {
  const svg = heatMap({
    ...map,
    values: [
      [0, 1],
      [0.25, 2],
    ],
    digits: 2,
  });
  expect(svg).toContain('aria-label="A &lt;map&gt;"');
  expect(svg.match(/<rect/g)).toHaveLength(4);
  for (const part of ['fill="#ffffff"', 'fill="#1d5fa8"', '>0.25<', '>2.00<', '>from<'])
    expect(svg).toContain(part);
  expect(svg).not.toContain('>0.00<');
});

test('what cannot be drawn is named', () => {
  expect(() => heatMap({ ...map, values: [[1, 2]] })).toThrow('"A <map>" has 2 rows of 2 and other values');
  expect(() =>
    heatMap({
      ...map,
      values: [
        [1, 2],
        [3, -1],
      ],
    }),
  ).toThrow('needs numbers from 0, and has -1');
  expect(() =>
    heatMap({
      ...map,
      values: [
        [1, 2],
        [3, Number.NaN],
      ],
    }),
  ).toThrow('has NaN');
  expect(
    heatMap({
      ...map,
      values: [
        [0, 0],
        [0, 0],
      ],
    }),
  ).toContain('<rect');
});
