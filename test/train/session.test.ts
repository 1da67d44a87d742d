import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { f32, init, nn, OptionError, optim, type Session, trainStep } from '../../src/index.js';
import { batchOf, classifier, line, points, rows, variables } from './small.js';

function opened(seed = 7): Session {
  const session = classifier().interpret({ seed });
  session.data(rows);
  return session;
}

describe('a session', () => {
  it('begins alike for the same seed and otherwise for another', () => {
    expect(variables(opened(1))).toEqual(variables(opened(1)));
    expect(variables(opened(1))).not.toEqual(variables(opened(2)));
    const losses = (seed: number) => {
      const session = opened(seed);
      return Array.from({ length: 5 }, () => session.step({ lr: 0 }));
    };
    expect(losses(1)).toEqual(losses(1));
    expect(losses(1)).not.toEqual(losses(2));
  });

  it('shows itself in a line', async () => {
    const session = classifier().interpret({ seed: 5 });
    expect(inspect(session)).toMatch(/^Session\(\w+: \d+ parameters, tape, at step 0\)$/);
    await session.close();
    expect(inspect(session)).toMatch(/, at step 0, closed\)$/);
  });

  it('refuses a seed that is none', () => {
    for (const seed of [-1, 0.5, 2 ** 32, Number.NaN]) {
      expect(() => classifier().interpret({ seed })).toThrow(
        `seed: expected a whole number from 0 to 4294967295, got ${seed}`,
      );
    }
  });

  it('does not share its parameters with another session of the step', () => {
    const step = classifier();
    const [one, two] = [step.interpret({ seed: 3 }), step.interpret({ seed: 3 })];
    const before = variables(two);
    one.step({ lr: 0.5, batch: batchOf(rows, [0, 1, 2, 3]) });
    expect(variables(two)).toEqual(before);
    expect(variables(one)).not.toEqual(before);
  });

  it('knows its variables, parameters first, then what the optimizer keeps', () => {
    const session = opened();
    const parameters = [
      'layers.0.weight',
      'layers.2.weight',
      'layers.2.bias',
      'layers.4.weight',
      'layers.4.bias',
    ];
    expect(session.names('parameter')).toEqual(parameters);
    expect(session.names()).toEqual([
      ...parameters,
      ...parameters.map((name) => `optimizer.velocity.${name}`),
    ]);
    expect(session.parameterCount).toBe(7 * 3 + 6 * 6 + 6 + 6 * 5 + 5);
  });

  it('trains on the batch that it is given', () => {
    const [given, drawn] = [opened(), opened()];
    const loss = given.step({ lr: 0.1, batch: batchOf(rows, [9, 9, 0, 3]) });
    expect(loss).not.toBe(drawn.step({ lr: 0.1 }));
    expect(given.at).toBe(1);
  });

  it('writes and reads a variable', () => {
    const session = opened();
    session.write('layers.4.bias', [1, 2, 3, 4, 5]);
    expect(Array.from(session.read('layers.4.bias'))).toEqual([1, 2, 3, 4, 5]);
    expect(() => session.write('layers.4.bias', [1])).toThrow('layers.4.bias: expected 5 elements, got 1');
    expect(() => session.write('layers.4.bias', [1, 2, 3, 4, Number.NaN])).toThrow(
      'layers.4.bias: NaN at position 4',
    );
    expect(() => session.read('bias')).toThrow(/^there is no variable bias; there are layers\.0\.weight, /);
    expect(Array.from(session.read('layers.4.bias'))).toEqual([1, 2, 3, 4, 5]);
  });

  it('keeps nothing of the arrays that it was given', () => {
    const session = opened();
    const bias = Float32Array.of(1, 2, 3, 4, 5);
    session.write('layers.4.bias', bias);
    bias.fill(9);
    expect(Array.from(session.read('layers.4.bias'))).toEqual([1, 2, 3, 4, 5]);

    const [mine, changed] = [line().interpret(), line().interpret()];
    const data = { x: points.x.slice(), y: points.y.slice() };
    mine.data(points);
    changed.data(data);
    data.x.fill(Number.NaN);
    expect(changed.step({ lr: 0.1 })).toBe(mine.step({ lr: 0.1 }));
  });

  it('gives the gradients of the last step where they are kept', () => {
    const step = trainStep({
      model: { w: nn.parameter([2], init.values([3, -1])) },
      batch: { x: f32(2) },
      loss: ({ w }, { x }) => w.mul(x).square().sum(),
      optimizer: optim.sgd(),
      keepGradients: true,
    });
    const session = step.interpret({ precision: 'float64' });
    session.step({ lr: 0.5, batch: { x: [1, 2] } });
    expect(Array.from(session.gradients().w)).toEqual([6, -8]);
    expect(Array.from(session.read('w'))).toEqual([0, 3]);
  });

  it('predicts', () => {
    const session = opened();
    const logits = session.predict({ x: [3, 4] });
    expect(logits).toHaveLength(5);
    expect(() =>
      line()
        .interpret()
        .predict({ x: [1] } as never),
    ).toThrow('line has no predict, only train and evaluate: define it in trainStep');
    expect(() => session.predict({ x: [3] })).toThrow('x: 1 elements are not whole rows of [2]');
    expect(() => session.predict({ x: [3, 7] })).toThrow(
      'x (used by gather): index 7 at position 1 is outside of 0 to 6',
    );
  });
});

describe('evaluate', () => {
  it('is the mean over all rows, the last incomplete batch too', () => {
    const session = classifier().interpret({ precision: 'float64' });
    const read = (name: string) => Array.from(session.read(name));
    const [C, W1, b1, W2, b2] = session.names('parameter').map(read);
    const losses = Array.from(rows.y, (target, row) => {
      const e = [0, 1].flatMap((i) => C.slice(rows.x[2 * row + i] * 3, rows.x[2 * row + i] * 3 + 3));
      const h = b1.map((b, j) => Math.tanh(e.reduce((sum, v, i) => sum + v * W1[i * 6 + j], b)));
      const logits = b2.map((b, j) => h.reduce((sum, v, i) => sum + v * W2[i * 5 + j], b));
      return Math.log(logits.reduce((sum, z) => sum + Math.exp(z), 0)) - logits[target];
    });
    const mean = (list: number[]) => list.reduce((a, b) => a + b) / list.length;
    for (const n of [10, 9, 8, 5, 4, 3, 1]) {
      const part = { x: rows.x.slice(0, 2 * n), y: rows.y.slice(0, n) };
      expect(session.evaluate(part)).toBeCloseTo(mean(losses.slice(0, n)), 13);
    }
  });

  it('keeps the precision of its data in float64', () => {
    const session = line().interpret({ precision: 'float64' });
    session.write('weight', [1, 0]);
    session.write('bias', [0]);
    const x = Float64Array.of(0.1, 0, 0.2, 0);
    expect(session.evaluate({ x, y: Float64Array.of(0, 0) })).toBeCloseTo((0.1 ** 2 + 0.2 ** 2) / 2, 16);
  });

  it('changes nothing', () => {
    const session = opened();
    const before = variables(session);
    session.evaluate(rows);
    expect(variables(session)).toEqual(before);
    expect(session.at).toBe(0);
  });
});

describe('a closed session', () => {
  it('refuses everything', async () => {
    const session = opened();
    await session.close();
    await session.close();
    const uses: (() => unknown)[] = [
      () => session.data(rows),
      () => session.step({ lr: 0.1 }),
      () => session.evaluate(rows),
      () => session.predict({ x: [1, 2] }),
      () => session.read('layers.4.bias'),
      () => session.write('layers.4.bias', [1, 2, 3, 4, 5]),
      () => session.checkpoint(),
      () => session.restore(new Uint8Array()),
      () => session.gradients(),
    ];
    for (const use of uses)
      expect(use).toThrow(expect.objectContaining({ message: 'this session is closed' }));
    expect(uses[0]).toThrow(OptionError);
    await expect(session.run({ steps: 1, lr: 0.1 }).next()).rejects.toThrow('this session is closed');
  });

  it('is what await using leaves behind', async () => {
    let kept: Session;
    {
      await using session = opened();
      kept = session;
      session.step({ lr: 0.1 });
    }
    expect(() => kept.step({ lr: 0.1 })).toThrow('this session is closed');
  });
});
