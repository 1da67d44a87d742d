import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { f32, init, nn, optim, trainStep } from '../../src/index.js';

// Against PyTorch in float64; test/optim/pytorch.py wrote the numbers.

type Optimizer = ReturnType<typeof optim.sgd>;
type Trained = Record<string, number[][]>;
interface Recorded {
  rmsprop: Trained;
  clip: Trained;
  schedule: Record<string, number[]>;
}
const recorded: Recorded = JSON.parse(readFileSync(new URL('./pytorch.json', import.meta.url), 'utf8'));

const start = [
  [0.5, -2, 3],
  [-0.25, 1.5],
];
const STEPS = 25;
const x = (t: number, k: number) =>
  start[k].map((_, i) => Math.fround(0.5 + Math.sin(3 * t + i + 7 * k) / 4));

/** Two parameters, since the norm is that of both together. */
function step(optimizer: Optimizer) {
  return trainStep({
    model: start.map((values) => nn.parameter([values.length], init.values(values))),
    batch: { a: f32(3), b: f32(3) },
    loss: ([p, q], { a, b }) =>
      p
        .sub(1)
        .square()
        .mul(a)
        .sum()
        .add(
          q
            .sub(1)
            .square()
            .mul(b.slice([0], [2]))
            .sum(),
        ),
    optimizer,
  });
}

const rate = (t: number) => (t < 10 ? 0.1 : 0.03);
const batch = (t: number) => ({ a: x(t, 0), b: [...x(t, 1), 0] });

function onTape(optimizer: Optimizer): number[][] {
  const session = step(optimizer).interpret({ precision: 'float64' });
  for (let t = 0; t < STEPS; t++) session.step({ lr: rate(t), batch: batch(t) });
  return ['0', '1'].map((name) => Array.from(session.read(name)));
}

async function compiled(optimizer: Optimizer): Promise<number[][]> {
  const session = await step(optimizer).compile();
  for (let t = 0; t < STEPS; t++) session.step({ lr: rate(t), batch: batch(t) });
  const got = ['0', '1'].map((name) => Array.from(session.read(name)));
  await session.close();
  return got;
}

const cases: [string, Optimizer, number[][]][] = [
  ['rmsprop', optim.rmsprop(), recorded.rmsprop.plain],
  [
    'rmsprop with eps, alpha and decay',
    optim.rmsprop({ alpha: 0.9, eps: 1e-5, weightDecay: 0.1 }),
    recorded.rmsprop['eps, alpha, decay'],
  ],
  ['rmsprop with momentum', optim.rmsprop({ momentum: 0.8 }), recorded.rmsprop.momentum],
  ['rmsprop, centered', optim.rmsprop({ centered: true, alpha: 0.9 }), recorded.rmsprop.centered],
  [
    'rmsprop with all of them',
    optim.rmsprop({ centered: true, momentum: 0.7, alpha: 0.95, weightDecay: 0.05, eps: 1e-4 }),
    recorded.rmsprop.all,
  ],
  ['sgd, clipped by norm', optim.clip(optim.sgd(), { norm: 0.7 }), recorded.clip.norm],
  ['sgd, clipped by value', optim.clip(optim.sgd(), { value: 0.3 }), recorded.clip.value],
  ['adam, clipped by norm', optim.clip(optim.adam(), { norm: 0.1 }), recorded.clip.adam],
  ['sgd, clipped by value and norm', optim.clip(optim.sgd(), { norm: 0.6, value: 0.5 }), recorded.clip.both],
];

describe.each(cases)('%s', (_, optimizer, want) => {
  it('goes where PyTorch goes, on the tape', () => {
    // Rates and constants such as 0.1 are those of float32 in both engines.
    onTape(optimizer).forEach((list, k) => {
      list.forEach((value, i) => {
        expect(Math.abs(value - want[k][i])).toBeLessThan(1e-6);
        expect(Math.abs(value - start[k][i])).toBeGreaterThan(1e-3);
      });
    });
  });

  it('goes where PyTorch goes, compiled', async () => {
    (await compiled(optimizer)).forEach((list, k) => {
      list.forEach((value, i) => {
        expect(Math.abs(value - want[k][i])).toBeLessThan(1e-4);
      });
    });
  });
});

describe('a schedule has the rates of PyTorch’s', () => {
  it.each([
    ['step', optim.schedule.step({ lr: 0.1, every: 4, factor: 0.5 })],
    ['at', optim.schedule.step({ lr: 0.1, at: [3, 9] })],
    ['exponential', optim.schedule.exponential({ lr: 0.2, factor: 0.93 })],
    ['cosine', optim.schedule.cosine({ lr: 0.3, steps: 13, end: 0.01 })],
    ['oneCycle', optim.schedule.oneCycle({ max: 0.5, steps: 20 })],
    [
      'oneCycle, other ends',
      optim.schedule.oneCycle({ max: 0.5, steps: 33, rise: 0.4, start: 0.05, end: 0.0005 }),
    ],
  ])('%s', (name, schedule) => {
    recorded.schedule[name].forEach((want, t) => {
      expect(Math.abs(schedule(t) / want - 1)).toBeLessThan(1e-12);
    });
  });
});
