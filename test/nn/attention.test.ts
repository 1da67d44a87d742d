import { describe, expect, it } from 'vitest';
import {
  attention,
  f32,
  gpt,
  i32,
  nn,
  optim,
  rotary,
  type Session,
  type Tensor,
  tensor,
  trainStep,
} from '../../src/index.js';
import type { Eager } from '../../src/tape/tape.js';

const [BATCH, PLACES, WIDTH, HEADS] = [2, 5, 12, 3];

/** A session of a layer on x, and on a memory if it looks at one. */
function around(given: nn.Module<[x: Tensor]>, memory = 0): Session {
  const layer = given as nn.Module<[Tensor, nn.AttentionInputs?]>;
  const scale = nn.parameter([], () => [1]);
  const inputs = { x: f32(BATCH, PLACES, WIDTH), ...(memory && { memory: f32(BATCH, 7, memory) }) };
  const of = (all: Record<string, Tensor>) => layer(all.x, memory ? { memory: all.memory } : undefined);
  return trainStep({
    model: { layer, scale },
    batch: inputs,
    loss: (_, all) => of(all).mul(scale).square().mean(),
    optimizer: optim.sgd(),
    predict: { inputs, output: (_, all) => of(all) },
  }).interpret({ precision: 'float64', seed: 5 });
}

const wave = (n: number, speed = 1) => Array.from({ length: n }, (_, i) => Math.sin(speed * i + 0.3));
const x = wave(BATCH * PLACES * WIDTH);

describe('multiHeadAttention', () => {
  it('is attention of heads that have columns of the matrices each', () => {
    const session = around(nn.multiHeadAttention(WIDTH, HEADS, { causal: true }));
    const [w, b, o, c] = ['input.weight', 'input.bias', 'output.weight', 'output.bias'].map((name) =>
      Array.from(session.read(`layer.${name}`)),
    );
    const all = tensor(x)
      .reshape([BATCH, PLACES, WIDTH])
      .matmul(tensor(w).reshape([WIDTH, 3 * WIDTH]))
      .add(tensor(b));
    const size = WIDTH / HEADS;
    const found = Array.from({ length: HEADS }, (_, h) => {
      const part = (which: number) => all.slice([0, 0, which * WIDTH + h * size], [BATCH, PLACES, size]);
      return attention(part(0), part(1), part(2), { causal: true });
    });
    const joined = found.map((t, h) =>
      t.matmul(
        tensor(o)
          .reshape([WIDTH, WIDTH])
          .slice([h * size, 0], [size, WIDTH]),
      ),
    );
    const want = joined.reduce((a, t) => a.add(t)).add(tensor(c)) as Eager;
    const got = session.predict({ x });
    want.data.forEach((value, i) => {
      expect(got[i]).toBeCloseTo(value, 5);
    });
  });

  it('sees nothing of later places where it is causal', () => {
    const session = around(nn.multiHeadAttention(WIDTH, HEADS, { causal: true, groups: 1, rotary: true }));
    const before = Array.from(session.predict({ x }));
    const changed = x.map((value, i) => (Math.floor(i / WIDTH) % PLACES > 2 ? -value : value));
    const after = session.predict({ x: changed });
    before.forEach((value, i) => {
      if (Math.floor(i / WIDTH) % PLACES <= 2) expect(after[i]).toBe(value);
      else expect(after[i]).not.toBe(value);
    });
  });

  it('looks at a memory of another width', () => {
    const session = around(nn.multiHeadAttention(WIDTH, HEADS, { memory: 4, groups: 1, bias: false }), 4);
    expect(session.names()).toEqual([
      'layer.query.weight',
      'layer.memory.weight',
      'layer.output.weight',
      'scale',
    ]);
    const memory = wave(BATCH * 7 * 4, 2);
    const first = session.predict({ x, memory });
    // The order of what is looked at does not matter.
    const rows = Array.from({ length: BATCH * 7 }, (_, r) => memory.slice(4 * r, 4 * r + 4));
    const turned = [...rows.slice(0, 7).reverse(), ...rows.slice(7).reverse()].flat();
    session.predict({ x, memory: turned }).forEach((value, i) => {
      expect(value).toBeCloseTo(first[i], 12);
    });
  });

  it('says what is wrong with its sizes and inputs', () => {
    const make =
      (...args: unknown[]) =>
      () =>
        nn.multiHeadAttention(...(args as [number, number]));
    expect(make(10, 3)).toThrow('multiHeadAttention: 3 heads do not divide a width of 10');
    expect(make(12, 4, { groups: 3 })).toThrow('3 groups do not divide 4 heads');
    expect(make(12, 4, { rotary: true })).toThrow('the width of a head, 3, is odd');
    expect(make(12, 4, { head: 2 })).toThrow('there is no option head');
    expect(make(12, 0)).toThrow('multiHeadAttention: heads');
    expect(make(12, 4, { memory: 8, rotary: 10 })).toThrow('rotary');
    expect(() => around(nn.multiHeadAttention(6, 2)).predict({ x })).toThrow(
      'expected [batch, places, 6], got [2, 5, 12]',
    );
    expect(() => around(nn.multiHeadAttention(WIDTH, 2, { memory: 3 })).predict({ x })).toThrow(
      'it looks at a memory: call it with (x, { memory })',
    );
    expect(() => around(nn.multiHeadAttention(WIDTH, 2), 3).predict({ x, memory: wave(BATCH * 21) })).toThrow(
      'made without a memory',
    );
  });
});

describe('rotary', () => {
  it('turns each pair by its place and frequency, so that products depend on distances', () => {
    const width = 6;
    const values = wave(4 * width);
    const turned = rotary(tensor(values).reshape([4, width]), { base: 100 }) as Eager;
    for (let t = 0; t < 4; t++) {
      for (let i = 0; i < 3; i++) {
        const angle = t * 100 ** (-i / 3);
        const [a, b] = [values[t * width + i], values[t * width + i + 3]];
        expect(turned.data[t * width + i]).toBeCloseTo(a * Math.cos(angle) - b * Math.sin(angle), 5);
        expect(turned.data[t * width + i + 3]).toBeCloseTo(b * Math.cos(angle) + a * Math.sin(angle), 5);
      }
    }
    const at = (place: number, row: number) => {
      const positions = tensor([place], { dtype: 'i32' });
      return rotary(tensor(values.slice(row * width, (row + 1) * width)).reshape([1, width]), { positions });
    };
    const product = (t: number, s: number) => (at(t, 0).mul(at(s, 1)).sum() as Eager).item();
    expect(product(7, 4)).toBeCloseTo(product(103, 100), 4);
  });

  it('wants an even width and a place for each row', () => {
    expect(() => rotary(tensor([1, 2, 3]).reshape([1, 3]))).toThrow(
      'rotary: expected [..., places, an even width]',
    );
    expect(() => rotary(tensor([[1, 2]]), { positions: tensor([1, 2], { dtype: 'i32' }) })).toThrow(
      'rotary: positions must be i32[1]',
    );
    expect(() => rotary(tensor([[1, 2]]), { base: 0 })).toThrow('rotary: base');
  });
});

describe('positions and norms', () => {
  const predict = (layer: nn.Module, values: number[]) => around(layer).predict({ x: values });

  it('sinusoidal ones are sines and cosines of the place', () => {
    const got = predict(nn.sinusoidalPositions(WIDTH), new Array(x.length).fill(0));
    const half = WIDTH / 2;
    got.forEach((value, at) => {
      const [place, i] = [Math.floor(at / WIDTH) % PLACES, at % WIDTH];
      const angle = place * 10_000 ** (-(i % half) / half);
      expect(value).toBeCloseTo(i < half ? Math.sin(angle) : Math.cos(angle), 6);
    });
    expect(() => nn.sinusoidalPositions(5)).toThrow('the width must be even');
  });

  it('learned ones are rows of a table, as many as there are places', () => {
    const session = around(nn.learnedPositions(9, WIDTH));
    const table = session.read('layer.weight');
    session.predict({ x }).forEach((value, i) => {
      expect(value).toBeCloseTo(x[i] + table[i % (PLACES * WIDTH)], 6);
    });
    expect(() => around(nn.learnedPositions(4, WIDTH)).predict({ x })).toThrow(
      'learnedPositions: [2, 5, 12] has 5 places, and positions are learned for 4',
    );
  });

  it('rmsNorm divides by the root of the mean square', () => {
    const got = predict(nn.rmsNorm(WIDTH, { eps: 0.01 }), x);
    for (let row = 0; row < BATCH * PLACES; row++) {
      const values = x.slice(row * WIDTH, (row + 1) * WIDTH);
      const root = Math.sqrt(values.reduce((s, v) => s + v * v, 0) / WIDTH + 0.01);
      values.forEach((value, i) => {
        expect(got[row * WIDTH + i]).toBeCloseTo(value / root, 6);
      });
    }
    expect(() => nn.rmsNorm(3, { bias: true } as never)).toThrow('there is no option bias');
    expect(() => predict(nn.rmsNorm(3), x)).toThrow('rmsNorm(3): expected [..., 3]');
  });
});

describe('a GPT', () => {
  const small = { vocab: 7, context: 6, width: 8, heads: 2, layers: 1 };
  const stepOf = (options: object, places = 6) =>
    trainStep({
      model: gpt({ ...small, ...options }),
      batch: { x: i32(2, places) },
      loss: (model, { x }) => model(x).square().mean(),
      optimizer: optim.sgd(),
    });

  it('has one table where it is tied, and learns with dropout as the tape does', async () => {
    const step = stepOf({ tie: true, positions: 'rotary', dropout: 0.2, norm: 'rms', mlp: 'gated' });
    expect(step.description.variables.map((v) => v.name).filter((name) => /table|head/.test(name))).toEqual([
      'table',
    ]);
    const [tape, compiled] = [step.interpret({ seed: 4 }), await step.compile({ seed: 4, threads: 2 })];
    const batch = { x: Array.from({ length: 12 }, (_, i) => (i * i) % 7) };
    for (let i = 0; i < 4; i++)
      expect(compiled.step({ lr: 0.1, batch })).toBeCloseTo(tape.step({ lr: 0.1, batch }), 5);
    await compiled.close();
  });

  it('says what is wrong', () => {
    expect(() => gpt({ ...small, heads: 3 })).toThrow('3 heads do not divide a width of 8');
    expect(() => gpt({ ...small, position: 'rotary' } as never)).toThrow('did you mean positions');
    expect(() => gpt({ ...small, positions: 'none' } as never)).toThrow('gpt: positions');
    expect(() => gpt({ ...small, context: 0 })).toThrow('gpt: context');
    expect(() => stepOf({}, 7).program).toThrow(
      'gpt: expected ids [batch, places] of at most 6 places, got [2, 7]',
    );
    expect(() => nn.transformerBlock(8, 2, { norm: 'batch' } as never)).toThrow('transformerBlock: norm');
  });
});
