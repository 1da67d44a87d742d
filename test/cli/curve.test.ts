import { expect, test } from 'vitest';
import { addLoss, type Curve, curveFrom, emptyCurve, formatCurve, trimCurve } from '../../src/cli/curve.js';

const loss = (step: number) => 5 - Math.log(step + 1.37);
const add = (curve: Curve, from: number, to: number) => {
  for (let step = from; step < to; step++) addLoss(curve, loss(step));
  return curve;
};
const again = (curve: Curve, at: number) => curveFrom(JSON.parse(formatCurve(curve)), at);

test('short runs keep the loss of every step, long ones means of several', () => {
  expect(add(emptyCurve(10), 0, 10).train).toEqual(Array.from({ length: 10 }, (_, i) => loss(i)));
  const long = add(emptyCurve(2_500_000), 0, 10);
  expect(long.span).toBe(3);
  expect(long.train).toHaveLength(3);
  expect(long.train[1]).toBeCloseTo((loss(3) + loss(4) + loss(5)) / 3, 12);
});

test.each([1000, 2_500_000])('a curve of %i steps that was stored goes on as one that was not', (steps) => {
  const whole = add(emptyCurve(steps), 0, 100);
  for (const at of [0, 1, 50, 51, 52, 99])
    expect(formatCurve(add(again(add(emptyCurve(steps), 0, at), at), at, 100))).toBe(formatCurve(whole));
});

test('what was lost is a gap, and what came after a step back is forgotten', () => {
  const curve = add(emptyCurve(2_500_000), 0, 10);
  curve.dev.push({ step: 5, loss: 1 }, { step: 9, loss: 2 });
  trimCurve(curve, 7);
  expect([curve.train.length, curve.rest]).toEqual([2, [Number.NaN]]);
  expect(curve.dev).toEqual([{ step: 5, loss: 1 }]);
  expect(again(curve, 12).train).toEqual([
    ...curve.train.map((x) => Number(x.toPrecision(6))),
    Number.NaN,
    Number.NaN,
  ]);
});

test.each([{ train: 3 }, { span: 0 }, { span: 2, rest: ['x'] }, { dev: [[1.5, 2]] }])(
  '%j is damage',
  (json) => {
    expect(() => curveFrom(json, 4)).toThrow('does not hold losses');
  },
);
