import { expect, it } from 'vitest';
import {
  compileFunction,
  f32,
  gradients,
  nn,
  optim,
  scan,
  type Tensor,
  trace,
  trainStep,
} from '../../src/index.js';

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

it('what depends on the carry has no gradient by a tensor of outside', () => {
  const make = (by: 'w' | 'carry') => () =>
    trace('f', { h: f32(), w: f32(), xs: f32(3) }, ({ h, w, xs }) => ({
      y: scan(
        (c: Tensor, x: Tensor) => {
          const loss = c.mul(x).sub(w).square();
          return { carry: c.sub(gradients(loss, [by === 'w' ? w : c])[0]!) };
        },
        { carry: h, inputs: xs },
      ).carry,
    }));
  expect(make('w')).toThrow(
    /^gradients: inside of a scan what depends on the carry has no gradient by a tensor of outside \(outside\.test\.ts:\d+\)/,
  );
  expect(make('carry')).not.toThrow();
});

it('a batch norm in a body is refused by name', async () => {
  const norm = nn.batchNorm(2);
  const step = () =>
    trainStep({
      model: { norm },
      batch: { x: f32(4, 3, 2) },
      loss: (m, { x }) => {
        const xs = x.transpose([1, 0, 2]);
        const { carry } = scan((c: Tensor, e: Tensor) => ({ carry: m.norm(c.add(e)).tanh() }), {
          carry: xs.slice([0, 0, 0], [1, 4, 2]).reshape([4, 2]),
          inputs: xs,
        });
        return carry.square().mean();
      },
      optimizer: optim.sgd(),
    });
  await expect((async () => step().interpret())()).rejects.toThrow(
    /^batchNorm: its statistics are those of a batch, not of a step of a scan/,
  );
});

it.each([false, true])(
  'a parameter that a body reads and no result needs is not reached (allowed: %s)',
  async (allowed) => {
    const step = () =>
      trainStep({
        model: { w: nn.parameter([2], () => [1, 2]), idle: nn.parameter([2], () => [1, 1]) },
        batch: { x: f32(3, 2) },
        loss: ({ w, idle }, { x }) => {
          const body = (c: Tensor, e: Tensor) => {
            c.mul(idle);
            return { carry: c.mul(e).add(w) };
          };
          return scan(body, { carry: x.slice([0, 0], [1, 2]).reshape([2]), inputs: x })
            .carry.square()
            .mean();
        },
        optimizer: optim.adamW({ weightDecay: 0.5 }),
        allowUnused: allowed,
      });
    if (!allowed) {
      await expect((async () => step().interpret())()).rejects.toThrow(/idle/);
      await expect((async () => step().compile())()).rejects.toThrow(/idle/);
      return;
    }
    const session = await step().compile();
    session.step({ lr: 0.1, batch: { x: [1, 2, 3, 4, 5, 6] } });
    expect(Array.from(session.read('idle'))).toEqual([1, 1]);
    await session.close();
  },
);
