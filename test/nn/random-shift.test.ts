import { describe, expect, it } from 'vitest';
import { crossEntropy, f32, i32, lenet, nn, optim, type Session, trainStep } from '../../src/index.js';

const [BATCH, SIDE] = [5, 6];

/** A layer whose output is seen in the gradient of a parameter for each of its places. */
function shifting(by: number | number[] = 2) {
  const shift = nn.randomShift(by);
  const seen = nn.parameter([BATCH, SIDE, SIDE, 1], () => new Float32Array(BATCH * SIDE * SIDE));
  return trainStep({
    model: { shift, seen },
    batch: { x: f32(BATCH, SIDE, SIDE, 1) },
    loss: ({ shift, seen }, { x }) => shift(x).mul(seen).sum(),
    optimizer: optim.sgd(),
    keepGradients: true,
    predict: { inputs: { x: f32(BATCH, SIDE, SIDE, 1) }, output: ({ shift }, { x }) => shift(x) },
  });
}

const batch = { x: Float32Array.from({ length: BATCH * SIDE * SIDE }, (_, i) => i + 1) };
const step = (session: Session) => {
  session.step({ lr: 0, batch });
  return Array.from(session.gradients().seen);
};

describe('nn.randomShift', () => {
  it('moves the images of each step anew, the same on the tape and compiled, for one thread and for three', async () => {
    const tape = shifting().interpret({ seed: 5 });
    const exact = shifting().interpret({ seed: 5, precision: 'float64' });
    const one = await shifting().compile({ seed: 5 });
    const three = await shifting().compile({ seed: 5, threads: 3 });
    const steps = [0, 1, 2, 3].map(() => step(tape));
    expect(new Set(steps.map(String)).size).toBe(4);
    for (const want of steps) for (const session of [exact, one, three]) expect(step(session)).toEqual(want);
    const saved = one.checkpoint();
    const resumed = shifting().interpret({ seed: 6 });
    resumed.restore(saved);
    expect(step(resumed)).toEqual(step(tape));
    expect(step(shifting().interpret({ seed: 6 }))).not.toEqual(steps[0]);
    for (const session of [one, three]) await session.close();
  });

  it('does nothing in use, and draws nothing there', () => {
    const trained = shifting();
    for (const entry of ['evaluate', 'predict']) {
      expect(trained.program.entries[entry].nodes.filter((n) => n.op.name === 'random')).toEqual([]);
      expect(trained.program.entries[entry].updates).toEqual([]);
    }
    expect(Array.from(trained.interpret().predict(batch))).toEqual([...batch.x]);
  });

  it('stands before the first layer of a model, which learns', () => {
    const model = nn.sequential(nn.randomShift(1), lenet({ size: 12, classes: 3 }));
    const small = trainStep({
      model,
      batch: { x: f32(6, 12, 12, 1), y: i32(6) },
      loss: (m, { x, y }) => crossEntropy(m(x), y),
      optimizer: optim.adam(),
    });
    // A bar at one of three places.
    const y = Int32Array.from({ length: 6 }, (_, i) => i % 3);
    const x = Float32Array.from({ length: 6 * 144 }, (_, i) =>
      Number((i % 12) - 2 === 3 * y[Math.floor(i / 144)]),
    );
    const session = small.interpret({ seed: 1 });
    for (let i = 0; i < 40; i++) session.step({ lr: 0.01, batch: { x, y } });
    expect(session.evaluate({ x, y })).toBeLessThan(0.1);
  });

  it.each<[unknown, string]>([
    [-1, 'randomShift: by: expected a whole number from 0, or one for each axis, got -1'],
    [1.5, 'got 1.5'],
    ['2', 'got "2"'],
    [[], 'got []'],
    [[1, -2], 'got [1,-2]'],
  ])('refuses to move by %j', (by, message) => {
    expect(() => nn.randomShift(by as number)).toThrow(message);
  });

  it('names itself where an image is too small or has other axes', () => {
    expect(() => shifting(6).program).toThrow(
      /a shift by up to 6 moves an image of \[6, 6\] places out of sight, in shift \(randomShift\) \(random-shift.test.ts:\d+\)/,
    );
    expect(() => shifting([1, 1, 1]).program).toThrow(
      'expected a whole number from 0, or 2 of them, got [1, 1, 1]',
    );
    expect(() => nn.randomShift(1, { channelFirst: true } as never)).toThrow('did you mean channelsFirst?');
  });
});
