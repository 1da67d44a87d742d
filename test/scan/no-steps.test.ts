import { describe, expect, it } from 'vitest';
import {
  broadcastTo,
  compileFunction,
  f32,
  gather,
  gradients,
  i32,
  nn,
  optim,
  scan,
  type Tensor,
  tensor,
  trace,
  trainStep,
} from '../../src/index.js';
import type { Eager } from '../../src/tape/tape.js';

// A scan of no steps gives its carry as it is and outputs without rows; gradients go to the carry.

type Given = Record<string, Tensor>;
const zeros = (...shape: number[]) => broadcastTo(tensor(0), shape);
/** Of a sequence [batch, time, ...] no step. */
const none = (x: Tensor) => x.slice([0, 0, 0], [x.shape[0], 0, x.shape[2]]);
const numbers = (x: Tensor) => Array.from((x as Eager).data);

const types = {
  h: f32(2),
  s: f32(2),
  xs: f32(0, 2),
  w: f32(2),
  ids: i32(0),
  table: f32(3, 2),
  unread: f32(2),
};
const values = {
  h: [2, -3],
  s: [5, 7],
  xs: [],
  w: [1, 4],
  ids: [],
  table: [1, 2, 3, 4, 5, 6],
  unread: [1, 1],
};

/** A scan of several states, and its gradients by all that goes in; what must not be reached has none. */
function everything(given: Given, reverse: boolean): Given {
  const { h, s, xs, w, ids, table, unread } = given;
  const { carry, outputs } = scan(
    ({ h, s, n, idle }, { x, id }) => {
      const next = h.mul(w).add(x.sqrt()).add(gather(table, id)).add(s.log());
      return {
        carry: { h: next, s: s.mul(x), n: n.add(1), idle: idle.mul(unread) },
        outputs: { next, list: [x.greater(0), n] },
      };
    },
    {
      carry: { h, s, n: tensor(3, { dtype: 'i32' }), idle: zeros(2) },
      inputs: { x: xs, id: ids },
      reverse,
    },
  );
  const loss = carry.h.square().sum().add(outputs.next.sum());
  const wanted = { h, s, xs, w, table, unread };
  const flows = gradients(loss, Object.values(wanted));
  expect(flows[5]).toBe(null);
  return {
    ...{ h: carry.h, s: carry.s, n: carry.n, loss },
    ...{ next: outputs.next, flag: outputs.list[0], counted: outputs.list[1] },
    ...Object.fromEntries(
      Object.keys(wanted).flatMap((name, i) => (flows[i] ? [[`d_${name}`, flows[i]]] : [])),
    ),
  };
}

const expected = {
  ...{ h: [2, -3], s: [5, 7], n: [3], loss: [13] },
  ...{ next: [], flag: [], counted: [] },
  ...{ d_h: [4, -6], d_s: [0, 0], d_xs: [], d_w: [0, 0], d_table: [0, 0, 0, 0, 0, 0] },
};

describe('a scan of no steps', () => {
  it.each([false, true])('is the same on the tape and compiled (from the end: %s)', async (reverse) => {
    const eager = Object.fromEntries(
      Object.entries(types).map(([name, { shape, dtype }]) => {
        const flat = tensor(values[name as keyof typeof values], { dtype, requiresGrad: dtype === 'f32' });
        return [name, flat.reshape(shape)];
      }),
    );
    const made = everything(eager, reverse);
    expect(Object.fromEntries(Object.entries(made).map(([name, t]) => [name, numbers(t)]))).toEqual(expected);
    expect([made.next, made.flag, made.counted, made.d_xs].map((t) => t.toString())).toEqual([
      ...['Tensor f32[0, 2] []', 'Tensor bool[0, 2] []', 'Tensor i32[0] []', 'Tensor f32[0, 2] []'],
    ]);

    const graph = trace('none', types, (given) => everything(given, reverse));
    const compiled = await compileFunction(graph);
    const got = compiled.call(values);
    expect(Object.fromEntries(Object.entries(got).map(([name, x]) => [name, Array.from(x)]))).toEqual(
      expected,
    );
    await compiled.close();
  });

  it('has a length of 0 where nothing is walked along, and stands in others, and others in it', () => {
    const { carry, outputs } = scan((c) => ({ carry: c.mul(2), outputs: [c, c.sum()] }), {
      carry: tensor([1, 2]),
      length: 0,
    });
    expect(numbers(carry)).toEqual([1, 2]);
    expect(outputs.map((y) => y.shape)).toEqual([[0, 2], [0]]);
    const nested = (steps: number, inner: number) => (w: Tensor) =>
      scan((c) => ({ carry: scan((d) => ({ carry: d.mul(w) }), { carry: c, length: inner }).carry.add(w) }), {
        carry: w,
        length: steps,
      }).carry.sum();
    for (const [steps, inner, value, slope] of [
      [0, 2, 3, 1],
      [2, 0, 9, 3],
      [0, 0, 3, 1],
    ]) {
      const w = tensor(3, { requiresGrad: true });
      const y = nested(steps, inner)(w) as Eager;
      y.backward();
      expect([y.item(), w.grad!.item()]).toEqual([value, slope]);
      const graph = trace('nested', { w: f32() }, ({ w }) => ({
        d: gradients(nested(steps, inner)(w), [w])[0]!,
      }));
      expect(graph.outputs[0].node.shape).toEqual([]);
    }
  });

  it('has gradients of gradients', () => {
    const h = tensor(2, { requiresGrad: true });
    const w = tensor(5, { requiresGrad: true });
    const { carry } = scan((c) => ({ carry: c.mul(w) }), { carry: h.square(), length: 0 });
    const [first, other] = gradients(carry, [h, w], { createGraph: true });
    const [second] = gradients(first!.add(other!), [h]);
    expect([first, other, second].map((x) => (x as Eager).item())).toEqual([4, 0, 2]);
  });

  it('leaves variables as they are, and its body is held to the rules of any', () => {
    const total = nn.state([], () => [7]);
    const read = () =>
      scan(
        (c) => {
          total.assign(total.add(c));
          return { carry: c };
        },
        { carry: tensor(1), length: 0 },
      ).carry.add(total);
    const session = trainStep({
      model: { total, w: nn.parameter([], () => [1]) },
      batch: { x: f32(1) },
      loss: (m, { x }) => read().mul(m.w).add(x.sum()),
      optimizer: optim.sgd(),
    }).interpret();
    expect(session.step({ lr: 0.1, batch: { x: [0] } })).toBe(8);
    expect(session.read('total')[0]).toBe(7);
    const h = tensor([1, 2]);
    // biome-ignore lint/suspicious/noExplicitAny: what types would refuse as well.
    const wrong = (made: any) => () => scan((() => made) as any, { carry: h, length: 0 });
    expect(wrong({ carry: tensor(1) })).toThrow(/^scan: carry must keep its type from step to step/);
    expect(wrong({ carry: h, output: h })).toThrow(/it is called outputs/);
    expect(wrong(h)).toThrow(/^scan: the body must return what it carries on/);
  });
});

describe.each(['rnn', 'gru', 'lstm'] as const)('%s of no steps', (kind) => {
  it('gives no outputs and the state that it is given, and its weights have a gradient of 0', async () => {
    const step = trainStep({
      model: {
        cells: nn[kind](3, 4, { layers: 2, bidirectional: true }),
        read: nn.linear(4, 1),
      },
      batch: { x: f32(2, 2, 3), h: f32(2, 4) },
      loss: ({ cells, read }, { x, h }) => {
        const states = Array.from({ length: 4 }, () => (kind === 'lstm' ? [h, h.mul(2)] : [h]));
        const { outputs, state } = cells.run(none(x), states);
        expect(outputs.shape).toEqual([2, 0, 8]);
        return read(state[3].at(-1)!).square().mean().add(outputs.sum());
      },
      predict: {
        inputs: { x: f32(1, 2, 3) },
        output: ({ cells }, { x }) => cells(x),
      },
      entries: {
        none: { inputs: { x: f32(1, 2, 3) }, output: ({ cells }, { x }) => cells(none(x)) },
      },
      optimizer: optim.sgd(),
      keepGradients: true,
    });
    const runs: number[][] = [];
    const sessions = [
      step.interpret({ precision: 'float64' }),
      ...(kind === 'lstm' ? [await step.compile()] : []),
    ];
    for (const session of sessions) {
      const before = Array.from(session.read('cells.layers.0.forward.hiddenWeight'));
      const batch = { x: Array(12).fill(1), h: [1, -1, 0.5, 2, 0, 1, 1, -2] };
      const losses = [0, 1].map(() => session.step({ lr: 0.01, batch }));
      expect(Array.from(session.read('cells.layers.0.forward.hiddenWeight'))).toEqual(before);
      expect(losses[1]).toBeLessThan(losses[0]);
      expect(session.invoke('none', { x: [1, 2, 3, 4, 5, 6] }).output).toHaveLength(0);
      expect(session.predict({ x: [1, 2, 3, 4, 5, 6] })).toHaveLength(16);
      runs.push(losses);
      await session.close();
    }
    for (const [i, loss] of runs[0].entries())
      for (const losses of runs) expect(losses[i]).toBeCloseTo(loss, 5);
  });
});
