import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { f32, nn, optim, trainStep } from '../../src/index.js';

const { schedule } = optim;

describe('a schedule', () => {
  it('of cosines follows the formula at every step, to some units of 1e-16', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5000 }),
        fc.nat(6000),
        fc.double({ min: 0, max: 0.5, noNaN: true }),
        (steps, t, end) => {
          const want = t >= steps ? end : end + ((1 - end) * (1 + Math.cos((Math.PI * t) / steps))) / 2;
          expect(Math.abs(schedule.cosine({ lr: 1, steps, end })(t) - want)).toBeLessThan(1e-15);
        },
      ),
    );
  });

  it('of powers follows the formula at every step', () => {
    fc.assert(
      fc.property(fc.nat(5000), fc.double({ min: 0.99, max: 1.001, noNaN: true }), (t, factor) => {
        const want = 0.3 * factor ** t;
        expect(Math.abs(schedule.exponential({ lr: 0.3, factor })(t) / want - 1)).toBeLessThan(1e-12);
      }),
    );
    expect(schedule.exponential({ lr: 0.3, factor: 0 })(0)).toBe(0.3);
    expect(schedule.exponential({ lr: 0.3, factor: 0 })(1)).toBe(0);
  });

  it('warms up in a straight line and then begins what follows', () => {
    const warm = schedule.warmup(4, schedule.step({ lr: 1, every: 2, factor: 0.5 }));
    [0.2, 0.4, 0.6, 0.8, 1, 1, 0.5, 0.5, 0.25].forEach((want, t) => {
      expect(warm(t)).toBeCloseTo(want, 12);
    });
    expect(schedule.warmup(0, 0.3)(0)).toBe(0.3);
    expect(schedule.warmup(1, 0.3)(0)).toBe(0.15);
  });

  it('of one cycle rises to its highest rate and falls far below its first', () => {
    const rates = Array.from({ length: 100 }, (_, t) => schedule.oneCycle({ max: 1, steps: 100 })(t));
    expect(rates[0]).toBeCloseTo(1 / 25, 12);
    expect(rates[29]).toBeCloseTo(1, 12);
    expect(rates[99]).toBeCloseTo(1 / 25 / 10_000, 12);
    expect(rates.every((rate, t) => t === 0 || (t <= 29 ? rate > rates[t - 1] : rate < rates[t - 1]))).toBe(
      true,
    );
    expect(schedule.oneCycle({ max: 1, steps: 100 })(1000)).toBe(1 / 25 / 10_000);
    expect(schedule.oneCycle({ max: 1, steps: 1 })(0)).toBe(1);
  });

  it('may be a chain, each part counting from its own beginning', () => {
    const chained = schedule.chain([2, schedule.constant(1)], [3, (t) => 10 + t], schedule.constant(7));
    expect(Array.from({ length: 7 }, (_, t) => chained(t))).toEqual([1, 1, 10, 11, 12, 7, 7]);
  });

  it.each<[string, () => unknown]>([
    ['schedule.constant: lr must be 0 or more, got -1', () => schedule.constant(-1)],
    ['schedule.step: give either every or at', () => schedule.step({ lr: 1 })],
    ['schedule.step: give either every or at', () => schedule.step({ lr: 1, every: 2, at: [2] })],
    ['schedule.step: every: expected a whole number from 1, got 0', () => schedule.step({ lr: 1, every: 0 })],
    ['schedule.step: at must ascend, got 5 and then 5', () => schedule.step({ lr: 1, at: [5, 5] })],
    ['schedule.step: at: expected a whole number from 0, got -1', () => schedule.step({ lr: 1, at: [-1] })],
    [
      'schedule.exponential: factor must be 0 or more, got NaN',
      () => schedule.exponential({ lr: 1, factor: Number.NaN }),
    ],
    [
      'schedule.cosine: steps: expected a whole number from 1, got 0',
      () => schedule.cosine({ lr: 1, steps: 0 }),
    ],
    ['schedule.cosine: end must be 0 or more, got -1', () => schedule.cosine({ lr: 1, steps: 3, end: -1 })],
    ['schedule.warmup: steps: expected a whole number from 0, got 1.5', () => schedule.warmup(1.5, 1)],
    [
      'schedule.oneCycle: rise must be between 0 and 1, got 1',
      () => schedule.oneCycle({ max: 1, steps: 9, rise: 1 }),
    ],
    [
      'schedule.chain: steps: expected a whole number from 0, got -1',
      () => schedule.chain([-1, schedule.constant(1)], schedule.constant(1)),
    ],
    [
      'schedule.chain: the last part is a schedule without a number of steps',
      () => schedule.chain([1, schedule.constant(1)] as never),
    ],
  ])('refuses what makes no sense: %s', (message, make) => {
    expect(make).toThrow(expect.objectContaining({ message, name: 'OptionError' }));
  });

  it('steers a run as the same rates do step by step, compiled once', async () => {
    const step = trainStep({
      model: nn.linear(2, 1),
      batch: { x: f32(2, 2) },
      loss: (m, { x }) => m(x).square().mean(),
      optimizer: optim.sgd(),
    });
    const data = { x: [1, 2, 3, 4, 5, 6, -1, 2] };
    const lr = schedule.warmup(3, schedule.cosine({ lr: 0.01, steps: 9 }));
    const module = await step.compileModule();
    const [run, single] = [await step.start(module), await step.start(module)];
    for (const session of [run, single]) session.data(data);
    for await (const _ of run.run({ steps: 12, lr }));
    for (let t = 0; t < 12; t++) single.step({ lr: lr(t) });
    expect([...run.read('weight')]).toEqual([...single.read('weight')]);
    for (const session of [run, single]) await session.close();
  });
});
