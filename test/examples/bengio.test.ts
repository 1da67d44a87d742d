// The example imports the package as users do, so these have to be its classes and not those of src.
import {
  bengio,
  compileFunction,
  f32,
  grad,
  i32,
  optim,
  type Tensor,
  tensor,
  trace,
  trainStep,
  valueAndGrad,
} from '2headgrad';
import { describe, expect, it } from 'vitest';
import {
  context,
  logits,
  longWay,
  type Parameters,
  parameters,
  shortWay,
  slip,
  vocab,
} from '../../examples/bengio/network.js';
import { RandomStream } from '../../src/random/philox.js';
import { tellsTheTruth } from './run.js';

tellsTheTruth('bengio');

const ROWS = 32;
const shapes = {
  C: f32(vocab, 2),
  H: f32(6, 100),
  d: f32(100),
  U: f32(100, vocab),
  b: f32(vocab),
  W: f32(6, vocab),
};
const names = Object.keys(shapes) as (keyof typeof shapes)[];

/** Normal numbers, as the seed draws every parameter: logits of any size. */
function drawn(seed: number, scale: number) {
  return names.map((name, k) => {
    const random = new RandomStream(seed, 256 * k);
    const { shape } = shapes[name];
    return Float32Array.from(
      { length: shape.reduce((a, b) => a * b, 1) },
      (_, i) => scale * random.normal(i),
    );
  });
}

function batch(seed: number) {
  const random = new RandomStream(seed, 99);
  const token = (_: unknown, i: number) => random.uint32(i) % vocab;
  const x = Array.from({ length: ROWS * context }, token);
  return { x, y: Array.from({ length: ROWS }, (_, i) => token(0, i + x.length)) };
}

/** The network on flat parameters, in the order of `names`. */
const loss =
  (of: (y: Tensor, targets: Tensor) => Tensor, { x, y }: ReturnType<typeof batch>) =>
  (...flat: Tensor[]) => {
    const given = flat.map((p, k) => p.reshape(shapes[names[k]].shape));
    const ids = tensor(x, { dtype: 'i32' }).reshape([ROWS, context]);
    const scores = logits(Object.fromEntries(given.map((p, k) => [names[k], p])) as Parameters, ids);
    return of(scores, tensor(y, { dtype: 'i32' }));
  };

const ulps = (a: number, b: number, bits: number) =>
  Math.abs(a - b) / 2 ** (Math.floor(Math.log2(Math.max(Math.abs(a), Math.abs(b)))) - bits + 1);

/** The mean over the rows of -log softmax at the target, of plain numbers and without any shortcut. */
function byHand(parts: Float32Array[], { x, y }: ReturnType<typeof batch>): number {
  const [C, H, d, U, b, W] = parts;
  let total = 0;
  for (let row = 0; row < ROWS; row++) {
    const v = x.slice(row * 3, row * 3 + 3).flatMap((id) => [C[2 * id], C[2 * id + 1]]);
    const h = Array.from(d, (bias, j) => Math.tanh(v.reduce((s, xi, i) => s + xi * H[i * 100 + j], bias)));
    const scores = Array.from(b, (bias, k) => {
      const direct = v.reduce((s, xi, i) => s + xi * W[i * vocab + k], 0);
      return bias + direct + h.reduce((s, hj, j) => s + hj * U[j * vocab + k], 0);
    });
    const sum = scores.reduce((s, score) => s + Math.exp(score), 0);
    total -= Math.log(Math.exp(scores[y[row]]) / sum);
  }
  return total / ROWS;
}

describe('both ways to the loss', () => {
  const seeds = Array.from({ length: 8 }, (_, i) => i);
  const plain = (parts: Float32Array[]) => parts.map((p) => Array.from(p));

  // Each row's loss is log(sum) minus a logit, or the log of a quotient: a few roundings of numbers of the size of
  // the largest logit, so the bound is in units of that.
  it.each([0.1, 1])('agree in float64 on the tape to a few ulps, from parameters of size %d', (scale) => {
    for (const seed of seeds) {
      const [parts, rows] = [drawn(seed, scale), batch(seed)];
      const [long, dLong] = valueAndGrad(loss(longWay, rows), { argnums: [0, 1, 2, 3, 4, 5] })(
        ...plain(parts),
      );
      const [short, dShort] = valueAndGrad(loss(shortWay, rows), { argnums: [0, 1, 2, 3, 4, 5] })(
        ...plain(parts),
      );
      expect(ulps(long, short, 53)).toBeLessThanOrEqual(4);
      expect(Math.abs(short / byHand(parts, rows) - 1)).toBeLessThan(1e-13);
      dShort.forEach((g, k) => {
        const largest = Math.max(...g.map(Math.abs));
        g.forEach((v, i) => {
          expect(Math.abs(dLong[k][i] - v)).toBeLessThan(1e-14 * largest + 1e-300);
        });
      });
    }
  });

  it('agree compiled, in float32', async () => {
    const graph = trace(
      'losses',
      { x: i32(ROWS, context), y: i32(ROWS), ...shapes },
      ({ x, y, ...given }) => {
        const scores = logits(given as Parameters, x);
        return { long: longWay(scores, y), short: shortWay(scores, y) };
      },
    );
    const compiled = await compileFunction(graph);
    for (const scale of [0.1, 1]) {
      for (const seed of seeds) {
        const [parts, rows] = [drawn(seed, scale), batch(seed)];
        const inputs = Object.fromEntries(parts.map((p, k) => [names[k], p]));
        const { long, short } = compiled.call({ ...rows, ...inputs });
        expect(ulps(long[0], short[0], 24)).toBeLessThanOrEqual(4);
        expect(Math.abs(short[0] / byHand(parts, rows) - 1)).toBeLessThan(2e-6);
      }
    }
    await compiled.close();
  });
});

describe('the slip', () => {
  it('is never below ln 27, does not look at the targets, and is least for a uniform guess', () => {
    const [parts, rows] = [drawn(1, 1), batch(1)];
    const of = (rows: ReturnType<typeof batch>, scale = 1) =>
      valueAndGrad(loss(slip, rows))(...parts.map((p) => Array.from(p, (v) => v * scale)))[0];
    expect(of(rows)).toBe(of({ ...rows, y: rows.y.map(() => 0) }));
    expect(of(rows)).toBeGreaterThan(Math.log(27));
    expect(of(rows, 0)).toBeCloseTo(Math.log(27), 12);
    const zeros = parts.map((p) => Array.from(p, () => 0));
    expect(grad(loss(slip, rows), { argnums: 4 })(...zeros).every((g) => Math.abs(g) < 1e-15)).toBe(true);
  });
});

describe('the network of the example', () => {
  it.each([false, true])('is bengio, bit for bit, through a training run (direct: %s)', (direct) => {
    const sizes = { embed: 2, hidden: 100, direct };
    const shared = { batch: { x: i32(ROWS, context), y: i32(ROWS) }, optimizer: optim.sgd() };
    const mine = trainStep({
      ...shared,
      model: parameters(sizes),
      loss: (model, { x, y }) => shortWay(logits(model, x), y),
    }).interpret();
    const library = trainStep({
      ...shared,
      model: bengio({ vocab, context, ...sizes }),
      loss: (model, { x, y }) => shortWay(model(x), y),
    }).interpret();
    for (let step = 0; step < 5; step++) {
      const rows = batch(step);
      expect(mine.step({ lr: 0.1, batch: rows })).toBe(library.step({ lr: 0.1, batch: rows }));
    }
  });
});
