import { describe, expect, it } from 'vitest';
import type { Progress, Session } from '../../src/index.js';
import { classifier, rows, variables } from './small.js';

function opened(seed = 7): Session {
  const session = classifier().interpret({ seed });
  session.data(rows);
  return session;
}

async function collect(run: AsyncIterable<Progress>): Promise<Progress[]> {
  const all: Progress[] = [];
  for await (const progress of run) all.push(progress);
  return all;
}

describe('run', () => {
  it('takes the steps that step takes, bit for bit', async () => {
    const [one, two] = [opened(), opened()];
    const reports = await collect(one.run({ steps: 50, lr: 0.1, every: 7 }));
    const stepped = Array.from({ length: 50 }, () => two.step({ lr: 0.1 }));
    expect(reports.flatMap((r) => r.losses)).toEqual(stepped);
    expect(variables(one)).toEqual(variables(two));
    expect(new Set(stepped).size).toBe(50);
  });

  it('reports after every so many steps, and at the end', async () => {
    const session = opened();
    const reports = await collect(session.run({ steps: 25, lr: 0.1, every: 10 }));
    expect(reports.map((r) => [r.at, r.losses.length])).toEqual([
      [10, 10],
      [20, 10],
      [25, 5],
    ]);
    for (const { loss, losses, stepsPerSecond } of reports) {
      expect(loss).toBe(losses.at(-1));
      expect(stepsPerSecond).toBeGreaterThan(0);
    }
    expect(session.at).toBe(25);
  });

  it('goes on where the run before ended', async () => {
    const [once, twice] = [opened(), opened()];
    await collect(once.run({ steps: 30, lr: 0.1 }));
    await collect(twice.run({ steps: 12, lr: 0.1 }));
    const [first] = await collect(twice.run({ steps: 18, lr: 0.1, every: 1 }));
    expect(first.at).toBe(13);
    expect(variables(twice)).toEqual(variables(once));
  });

  it('gives each step the rate that the schedule says', async () => {
    const [scheduled, stepped] = [opened(), opened()];
    const rate = (step: number) => (step < 5 ? 0.1 : 0.01);
    await collect(scheduled.run({ steps: 10, lr: rate }));
    for (let step = 0; step < 10; step++) stepped.step({ lr: rate(step) });
    expect(variables(scheduled)).toEqual(variables(stepped));
  });

  it('of no steps does nothing', async () => {
    const session = opened();
    const before = variables(session);
    expect(await collect(session.run({ steps: 0, lr: 0.1 }))).toEqual([]);
    expect(variables(session)).toEqual(before);
  });

  it('lowers the loss', async () => {
    const session = opened();
    const before = session.evaluate(rows);
    await collect(session.run({ steps: 400, lr: 0.05 }));
    expect(session.evaluate(rows)).toBeLessThan(before / 4);
  });

  it('ends when its signal says so, having said how far it came', async () => {
    const session = opened();
    const stop = new AbortController();
    const reports: Progress[] = [];
    for await (const progress of session.run({ steps: 1e6, lr: 0.1, every: 5, signal: stop.signal })) {
      reports.push(progress);
      if (progress.at === 15) stop.abort();
    }
    expect(session.at).toBe(15);
    expect(reports.at(-1)!.at).toBe(15);
    session.step({ lr: 0.1 });
    expect(session.at).toBe(16);
  });

  it('reports the steps since the last report when it is ended between two', async () => {
    const session = opened();
    const stop = new AbortController();
    const run = collect(session.run({ steps: 1e9, lr: 0.1, every: 1e9, signal: stop.signal }));
    setTimeout(() => stop.abort(), 30);
    const reports = await run;
    expect(reports).toHaveLength(1);
    expect(reports[0].at).toBe(session.at);
    expect(reports[0].losses).toHaveLength(session.at);
  });

  it('ends when its session is closed', async () => {
    const session = opened();
    const run = collect(session.run({ steps: 1e9, lr: 0.1, every: 1e9 }));
    setTimeout(() => session.close(), 30);
    expect((await run).length).toBe(1);
  });

  it.each<[object, string]>([
    [{ steps: -1, lr: 0.1 }, 'run: steps: expected a whole number from 0, got -1'],
    [{ steps: 1.5, lr: 0.1 }, 'run: steps: expected a whole number from 0, got 1.5'],
    [{ steps: 5, lr: 0.1, every: 0 }, 'run: every: expected a whole number from 1, got 0'],
    [{ steps: 5, lr: -1 }, 'the learning rate must be a number from 0, got -1 at step 1'],
    [
      { steps: 5, lr: (step: number) => (step < 3 ? 0.1 : Number.NaN) },
      'the learning rate must be a number from 0, got NaN at step 4',
    ],
  ])('with %j is refused', async (options, message) => {
    const session = opened();
    await expect(collect(session.run(options as { steps: number; lr: number }))).rejects.toThrow(
      expect.objectContaining({ message, name: 'OptionError' }),
    );
    expect(session.step({ lr: 0.1 })).toBeGreaterThan(0);
  });
});
