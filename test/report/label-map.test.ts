import { expect, it } from 'vitest';
import { OptionError } from '../../src/errors.js';
import { labelMap } from '../../src/report/label-map.js';

const texts = (svg: string) => [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text]) => text);

it('a map of labels has those that do not lie on one before them, and dots for the others', () => {
  const points = [
    { label: 'first', x: 0, y: 0 },
    { label: 'hidden', x: 0.001, y: 0 },
    { label: 'a<b', x: 1, y: 1 },
    { label: 'lost', x: Number.NaN, y: 0 },
  ];
  const svg = labelMap({ title: 'Words', points, x: 'one', y: 'two' });
  const shown = texts(svg);
  for (const label of ['first', 'a&lt;b', 'one', 'two', 'Words']) expect(shown).toContain(label);
  for (const label of ['hidden', 'lost']) expect(shown).not.toContain(label);
  expect(svg.match(/<circle/g)).toHaveLength(1);
});

it('without a point there is no map', () => {
  expect(() => labelMap({ title: 'x', points: [] })).toThrow(OptionError);
});
