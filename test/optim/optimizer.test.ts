import { describe, expect, it } from 'vitest';
import { f32, init, nn, optim, trainStep } from '../../src/index.js';

type Optimizer = ReturnType<typeof optim.sgd>;

const start = [0.5, -2, 3];
const STEPS = 25;
const rate = (t: number) => (t < 10 ? 0.1 : 0.03);
/** The batch of step t; the loss is sum(x (p - 1)^2), so the gradient is 2 x (p - 1). */
const xs = (t: number) => start.map((_, i) => Math.fround(0.5 + Math.sin(3 * t + i) / 4));
const slope = (p: number, t: number, i: number) => 2 * xs(t)[i] * (p - 1);

function trained(optimizer: Optimizer): number[] {
  const step = trainStep({
    model: { p: nn.parameter([3], init.values(start)) },
    batch: { x: f32(3) },
    loss: ({ p }, { x }) => p.sub(1).square().mul(x).sum(),
    optimizer,
  });
  const session = step.interpret({ precision: 'float64' });
  for (let t = 0; t < STEPS; t++) session.step({ lr: rate(t), batch: { x: xs(t) } });
  return Array.from(session.read('p'));
}

/** Every element on its own, with numbers of its own kept between steps. */
function byHand(
  rule: (p: number, g: number, lr: number, t: number, kept: Record<string, number>) => number,
): number[] {
  return start.map((first, i) => {
    let p = first;
    const kept = { v: 0, m: 0 };
    for (let t = 0; t < STEPS; t++) p = rule(p, slope(p, t, i), rate(t), t + 1, kept);
    return p;
  });
}

// As torch.optim documents them, one scalar at a time.
const cases: [string, () => Optimizer, () => number[]][] = [
  ['sgd', () => optim.sgd(), () => byHand((p, g, lr) => p - lr * g)],
  [
    'sgd with weight decay',
    () => optim.sgd({ weightDecay: 0.1 }),
    () => byHand((p, g, lr) => p - lr * (g + 0.1 * p)),
  ],
  [
    'sgd with momentum',
    () => optim.sgd({ momentum: 0.9 }),
    () =>
      byHand((p, g, lr, t, kept) => {
        kept.v = t === 1 ? g : 0.9 * kept.v + g;
        return p - lr * kept.v;
      }),
  ],
  [
    'sgd with Nesterov momentum and weight decay',
    () => optim.sgd({ momentum: 0.8, nesterov: true, weightDecay: 0.05 }),
    () =>
      byHand((p, slope, lr, t, kept) => {
        const g = slope + 0.05 * p;
        kept.v = t === 1 ? g : 0.8 * kept.v + g;
        return p - lr * (g + 0.8 * kept.v);
      }),
  ],
  ...(['adam', 'adamw'] as const).flatMap((name): [string, () => Optimizer, () => number[]][] =>
    [0, 0.1].map((weightDecay) => [
      `${name} with weight decay ${weightDecay}`,
      () => (name === 'adam' ? optim.adam : optim.adamW)({ beta1: 0.8, beta2: 0.95, eps: 1e-6, weightDecay }),
      () => adamByHand(name === 'adamw', weightDecay, 0.8, 0.95, 1e-6),
    ]),
  ),
  ['adam as it is by default', () => optim.adam(), () => adamByHand(false, 0, 0.9, 0.999, 1e-8)],
  ['adamw as it is by default', () => optim.adamW(), () => adamByHand(true, 0.01, 0.9, 0.999, 1e-8)],
];

function adamByHand(decoupled: boolean, decay: number, beta1: number, beta2: number, eps: number): number[] {
  return byHand((p, slope, lr, t, kept) => {
    const g = decoupled ? slope : slope + decay * p;
    kept.m = beta1 * kept.m + (1 - beta1) * g;
    kept.v = beta2 * kept.v + (1 - beta2) * g * g;
    const [mean, square] = [kept.m / (1 - beta1 ** t), kept.v / (1 - beta2 ** t)];
    return (decoupled ? p * (1 - lr * decay) : p) - (lr * mean) / (Math.sqrt(square) + eps);
  });
}

describe('an optimizer', () => {
  it.each(cases)('does what its rule says, one number at a time: %s', (_, optimizer, want) => {
    const expected = want();
    trained(optimizer()).forEach((value, i) => {
      expect(Math.abs(value - expected[i])).toBeLessThan(1e-12);
      expect(value).not.toBe(start[i]);
    });
  });

  it.each<[string, (options: optim.DecayOptions) => Optimizer]>([
    ['sgd', optim.sgd],
    ['adam', optim.adam],
    ['adamW', optim.adamW],
    ['rmsprop', optim.rmsprop],
  ])('%s has only those parameters decay that it is told to', (_, make) => {
    const values = [1, -2];
    const [weight, bias] = [[1, 2], [2]].map((shape) => nn.parameter(shape, init.values(values)));
    const step = trainStep({
      model: { weight, bias },
      batch: { x: f32(1) },
      // Flat: what moves, moves by decay.
      loss: ({ weight, bias }, { x }) => weight.mul(0).sum().add(bias.mul(0).sum()).add(x.sum()),
      optimizer: make({ weightDecay: 0.1, decayed: optim.matrices }),
    });
    const session = step.interpret({ precision: 'float64' });
    session.step({ lr: 0.01, batch: { x: [1] } });
    expect([...session.read('bias')]).toEqual(values);
    for (const [i, value] of session.read('weight').entries())
      expect(Math.abs(value)).toBeLessThan(Math.abs(values[i]));
  });

  it.each<[string, () => unknown]>([
    [
      'sgd: decayed must be a function of a parameter\'s name and shape, got "matrices"',
      () => optim.sgd({ decayed: 'matrices' as never }),
    ],
    ['sgd: momentum must be from 0 to below 1, got 1', () => optim.sgd({ momentum: 1 })],
    ['sgd: momentum must be from 0 to below 1, got NaN', () => optim.sgd({ momentum: Number.NaN })],
    ['sgd: weightDecay must be 0 or more, got -1', () => optim.sgd({ weightDecay: -1 })],
    ['sgd: nesterov needs a momentum above 0', () => optim.sgd({ nesterov: true })],
    ['adam: beta1 must be from 0 to below 1, got -0.1', () => optim.adam({ beta1: -0.1 })],
    ['adamw: beta2 must be from 0 to below 1, got 1', () => optim.adamW({ beta2: 1 })],
    ['adam: eps must be above 0, got 0', () => optim.adam({ eps: 0 })],
    [
      'adamw: weightDecay must be 0 or more, got Infinity',
      () => optim.adamW({ weightDecay: Number.POSITIVE_INFINITY }),
    ],
  ])('refuses an option that makes no sense: %s', (message, make) => {
    expect(make).toThrow(expect.objectContaining({ message, name: 'OptionError' }));
  });

  it('keeps its state apart for every parameter, by name', () => {
    const step = (optimizer: Optimizer) =>
      trainStep({
        model: nn.linear(2, 1),
        batch: { x: f32(1, 2) },
        loss: (model, { x }) => model(x).sum(),
        optimizer,
      }).interpret();
    expect(step(optim.sgd()).names('state')).toEqual([]);
    expect(step(optim.sgd({ momentum: 0.5 })).names('state')).toEqual([
      'optimizer.velocity.weight',
      'optimizer.velocity.bias',
    ]);
    expect(step(optim.adam()).names('state')).toEqual([
      'optimizer.m.weight',
      'optimizer.v.weight',
      'optimizer.m.bias',
      'optimizer.v.bias',
      'optimizer.correction1',
      'optimizer.correction2',
    ]);
  });
});
