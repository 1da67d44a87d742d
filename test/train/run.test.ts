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

describe('a run that is awaited', () => {
  it('takes all steps, and gives the last report', async () => {
    const [session, other] = [opened(), opened()];
    const last = await session.run({ steps: 20, lr: 0.1, every: 6 });
    const reports = await collect(other.run({ steps: 20, lr: 0.1, every: 6 }));
    expect(last).toMatchObject({ at: 20, loss: reports.at(-1)!.loss, losses: reports.at(-1)!.losses });
    expect(await session.run({ steps: 0, lr: 0.1 })).toBeUndefined();
    expect(session.at).toBe(20);
  });

  it('is one run, however often it is asked', async () => {
    const session = opened();
    const run = session.run({ steps: 5, lr: 0.1 });
    const seen = await Promise.all([run, run.then((last) => last?.at), run.finally(() => {})]);
    expect([seen[0]?.at, seen[1], seen[2]?.at, session.at]).toEqual([5, 5, 5, 5]);
    expect(await collect(run)).toEqual([]);
  });

  it('gives its reports to whoever iterates over it, even behind an async function', async () => {
    const session = opened();
    const train = async () => session.run({ steps: 20, lr: 0.1, every: 5 });
    const at: number[] = [];
    for await (const report of (await train())!) at.push(report.at);
    for await (const report of session.run({ steps: 10, lr: 0.1, every: 5 })) at.push(report.at);
    expect(at).toEqual([5, 10, 15, 20, 25, 30]);
  });

  it('fails with the error of the run', async () => {
    const session = opened();
    const wrong = { steps: -1, lr: 0.1 };
    await expect(session.run(wrong)).rejects.toThrow('run: steps: expected a whole number from 0');
    expect(await session.run(wrong).catch(() => 'caught')).toBe('caught');
    expect(session.at).toBe(0);
  });

  it.each<[object | undefined, string]>([
    [{ steps: 5, lr: '0.1' }, 'run: lr must be a number from 0, or a function of the step, got "0.1"'],
    [{ steps: 5 }, 'run: lr must be a number from 0, or a function of the step, got undefined'],
    [
      { steps: 5, lr: 1e300 },
      'the learning rate must be a number from 0 to 3.4e38, as float32 holds it, got 1e+300',
    ],
    [{ steps: 5, lr: () => 1e300 }, 'got 1e+300 at step 1'],
    [{ steps: '5', lr: 0.1 }, 'run: steps: expected a whole number from 0, got "5"'],
    [{ steps: 5, lr: 0.1, evry: 2 }, 'run: there is no option evry: did you mean every?'],
    [
      { steps: 5, lr: 0.1, epochs: 2 },
      'run: there is no option epochs: one is as many steps as the dataset has batches: give steps',
    ],
    [
      { steps: 5, lr: 0.1, signal: new AbortController() },
      'run: signal must be an AbortSignal, got an object',
    ],
    [undefined, 'run: expected { steps, lr }'],
  ])('is told of %o', async (options, message) => {
    await expect(opened().run(options as never)).rejects.toThrow(message);
  });
});

describe('a session while a run is going on', () => {
  const run = { steps: 12, lr: 0.1, every: 4 };
  const going = (what: string) =>
    `${what}: a run of this session is going on: await it, or leave its loop, first`;

  it('refuses a second run, and the first goes on', async () => {
    const session = opened();
    const [first, second] = await Promise.allSettled([session.run(run), session.run(run)]);
    expect(first).toMatchObject({ status: 'fulfilled', value: { at: 12 } });
    expect(second).toMatchObject({
      status: 'rejected',
      reason: { name: 'OptionError', message: going('run') },
    });
    expect(session.at).toBe(12);
  });

  it('refuses what would move it, and may look, write and save', async () => {
    const session = opened();
    const saved = session.checkpoint();
    let reports = 0;
    for await (const { at } of session.run(run)) {
      reports++;
      session.evaluate(rows);
      session.write('layers.4.bias', [0, 0, 0, 0, 0]);
      session.checkpoint();
      if (at === 12) break;
      expect(() => session.step({ lr: 0.1 })).toThrow(going('step'));
      expect(() => session.restore(saved)).toThrow(going('restore'));
      await expect(session.run(run)).rejects.toThrow(going('run'));
      await expect(session.trial(async () => 1)).rejects.toThrow(going('trial'));
    }
    expect(reports).toBe(3);
    session.restore(saved);
    expect(session.at).toBe(0);
  });

  it('may go on once its loop was left, or its last report was given', async () => {
    const session = opened();
    for await (const _ of session.run(run)) break;
    expect(session.step({ lr: 0.1 })).toBeGreaterThan(0);
    const report = await session.run({ steps: 4, lr: 0.1, every: 4 }).next();
    expect(report.value?.at).toBe(9);
    expect(session.step({ lr: 0.1 })).toBeGreaterThan(0);
    expect((await session.run(run))?.at).toBe(22);
  });

  it('ends the run when it is closed', async () => {
    const session = opened();
    const reports: number[] = [];
    for await (const { at } of session.run(run)) {
      reports.push(at);
      await session.close();
    }
    expect(reports).toEqual([4]);
  });
});

it('a run that nobody waited for is told by whatever comes next', async () => {
  const session = opened();
  const run = session.run({ steps: 3, lr: 0.1 });
  const [name] = session.names();
  for (const ask of [
    () => session.evaluate(rows),
    () => session.checkpoint(),
    () => session.read(name),
    () => session.write(name, [0]),
    () => session.data(rows),
    () => session.step({ lr: 0.1 }),
  ])
    expect(ask).toThrow('a run was made and not begun: write await session.run(...), or iterate over it');
  await expect(session.run({ steps: 3, lr: 0.1 })).rejects.toThrow('run: a run was made and not begun');
  await run;
  expect(session.evaluate(rows)).toBeGreaterThan(0);
});
