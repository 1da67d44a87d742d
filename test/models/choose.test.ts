import { expect, test } from 'vitest';
import { choose, PLAIN } from '../../src/models/choose.js';

const P = [0.1, 0.4, 0.2, 0.3];
/** The share of uniform numbers that draws each index. */
function shares(probabilities: number[], how: Partial<typeof PLAIN>): number[] {
  const counts = probabilities.map(() => 0);
  for (let i = 0; i < 10_000; i++) counts[choose(probabilities, (i + 0.5) / 10_000, { ...PLAIN, ...how })]++;
  return counts.map((n) => n / 10_000);
}

test.each([
  ['as they are', {}, P],
  ['of any sum', { probabilities: P.map((p) => 7 * p) }, P],
  ['sharper below a temperature of 1', { temperature: 0.5 }, [1, 16, 4, 9].map((w) => w / 30)],
  ['flatter above', { temperature: 2 }, P.map((p) => Math.sqrt(p) / P.reduce((s, q) => s + Math.sqrt(q), 0))],
  ['the likeliest at 0', { temperature: 0 }, [0, 1, 0, 0]],
  ['the likeliest near 0', { temperature: 1e-3 }, [0, 1, 0, 0]],
  ['among the two likeliest', { topK: 2 }, [0, 4 / 7, 0, 3 / 7]],
  ['among all where there are no more', { topK: 9 }, P],
  ['among the likeliest that reach a probability', { topP: 0.6 }, [0, 4 / 7, 0, 3 / 7]],
  ['the first of equals', { topK: 1, probabilities: [0.25, 0.25, 0.25, 0.25] }, [1, 0, 0, 0]],
  ['by top-p of what top-k has left', { topK: 2, topP: 0.5 }, [0, 1, 0, 0]],
])(
  'draws %s',
  (_, { probabilities = P, ...how }: Partial<typeof PLAIN> & { probabilities?: number[] }, expected) => {
    shares(probabilities, how).forEach((share, i) => {
      expect(share).toBeCloseTo(expected[i], 3);
    });
  },
);

test('refuses what is no number', () => {
  expect(() => choose([0.5, Number.NaN], 0.5)).toThrow('not numbers');
});

test('takes defaults for what is left out', () => {
  for (const how of [{}, { topK: 2 }, { temperature: 1 }, { topP: undefined }])
    expect([0.01, 0.98].map((uniform) => choose([0.97, 0.02, 0.01], uniform, how))).toEqual([0, 1]);
});

test.each<[object, string]>([
  [{ temperature: Number.NaN }, 'choose: temperature must be 0 or more, got NaN'],
  [{ temperature: -1 }, 'choose: temperature must be 0 or more, got -1'],
  [{ topK: 1.5 }, 'choose: topK: expected a whole number from 0, got 1.5'],
  [{ topP: 0 }, 'choose: topP must be above 0, got 0'],
  [{ temprature: 1 }, 'did you mean temperature?'],
])('refuses %o', (how, message) => {
  expect(() => choose([0.5, 0.5], 0.5, how)).toThrow(message);
});
