import { beforeEach, describe, expect, it } from 'vitest';
import {
  accuracy,
  crossEntropy,
  DivergedError,
  i32,
  nn,
  optim,
  type Progress,
  type RunOptions,
  trainStep,
} from '../../src/index.js';
import { rows, variables } from './small.js';

// A rate that learns for a while and then makes it worse.

const LEARNS = 30;
const lr = (step: number) => (step < LEARNS ? 0.1 : 2);

const step = trainStep({
  name: 'judged',
  model: nn.sequential(nn.embedding(7, 3), nn.flatten(), nn.linear(6, 5)),
  batch: { x: i32(4, 2), y: i32(4) },
  loss: (model, { x, y }) => crossEntropy(model(x), y),
  optimizer: optim.sgd({ momentum: 0.5 }),
  evaluate: {
    accuracy: (model, { x, y }) => accuracy(model(x), y),
    logits: { mean: (model, { x }) => model(x).mean(0) },
    nothing: (model, { x }) => model(x).mean().mul(0).div(0),
  },
});
const opened = () => {
  const session = step.interpret({ seed: 3 });
  session.data(rows);
  return session;
};
let session: ReturnType<typeof opened>;
beforeEach(() => {
  session = opened();
});

const options = { steps: 80, lr, every: 10, evaluate: rows };

describe('best', () => {
  it('puts back what the session was at the best report, with which it goes on to the same bits', async () => {
    const reports: Progress[] = [];
    for await (const report of session.run({ ...options, best: { lowest: 'loss' } })) reports.push(report);
    expect(reports.map(({ at }) => at)).toEqual([10, 20, 30, 40, 50, 60, 70, 80]);
    const losses = reports.map(({ evaluated }) => evaluated!.loss);
    const at = 10 * (losses.indexOf(Math.min(...losses)) + 1);
    expect(at).toBeLessThan(80);
    expect(reports.at(-1)!.best).toEqual({ at, value: Math.min(...losses) });
    expect(reports.filter((r) => r.best!.at === r.at).map((r) => r.at)).toEqual(
      reports.filter((_, i) => losses[i] < Math.min(...losses.slice(0, i))).map((r) => r.at),
    );
    expect(session.at).toBe(at);
    expect(session.evaluate(rows).loss).toBe(Math.min(...losses));
    const other = opened();
    await other.run({ steps: at, lr });
    expect(variables(session)).toEqual(variables(other));
    for (const each of [session, other]) each.step({ lr: 0.1 });
    expect(variables(session)).toEqual(variables(other));
  });

  it('goes by a metric too, of which the first of equals counts', async () => {
    const seen: number[] = [];
    const last = await session.run({
      ...options,
      best: { highest: 'accuracy' },
      onProgress: ({ evaluated }) => seen.push(evaluated!.accuracy),
    });
    expect(last!.best).toEqual({ at: 10 * (seen.indexOf(Math.max(...seen)) + 1), value: Math.max(...seen) });
    expect(session.evaluate(rows).accuracy).toBe(Math.max(...seen));
  });

  it('goes by the mean of the losses since the last report where no rows are evaluated', async () => {
    const means: number[] = [];
    const last = await session.run({
      steps: 60,
      lr,
      every: 10,
      best: { lowest: 'loss' },
      onProgress: ({ losses }) => means.push(losses.reduce((a, b) => a + b) / losses.length),
    });
    expect(last!.best!.value).toBe(Math.min(...means));
    expect(session.at).toBe(last!.best!.at);
  });

  it('is put back where the loop is left, the signal ends the run, or a callback throws', async () => {
    const best = { lowest: 'loss' } as const;
    for await (const { at } of session.run({ ...options, best })) if (at === 60) break;
    expect(session.at).toBeLessThan(60);
    expect(session.step({ lr: 0 })).toBeGreaterThan(0);

    const signalled = opened();
    const stop = new AbortController();
    const onProgress = ({ at }: Progress) => at === 60 && stop.abort();
    await signalled.run({ ...options, best, onProgress, signal: stop.signal });
    expect(signalled.at).toBeLessThan(60);

    const thrown = opened();
    const failing = ({ at }: Progress) => {
      if (at === 60) throw new Error('full disk');
    };
    await expect(thrown.run({ ...options, best, onProgress: failing })).rejects.toThrow('full disk');
    expect(thrown.at).toBeLessThan(60);
    expect(thrown.step({ lr: 0 })).toBeGreaterThan(0);
  });

  it('is put back where the run diverges, too, and the error says so', async () => {
    const diverging = (step: number) => (step < LEARNS ? 0.1 : 1e6);
    const told: Progress[] = [];
    const run = session.run({
      ...options,
      lr: diverging,
      best: { lowest: 'loss' },
      onProgress: (report) => told.push(report),
    });
    const error = await Promise.resolve(run).catch((thrown) => thrown);
    expect(error).toBeInstanceOf(DivergedError);
    const { at, value } = told.at(-1)!.best!;
    expect([error.restoredStep, session.at]).toEqual([at, at]);
    expect(session.evaluate(rows).loss).toBe(value);
    expect(session.step({ lr: 0 })).toBeGreaterThan(0);
  });

  it('is nothing where a metric is no number', async () => {
    const last = await session.run({ ...options, steps: 20, best: { lowest: 'nothing' } });
    expect([last!.best, session.at]).toEqual([undefined, 20]);
  });

  it('is kept in the compiled engine as on the tape', async () => {
    const compiled = await step.compile({ seed: 3 });
    compiled.data(rows);
    const run = { ...options, best: { lowest: 'loss' }, patience: 2 } as const;
    const [ours, tape] = [await compiled.run(run), await session.run(run)];
    expect(ours!.best!.at).toBe(tape!.best!.at);
    expect([compiled.at, compiled.evaluate(rows).loss]).toEqual([ours!.best!.at, ours!.best!.value]);
    await compiled.close();
  });
});

describe('patience', () => {
  it('ends a run after so many reports without a better one, where it stands', async () => {
    const reports = [];
    for await (const { at, best } of session.run({ ...options, patience: 2 })) reports.push({ at, best });
    const last = reports.at(-1)!;
    expect(last.at).toBe(last.best!.at + 20);
    expect(last.at).toBeLessThan(80);
    expect(session.at).toBe(last.at);
  });

  it('of more reports than come ends nothing', async () => {
    expect((await session.run({ ...options, patience: 8 }))!.at).toBe(80);
  });
});

describe('onProgress', () => {
  it('is called with each report, and awaited before the run goes on', async () => {
    const told: number[] = [];
    let waiting = false;
    const onProgress = async ({ at }: Progress) => {
      expect(waiting).toBe(false);
      waiting = true;
      await new Promise((done) => setTimeout(done, 2));
      waiting = false;
      told.push(at);
    };
    const reports: number[] = [];
    for await (const { at } of session.run({ steps: 25, lr: 0.1, every: 10, onProgress })) reports.push(at);
    expect(told).toEqual([10, 20, 25]);
    expect(reports).toEqual(told);
  });

  it('may use the session, but not train it, until the last', async () => {
    const refused: unknown[] = [];
    const onProgress = ({ at }: Progress) => {
      session.evaluate(rows);
      session.checkpoint();
      try {
        session.step({ lr: 0.1 });
      } catch (error) {
        refused.push([at, (error as Error).message]);
      }
    };
    await session.run({ steps: 20, lr: 0.1, every: 10, onProgress });
    expect(refused).toEqual([
      [10, 'step: a run of this session is going on: await it, or leave its loop, first'],
    ]);
    expect(session.at).toBe(21);
  });
});

it.each<[object, string]>([
  [
    { best: 'loss' },
    "run: best must be { lowest: 'loss' }, or { lowest } or { highest } of a metric of the step",
  ],
  [{ best: {} }, 'run: best must be'],
  [{ best: { lowest: 'loss', highest: 'accuracy' } }, 'run: best must be'],
  [{ best: { min: 'loss' } }, 'run: best: there is no option min'],
  [
    { best: { highest: 'acuracy' } },
    'run: best: there is no metric of one number acuracy: did you mean accuracy?',
  ],
  [{ best: { lowest: 'logits' } }, 'run: best: there is no metric of one number logits'],
  [
    { best: { highest: 'accuracy' }, evaluate: undefined },
    'run: best: accuracy is measured on rows of their own: give evaluate, as in { evaluate: held }',
  ],
  [{ patience: 0 }, 'run: patience: expected a whole number from 1, got 0'],
  [{ patience: Number.POSITIVE_INFINITY }, 'run: patience: expected a whole number from 1'],
  [{ onProgress: 'log' }, 'run: onProgress must be a function of a report, got'],
  [{ callbacks: [] }, 'run: there is no option callbacks: give onProgress, or iterate over the run'],
])('%j is refused before a step is taken', async (wrong, message) => {
  const run = session.run({ ...options, ...wrong } as RunOptions);
  await expect(Promise.resolve(run)).rejects.toThrow(
    expect.objectContaining({ name: 'OptionError', message: expect.stringContaining(message) }),
  );
  expect(session.at).toBe(0);
});
