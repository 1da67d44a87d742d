import { describe, expect, it } from 'vitest';
import { compileProgram } from '../../src/emit/compile.js';
import { f32, GradError, nn, optim, trainStep } from '../../src/index.js';
import { CompiledEngine } from '../../src/run/engine.js';
import { moduleCache, readLibrary, spawnWorker } from '../../src/run/node.js';
import { drawnRows } from '../../src/train/columns.js';
import { initialValues } from '../../src/train/initial.js';
import { Session } from '../../src/train/session.js';
import { line, points, variables } from '../train/small.js';

/** The points again and again: more bytes than a memory begins with. */
const many = {
  x: Float32Array.from({ length: 200_000 }, (_, i) => points.x[i % points.x.length]),
  y: Float32Array.from({ length: 100_000 }, (_, i) => points.y[i % points.y.length]),
};

async function compiled(shared: boolean): Promise<Session> {
  const { program, description } = line();
  const { wasm, layout } = await compileProgram(program, {
    ...{ library: await readLibrary(), cache: moduleCache(), shared },
  });
  const engine = await CompiledEngine.start({
    ...{ wasm, layout, shared, threads: 1, seed: 7, spawn: spawnWorker },
    initial: initialValues(program.variables, 7),
  });
  return new Session(description, engine);
}

/** A step whose loss has the drawn rows as its decimal digits, the first of the batch being the last digit. */
const digits = () =>
  trainStep({
    name: 'digits',
    model: nn.linear(1, 1),
    batch: { x: f32(5, 1) },
    loss: (model, { x }) => {
      const digits = [4, 3, 2, 1, 0].map((i) => x.slice([i, 0], [1, 1]).sum());
      return digits.reduce((number, digit) => number.mul(10).add(digit)).add(model(x).sum().mul(0));
    },
    optimizer: optim.sgd(),
  });

describe('rows that the module draws', () => {
  it('are those of the step, by the same numbers as elsewhere, in one call of many steps and in many of one', async () => {
    const session = await digits().compile({ seed: 3 });
    session.data({ x: Array.from({ length: 10 }, (_, i) => i) });
    const losses: number[] = [];
    for await (const report of session.run({ steps: 40, lr: 0 })) losses.push(...report.losses);
    for (let i = 0; i < 5; i++) losses.push(session.step({ lr: 0 }));
    const wanted = losses.map((_, at) =>
      drawnRows(3, at, 5, 10).reduce((sum, row, i) => sum + row * 10 ** i, 0),
    );
    expect(losses).toEqual(wanted);
    expect(new Set(losses).size).toBeGreaterThan(30);
    await session.close();
  });
});

describe('the parts of a batch', () => {
  const parts = (count: number) => {
    const names = Array.from({ length: count }, (_, i) => `part${i}`);
    const step = trainStep({
      name: 'parts',
      model: nn.linear(2, 1),
      batch: Object.fromEntries(names.map((name) => [name, f32(1, 2)])),
      loss: (model, batch) =>
        names
          .map((name) => batch[name].sum())
          .reduce((a, b) => a.add(b))
          .add(model(batch.part0).sum().mul(0)),
      optimizer: optim.sgd(),
    });
    const data = Object.fromEntries(names.map((name, i) => [name, [i, i, i, i]]));
    return { step, data };
  };

  it('may be 64, of which each has its own place', async () => {
    const { step, data } = parts(64);
    const session = await step.compile();
    session.data(data);
    expect(session.step({ lr: 0 })).toBe(64 * 63);
    await session.close();
  });

  it('are refused if they are more', async () => {
    const { step, data } = parts(65);
    const session = await step.compile();
    expect(() => session.data(data)).toThrow(new GradError('a batch may have 64 parts, this has 65'));
    await session.close();
  });
});

describe.each([true, false])('the memory of a session (shared: %s)', (shared) => {
  it('is read and written where it is after it has grown for the data', async () => {
    const session = await compiled(shared);
    const before = session.read('weight').slice();
    session.data(points);
    const first = session.step({ lr: 0.01 });
    session.data(many);
    // Steps on drawn and on given batches, a run and a write: each goes through arrays on the memory.
    const second = session.step({ lr: 0.01 });
    const batch = { x: points.x.slice(0, 6), y: points.y.slice(0, 3) };
    const third = session.step({ lr: 0.01, batch });
    for await (const _ of session.run({ steps: 3, lr: 0.01 }));
    session.write('bias', [0.5]);
    const fourth = session.step({ lr: 0.01 });

    const tape = line().interpret({ seed: 7 });
    expect(variables(tape).weight).toEqual([...before]);
    tape.data(points);
    const losses = [tape.step({ lr: 0.01 })];
    tape.data(many);
    losses.push(tape.step({ lr: 0.01 }), tape.step({ lr: 0.01, batch }));
    for await (const _ of tape.run({ steps: 3, lr: 0.01 }));
    tape.write('bias', [0.5]);
    losses.push(tape.step({ lr: 0.01 }));
    [first, second, third, fourth].forEach((loss, i) => {
      expect(loss).toBeCloseTo(losses[i], 5);
    });
    const [got, want] = [variables(session), variables(tape)];
    for (const name of session.names()) {
      got[name].forEach((x, i) => {
        expect(x).toBeCloseTo(want[name][i], 5);
      });
    }
    await session.close();
  });

  it('is copied where a result is given out, so that the next step does not change it', async () => {
    const session = await compiled(shared);
    session.data(points);
    const reported: number[][] = [];
    for await (const { losses } of session.run({ steps: 6, lr: 0.01, every: 2 })) reported.push(losses);
    expect(new Set(reported.flat()).size).toBe(6);
    await session.close();
  });
});
