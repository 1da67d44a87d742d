import { describe, expect, it } from 'vitest';
import {
  DivergedError,
  f32,
  findLearningRate,
  GradError,
  init,
  nn,
  OptionError,
  optim,
  trainStep,
} from '../../src/index.js';
import { smooth } from '../../src/smooth.js';
import { classifier, line, points, rows, variables } from '../train/small.js';

const quick = { steps: 200, probeSteps: 20 };

/**
 * f(w) = curvature / 2 * sum of w^2 over two parameters from (1, -2). Gradient descent multiplies w by 1 - rate * curvature,
 * so it learns below 2 / curvature and explodes above, exactly.
 */
function bowl(curvature: number, optimizer = optim.sgd(), factor = 1, plus = 0) {
  const w = nn.parameter([2], () => [1, -2]);
  return trainStep({
    model: { w },
    batch: { x: f32(1) },
    loss: ({ w }, { x }) =>
      w
        .square()
        .sum()
        .mul(curvature / 2)
        .mul(x.sum())
        .mul(factor)
        .add(plus),
    optimizer,
  });
}
const one = { x: [1, 1, 1] };

describe('the bounds', () => {
  it.each([0.01, 1, 40])(
    'of gradient descent in a bowl of curvature %d enclose 2 / curvature',
    async (curvature) => {
      const { bounds } = await findLearningRate(bowl(curvature), { data: one, engine: 'tape', ...quick });
      // The loss without training is also reached at 2 / curvature exactly; the upper bound is known to a factor of 1.34.
      expect(bounds.upper).toBeGreaterThanOrEqual(1.9 / curvature);
      expect(bounds.upper).toBeLessThan((1.34 * 2) / curvature);
      // At the rate r the loss falls by 1 - (1 - r c)^(2 k) after k steps: 2 % of all of it, over the last half of 20.
      const fall = (rate: number) => {
        let sum = 0;
        for (let k = 10; k < 20; k++) sum += 1 - (1 - rate * curvature) ** (2 * k);
        return sum / 10;
      };
      expect(fall(bounds.lower)).toBeLessThan(0.02);
      expect(fall(bounds.lower * 1.79)).toBeGreaterThan(0.02);
    },
  );

  it('do not depend on what is added to the loss or, with the rate, on a factor of it', async () => {
    const plain = await findLearningRate(bowl(1), { data: one, engine: 'tape', ...quick });
    const shifted = await findLearningRate(bowl(1, optim.sgd(), 1, -64), {
      data: one,
      engine: 'tape',
      ...quick,
    });
    const scaled = await findLearningRate(bowl(1, optim.sgd(), 1000), {
      data: one,
      engine: 'tape',
      ...quick,
    });
    expect(shifted.bounds.upper).toBe(plain.bounds.upper);
    expect(shifted.bounds.lower).toBe(plain.bounds.lower);
    expect(scaled.bounds.upper).toBeCloseTo(plain.bounds.upper / 1000, 9);
    expect(scaled.suggestion).toBeCloseTo(plain.suggestion / 1000, 9);
  });

  it('come with the trainings behind them: below the lower and above the upper none learns', async () => {
    const { bounds } = await findLearningRate(classifier(), { data: rows, engine: 'tape', ...quick });
    const { lower, upper, probes } = bounds;
    const best = Math.max(...probes.map(({ gain }) => gain));
    expect(best).toBeGreaterThan(0);
    expect(probes.map((p) => p.rate)).toEqual(probes.map((p) => p.rate).sort((a, b) => a - b));
    for (const { rate, gain } of probes) {
      if (rate <= lower || rate >= upper) expect(gain).toBeLessThan(0.02 * best);
      else expect(gain).toBeGreaterThan(0);
    }
  });
});

describe('the single run', () => {
  it('raises the rate by the same factor from step to step, from the lower bound on', async () => {
    const { rates, losses, smoothed, bounds } = await findLearningRate(bowl(1), {
      data: one,
      engine: 'tape',
      ...quick,
    });
    expect(rates[0]).toBe(Math.fround(bounds.lower));
    const factor = (bounds.upper * Math.sqrt(10)) ** (1 / 199) / bounds.lower ** (1 / 199);
    for (let i = 1; i < rates.length; i++) expect(rates[i] / rates[i - 1]).toBeCloseTo(factor, 5);
    expect(losses).toHaveLength(rates.length);
    expect(smoothed).toEqual(Array.from(smooth(losses, 0.9)));
    // What gradient descent does in a bowl, step by step.
    let loss = 2.5;
    rates.slice(0, 100).forEach((rate, i) => {
      expect(losses[i]).toBeCloseTo(loss, 4);
      loss *= (1 - rate) ** 2;
    });
  });

  it('ends where the average has risen above where it began by more than it fell', async () => {
    const { rates, smoothed } = await findLearningRate(line(), { data: points, engine: 'tape', ...quick });
    expect(rates.length).toBeLessThan(200);
    const rise = (i: number) => smoothed[i] - smoothed[10];
    const fall = smoothed[10] - Math.min(...smoothed);
    expect(rise(rates.length - 1)).toBeGreaterThan(fall / 2);
    for (let i = 10; i < rates.length - 1; i++) expect(rise(i)).toBeLessThan(4 * fall);
  });

  it('goes between given bounds without looking for them', async () => {
    const bounds = { lower: 0.001, upper: 0.5 };
    const found = await findLearningRate(classifier(), { data: rows, engine: 'tape', steps: 100, bounds });
    expect(found.bounds).toEqual({ ...bounds, probes: [] });
    expect(found.rates).toHaveLength(100);
    expect(found.rates.at(-1)).toBeCloseTo(0.5, 6);
  });

  it('suggests a third of the rate with the lowest average, in two digits, and says so', async () => {
    const { rates, smoothed, suggestion, why } = await findLearningRate(classifier(), {
      data: rows,
      engine: 'tape',
      ...quick,
    });
    const lowest = rates[smoothed.indexOf(Math.min(...smoothed.slice(10)))];
    expect(suggestion).toBe(Number((lowest / 3).toPrecision(2)));
    expect(why).toContain(String(suggestion));
  });
});

describe('the suggestion', () => {
  it('trains a regression with Adam to within reach of the best of a grid of rates', async () => {
    const x = Float32Array.from({ length: 200 }, (_, i) => i / 100 - 1);
    const data = { x, y: x.map((x) => Math.sin(3 * x)) };
    const step = trainStep({
      model: nn.sequential(nn.linear(1, 16), nn.tanh(), nn.linear(16, 1)),
      batch: { x: f32(32, 1), y: f32(32, 1) },
      loss: (model, { x, y }) => model(x).sub(y).square().mean(),
      optimizer: optim.adam(),
    });
    const module = await step.compileModule();
    const trained = async (lr: number) => {
      await using session = await step.start(module, { seed: 3 });
      session.data(data);
      for await (const _ of session.run({ steps: 2000, lr: (i) => (i < 1200 ? lr : lr / 10) }));
      return session.evaluate(data);
    };
    const { suggestion } = await findLearningRate(step, { data, seed: 3 });
    const grid = [1e-4, 1e-3, 1e-2, 3e-2, 0.1, 0.3, 1];
    const losses = [];
    for (const lr of grid) losses.push(await trained(lr));
    const ours = await trained(suggestion);
    // Before training it is about 0.5: near the best on a scale on which the worst stay above 0.1.
    expect(Math.max(...losses)).toBeGreaterThan(0.1);
    expect(ours).toBeLessThan(Math.min(...losses) + 1e-3);
  });
});

describe('a session', () => {
  const engines = ['tape', 'compiled'] as const;
  const open = async (engine: (typeof engines)[number], optimizer = optim.adam()) => {
    const step = classifier(optimizer);
    const session = engine === 'tape' ? step.interpret({ seed: 7 }) : await step.compile({ seed: 7 });
    session.data(rows);
    return session;
  };

  it.each(engines)(
    'on the %s engine is as it was, bit for bit, and trains on as if nothing had been',
    async (engine) => {
      await using session = await open(engine);
      await using other = await open(engine);
      for (const s of [session, other]) for (let i = 0; i < 30; i++) s.step({ lr: 0.01 });
      const before = session.checkpoint();
      const found = await findLearningRate(session, quick);
      expect(found.losses.length).toBeGreaterThan(50);
      expect(session.checkpoint()).toEqual(before);
      for (let i = 0; i < 30; i++) expect(session.step({ lr: 0.01 })).toBe(other.step({ lr: 0.01 }));
      expect(variables(session)).toEqual(variables(other));
    },
  );

  it('gets its parameters back too when the search is ended, which rejects with the reason', async () => {
    await using session = await open('tape');
    const before = session.checkpoint();
    const controller = new AbortController();
    const search = findLearningRate(session, {
      ...quick,
      signal: controller.signal,
      onProgress: ({ stage }) => stage === 'sweep' && controller.abort(new Error('enough')),
    });
    await expect(search).rejects.toThrow('enough');
    expect(session.checkpoint()).toEqual(before);
    expect(session.step({ lr: 0.1 })).toBeGreaterThan(0);
  });

  it('gets them back where the caller of progress throws, or the session is closed meanwhile', async () => {
    await using session = await open('tape');
    const before = session.checkpoint();
    const throwing = () => {
      throw new TypeError('mine');
    };
    await expect(findLearningRate(session, { ...quick, onProgress: throwing })).rejects.toThrow('mine');
    expect(session.checkpoint()).toEqual(before);
    await expect(
      findLearningRate(session, { ...quick, onProgress: () => void session.close() }),
    ).rejects.toThrow('this session is closed');
  });

  it('that diverges is no error of the search, and stepping back afterwards does not go into it', async () => {
    await using session = await line(optim.sgd()).compile({ seed: 7 });
    session.data(points);
    const before = session.checkpoint();
    const { bounds } = await findLearningRate(session, quick);
    expect(bounds.probes.at(-1)!.gain).toBeLessThan(0);
    await expect(async () => {
      for (let i = 0; i < 1000; i++) session.step({ lr: 1e9 });
    }).rejects.toThrow(DivergedError);
    expect(session.checkpoint()).toEqual(before);
  });

  it('gives the same for the same seed, for any number of threads', async () => {
    const search = (seed: number, threads: number) =>
      findLearningRate(classifier(optim.sgd(), 40), { data: rows, seed, threads, ...quick });
    const [a, b, other] = [await search(1, 1), await search(1, 2), await search(2, 1)];
    expect(b).toEqual(a);
    expect(other.losses).not.toEqual(a.losses);
  });
});

describe('errors', () => {
  const search = (options: object, step: Parameters<typeof findLearningRate>[0] = line()) =>
    findLearningRate(step, { data: points, engine: 'tape', ...quick, ...options });

  it.each([
    [{ steps: 10 }, /steps must be a whole number from 50/],
    [{ steps: 1.5 }, /steps must be a whole number/],
    [{ probeSteps: 0 }, /probeSteps must be a whole number from 2/],
    [{ bounds: { lower: 0, upper: 1 } }, /bounds must be rates/],
    [{ bounds: { lower: 1, upper: 0.1 } }, /the lower below the upper, got 1 and 0.1/],
    [{ bounds: { lower: Number.NaN, upper: 1 } }, /got NaN and 1/],
    [{ data: undefined }, /needs data/],
    [{ engine: 'fast' }, /engine must be compiled or tape, got fast/],
  ])('refuses %o', async (options, message) => {
    await expect(search(options)).rejects.toThrow(OptionError);
    await expect(search(options)).rejects.toThrow(message);
  });

  it('wants the data of a session where the session has it', async () => {
    await using session = line().interpret();
    await expect(search({}, session)).rejects.toThrow(/leave data out/);
    await expect(findLearningRate(session)).rejects.toThrow(/there is no dataset/);
  });

  it('says that the loss is not finite before training', async () => {
    const broken = { ...one, x: [3e38, 3e38, 3e38] };
    await expect(search({ data: broken }, bowl(1))).rejects.toThrow(
      /the loss is Infinity before any training/,
    );
  });

  it('says that no rate makes the loss fall', async () => {
    const flat = trainStep({
      model: nn.linear(2, 1, { weight: init.zeros, biasInit: init.zeros }),
      batch: { x: f32(3, 2), y: f32(3, 1) },
      loss: (model, { x, y }) => model(x).relu().mul(y).mean(),
      optimizer: optim.sgd(),
    });
    await expect(search({}, flat)).rejects.toThrow(GradError);
    await expect(search({}, flat)).rejects.toThrow(/falls at no learning rate/);
  });

  it('says that the loss only rises between given bounds', async () => {
    const bounds = { lower: 3, upper: 10 };
    await expect(search({ data: one, bounds }, bowl(1))).rejects.toThrow(/does not fall .* begin lower/);
  });
});
