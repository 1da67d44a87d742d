import { describe, expect, it } from 'vitest';
import { crossEntropy, f32, i32, init, nn, optim, type Session, trainStep } from '../../src/index.js';

type Optimizer = ReturnType<typeof optim.sgd>;

const ROWS = 8;
const x = Int32Array.from({ length: 3 * ROWS }, (_, i) => (i * i + 1) % 5);
const y = Int32Array.from({ length: ROWS }, (_, i) => i % 4);

/** Ids that repeat, so that rows of the table get several gradients at once. */
function classifier(batch: number, optimizer: Optimizer, scale = 1) {
  return trainStep({
    model: nn.sequential(nn.embedding(9, 3), nn.flatten(), nn.linear(9, 6), nn.tanh(), nn.linear(6, 4)),
    batch: { x: i32(batch, 3), y: i32(batch) },
    loss: (model, { x, y }) => crossEntropy(model(x), y).mul(scale),
    optimizer,
  });
}

const parameters = (session: Session) =>
  Object.fromEntries(session.names('parameter').map((name) => [name, Array.from(session.read(name))]));
const flat = (session: Session) => Object.values(parameters(session)).flat();
const part = (i: number, n: number) => ({
  x: x.slice(3 * i * n, 3 * (i + 1) * n),
  y: y.slice(i * n, (i + 1) * n),
});
const distance = (a: number[], b: number[]) => Math.max(...a.map((v, i) => Math.abs(v - b[i])));

describe('accumulate', () => {
  const optimizers: [string, () => Optimizer][] = [
    ['sgd', () => optim.sgd()],
    ['sgd with momentum and decay', () => optim.sgd({ momentum: 0.9, weightDecay: 0.1 })],
    ['adam', () => optim.adam()],
    ['centered rmsprop', () => optim.rmsprop({ centered: true, momentum: 0.5 })],
    ['clipped sgd', () => optim.clip(optim.sgd(), { norm: 0.2 })],
  ];

  it.each(optimizers)('makes of four small batches one step on all their rows, with %s', async (_, make) => {
    const whole = classifier(ROWS, make()).interpret({ precision: 'float64' });
    const parts = classifier(2, optim.accumulate(make(), 4));
    const exact = parts.interpret({ precision: 'float64' });
    const compiled = await parts.compile();
    const start = flat(whole);
    for (let round = 0; round < 3; round++) {
      whole.step({ lr: 0.3, batch: { x, y } });
      for (let i = 0; i < 4; i++) {
        for (const session of [exact, compiled]) session.step({ lr: 0.3, batch: part(i, 2) });
      }
      expect(distance(flat(exact), flat(whole))).toBeLessThan(1e-9);
      expect(distance(flat(compiled), flat(whole))).toBeLessThan(1e-3);
    }
    expect(distance(flat(whole), start)).toBeGreaterThan(0.01);
    await compiled.close();
  });

  it('leaves parameters and state as they are in between', async () => {
    const session = await classifier(2, optim.accumulate(optim.adam(), 3)).compile();
    const kept = () =>
      session
        .names()
        .filter((name) => !name.startsWith('optimizer.accumulated'))
        .flatMap((name) => Array.from(session.read(name)));
    const start = kept();
    for (const changes of [false, false, true, false, false, true]) {
      const before = kept();
      session.step({ lr: 0.1, batch: part(0, 2) });
      expect(distance(kept(), before) > 0).toBe(changes);
    }
    expect(distance(kept(), start)).toBeGreaterThan(0.01);
    await session.close();
  });

  it('goes on from a checkpoint that was taken in between', () => {
    const make = () => classifier(2, optim.accumulate(optim.sgd(), 4)).interpret({ seed: 3 });
    const session = make();
    for (let i = 0; i < 3; i++) session.step({ lr: 0.1, batch: part(i, 2) });
    const resumed = make();
    resumed.restore(session.checkpoint());
    for (const one of [session, resumed]) one.step({ lr: 0.1, batch: part(3, 2) });
    expect(flat(resumed)).toEqual(flat(session));
  });

  it('of one step is the optimizer itself, and of no step refused', () => {
    const sgd = optim.sgd();
    expect(optim.accumulate(sgd, 1)).toBe(sgd);
    for (const steps of [0, -1, 1.5, Number.NaN])
      expect(() => optim.accumulate(sgd, steps)).toThrow('accumulate: steps: expected a whole number from 1');
  });
});

describe('clip', () => {
  it('limits the joint norm of all gradients, those of a table by the rows that repeat too', async () => {
    for (const norm of [0.05, 1000]) {
      const clipped = await classifier(ROWS, optim.clip(optim.sgd(), { norm })).compile();
      const exact = classifier(ROWS, optim.sgd()).interpret({ precision: 'float64' });
      const start = flat(exact);
      clipped.step({ lr: 1, batch: { x, y } });
      exact.step({ lr: 1, batch: { x, y } });
      const full = flat(exact).map((v, i) => v - start[i]);
      const length = Math.hypot(...full);
      expect(length).toBeGreaterThan(0.1);
      const factor = Math.min(1, norm / length);
      expect(
        distance(
          flat(clipped),
          full.map((d, i) => start[i] + factor * d),
        ),
      ).toBeLessThan(1e-5);
      await clipped.close();
    }
  });

  it('limits gradients whose squares are beyond float32', async () => {
    const huge = await classifier(ROWS, optim.clip(optim.sgd(), { norm: 0.05 }), 1e25).compile();
    const usual = await classifier(ROWS, optim.clip(optim.sgd(), { norm: 0.05 })).compile();
    for (const session of [huge, usual]) session.step({ lr: 1, batch: { x, y } });
    expect(distance(flat(huge), flat(usual))).toBeLessThan(1e-5);
    for (const session of [huge, usual]) await session.close();
  });

  it('leaves gradients of zero as they are', () => {
    const step = trainStep({
      model: nn.parameter([3], init.ones),
      batch: { x: f32(3) },
      loss: (p, { x }) => p.mul(x).sum(),
      optimizer: optim.clip(optim.sgd(), { norm: 1, value: 1 }),
    });
    const session = step.interpret();
    session.step({ lr: 1, batch: { x: [0, 0, 0] } });
    expect([...session.read('parameter')]).toEqual([1, 1, 1]);
  });

  it.each<[string, () => unknown]>([
    ['clip: give a norm, a value, or both', () => optim.clip(optim.sgd(), {})],
    ['clip: norm must be above 0, got 0', () => optim.clip(optim.sgd(), { norm: 0 })],
    ['clip: norm must be above 0, got NaN', () => optim.clip(optim.sgd(), { norm: Number.NaN })],
    ['clip: value must be above 0, got -1', () => optim.clip(optim.sgd(), { value: -1 })],
    ['rmsprop: alpha must be from 0 to below 1, got 1', () => optim.rmsprop({ alpha: 1 })],
    ['rmsprop: momentum must be from 0 to below 1, got -1', () => optim.rmsprop({ momentum: -1 })],
    ['rmsprop: eps must be above 0, got 0', () => optim.rmsprop({ eps: 0 })],
    ['rmsprop: weightDecay must be 0 or more, got NaN', () => optim.rmsprop({ weightDecay: Number.NaN })],
  ])('and rmsprop refuse what makes no sense: %s', (message, make) => {
    expect(make).toThrow(expect.objectContaining({ message, name: 'OptionError' }));
  });
});

it('centered rmsprop stays finite where rounding takes a variance below zero', async () => {
  const step = trainStep({
    model: nn.parameter([4], init.zeros),
    batch: { x: f32(4) },
    loss: (p, { x }) => p.mul(x).sum(),
    optimizer: optim.rmsprop({ centered: true, alpha: 0.5 }),
  });
  const session = await step.compile();
  for (let t = 0; t < 300; t++) session.step({ lr: 1e-12, batch: { x: [0.1, 0.3, -0.7, 1e-3] } });
  expect([...session.read('parameter')].every(Number.isFinite)).toBe(true);
  await session.close();
});
