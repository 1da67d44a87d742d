import { describe, expect, it } from 'vitest';
import { evaluateGraph } from '../../src/graph/evaluate.js';
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

const idle: Record<string, (c: Tensor, e: Tensor, w: Tensor) => { carry: Tensor[]; outputs: Tensor[] }> = {
  'by an output that nobody reads': (c, e, w) => ({ carry: [c.mul(e), c], outputs: [c.mul(w), c] }),
  'by a carried value that nobody reads': (c, e, w) => ({
    carry: [c.mul(e), c.add(w).sqrt()],
    outputs: [w, c],
  }),
};

describe.each(Object.keys(idle))('a parameter that is reached only %s', (way) => {
  const step = (allowUnused: boolean) =>
    trainStep({
      model: { w: nn.parameter([2], () => [-9, 4]), used: nn.parameter([2], () => [1, 2]) },
      batch: { x: f32(3, 2) },
      loss: ({ w, used }, { x }) => {
        const { carry, outputs } = scan(([c]: Tensor[], e: Tensor) => idle[way](c, e, w), {
          carry: [used, used] as Tensor[],
          inputs: x,
        });
        return carry[0].square().mean().add(outputs[1].sum());
      },
      optimizer: optim.adamW({ weightDecay: 0.5 }),
      allowUnused,
    });

  it('is refused on both engines, as without a scan', async () => {
    const message = /^the loss does not reach w: take it out of the model, or set allowUnused/;
    expect(() => step(false).interpret()).toThrow(message);
    await expect(step(false).compile()).rejects.toThrow(message);
  });

  it('stays as it is where that is allowed, and spoils no other gradient', async () => {
    const moved: number[][] = [];
    for (const session of [step(true).interpret(), await step(true).compile()]) {
      for (const x of [1, 2]) session.step({ lr: 0.1, batch: { x: [x, 2, 3, 4, 5, 6] } });
      expect(Array.from(session.read('w'))).toEqual([-9, 4]);
      moved.push(Array.from(session.read('used')));
      await session.close();
    }
    moved[0].forEach((v, i) => {
      expect(moved[1][i]).toBeCloseTo(v, 5);
    });
  });
});

it('has the gradients of its steps written out, where cotangents flow to other carried values from step to step', () => {
  // sqrt has an infinite derivative at 0: a cotangent of 0 that flows where none should makes NaN.
  const bodies: ((c: Tensor[], x: Tensor, w: Tensor) => Tensor[])[] = [
    ([a, b, c], x, w) => [x.mul(w).sqrt(), a.mul(w), b.add(c.mul(0))],
    ([a, b, c], x, w) => [b.mul(w), a.add(x), c.mul(w).sqrt()],
    ([, b, c], x, w) => [x.mul(w).sqrt(), c.mul(b), b.mul(w)],
    ([, b], x, w) => [x.mul(w).sqrt(), b.mul(w), x.sqrt()],
  ];
  const given = { h: f32(3, 2), w: f32(2), xs: f32(5, 2) };
  const at = (x: Tensor, t: number) => x.slice([t, 0], [1, 2]).reshape([2]);
  const numbers = { h: [1, 2, 0, 0, 0, 0], w: [2, 3], xs: [0, 1, 0, 4, 5, 6, 0, 1, 2, 3] };
  const results = (body: (typeof bodies)[number], read: number, written: boolean, length: number) =>
    evaluateGraph(
      trace('f', given, ({ h, w, xs }) => {
        const first = [0, 1, 2].map((t) => at(h, t));
        let last = first;
        if (written) for (let t = 0; t < length; t++) last = body(last, at(xs, t), w);
        else
          last = scan((c: Tensor[], x: Tensor) => ({ carry: body(c, x, w) }), {
            carry: first,
            inputs: xs.slice([0, 0], [length, 2]),
          }).carry;
        const flows = gradients(last[read].sum(), [h, w, xs]);
        return { y: last[read], ...Object.fromEntries(flows.flatMap((g, i) => (g ? [[`d${i}`, g]] : []))) };
      }),
      numbers,
      {},
      'float64',
    ).outputs;
  for (const body of bodies)
    for (const read of [0, 1, 2])
      for (const length of [1, 4]) {
        const [got, want] = [false, true].map((written) => results(body, read, written, length));
        const text = (made: typeof got) =>
          Object.fromEntries(
            Object.entries(made).map(([name, { data }]) => [name, Array.from(data, (v) => v.toPrecision(9))]),
          );
        expect(text(got), `${bodies.indexOf(body)} ${read} ${length}`).toEqual(text(want));
      }
});
