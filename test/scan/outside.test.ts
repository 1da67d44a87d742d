import { expect, it } from 'vitest';
import { compileFunction, f32, gradients, scan, type Tensor, trace } from '../../src/index.js';

// What a body returns may be a tensor of outside as it is.

type Given = { h: Tensor; w: Tensor; xs: Tensor };
type Cell = (given: Given) => (c: Tensor, x: Tensor) => { carry: Tensor; outputs: Tensor };

const cells: Record<string, Cell> = {
  'the output of every step':
    ({ w }) =>
    (c, x) => ({ carry: c.mul(x), outputs: w }),
  'computed outside, the output of every step': ({ w }) => {
    const twice = w.mul(2);
    return (c, x) => ({ carry: c.mul(x), outputs: twice });
  },
  'the first carry, an output of every step':
    ({ h }) =>
    (c, x) => ({ carry: c.mul(x), outputs: h }),
  'the carry of every step':
    ({ w }) =>
    (c, x) => ({ carry: w, outputs: c.mul(x) }),
};
const values = { h: [0.5, -1], w: [2, 3], xs: [1, 2, 3, 4, 5, 6] };

it.each(Object.keys(cells))('%s', async (name) => {
  const lossOf = (run: (given: Given) => { carry: Tensor; outputs: Tensor[] }) =>
    trace('f', { h: f32(2), w: f32(2), xs: f32(3, 2) }, (given) => {
      const { h, w, xs } = given as Given;
      const { carry, outputs } = run({ h, w, xs });
      const loss = outputs.reduce(
        (sum, y, t) =>
          sum.add(
            y
              .square()
              .mul(t + 1)
              .sum(),
          ),
        carry.sum(),
      );
      const flows = gradients(loss, [h, w, xs]).flatMap((flow, i) =>
        flow ? [[`d${i}`, flow] as const] : [],
      );
      return { loss, ...Object.fromEntries(flows) };
    });
  const row = (y: Tensor, t: number) => y.slice([t, 0], [1, 2]).reshape([2]);
  const asScan = lossOf((given) => {
    const { carry, outputs } = scan(cells[name](given), { carry: given.h, inputs: given.xs });
    return { carry, outputs: [0, 1, 2].map((t) => row(outputs, t)) };
  });
  const byHand = lossOf((given) => {
    const step = cells[name](given);
    const outputs: Tensor[] = [];
    let carry = given.h;
    for (let t = 0; t < 3; t++) {
      const made = step(carry, row(given.xs, t));
      carry = made.carry;
      outputs.push(made.outputs);
    }
    return { carry, outputs };
  });
  const [one, other] = [await compileFunction(asScan), await compileFunction(byHand)];
  const expected = other.call(values);
  const got = one.call(values);
  for (const [key, numbers] of Object.entries(expected)) expect(got[key], key).toEqual(numbers);
  await Promise.all([one.close(), other.close()]);
});
