import { describe, expect, it } from 'vitest';
import { f32, init, nn, optim, type Session, trainStep } from '../../src/index.js';

const SIZE = 1003;
const P = 0.3;

/** Two dropouts of one parameter of ones each, whose gradients are their masks. */
function masks(p = P) {
  const [a, b] = [nn.parameter([SIZE], init.ones), nn.parameter([17, 59], init.ones)];
  const [first, second] = [nn.dropout(p), nn.dropout(p)];
  return trainStep({
    model: { a, b, first, second },
    batch: { x: f32(1) },
    loss: ({ a, b, first, second }, { x }) =>
      first(a.mul(1))
        .sum()
        .add(second(b.mul(1)).sum())
        .mul(x.sum()),
    optimizer: optim.sgd(),
    keepGradients: true,
    predict: { inputs: { x: f32(1) }, output: ({ a, first }, { x }) => first(a.mul(x)) },
  });
}

const batch = { x: [1] };
const step = (session: Session): { loss: number; a: number[]; b: number[] } => {
  const loss = session.step({ lr: 0, batch });
  const { a, b } = session.gradients();
  return { loss, a: Array.from(a), b: Array.from(b) };
};

describe('dropout', () => {
  it('drops a share p of the elements and divides the others by 1 - p', () => {
    const session = masks().interpret({ precision: 'float64' });
    let dropped = 0;
    for (let t = 0; t < 100; t++) {
      const { a, loss, b } = step(session);
      expect(a.filter((v) => v !== 0 && !(Math.abs(v - 1 / (1 - P)) < 1e-12))).toEqual([]);
      dropped += a.filter((v) => v === 0).length;
      expect(loss).toBeCloseTo(
        [...a, ...b].reduce((x, y) => x + y),
        8,
      );
    }
    // Within five standard deviations.
    const n = 100 * SIZE;
    expect(Math.abs(dropped / n - P)).toBeLessThan(5 * Math.sqrt((P * (1 - P)) / n));
  });

  it('has another mask in every step, in every layer and for every seed', () => {
    const session = masks().interpret({ seed: 1 });
    const seen = [step(session), step(session)].flatMap(({ a, b }) => [a, b]);
    seen.push(step(masks().interpret({ seed: 2 })).a);
    seen.forEach((mask, i) => {
      for (const other of seen.slice(0, i)) {
        const same = mask.filter((v, k) => (v === 0) === (other[k] === 0)).length / SIZE;
        // By chance p^2 + (1 - p)^2 of them agree.
        expect(Math.abs(same - (P * P + (1 - P) ** 2))).toBeLessThan(0.08);
      }
    });
  });

  it('has the same masks on the tape and compiled, for one thread and for three', async () => {
    const tapes = masks().interpret({ seed: 5 });
    const exact = masks().interpret({ seed: 5, precision: 'float64' });
    const one = await masks().compile({ seed: 5 });
    const three = await masks().compile({ seed: 5, threads: 3 });
    for (let t = 0; t < 4; t++) {
      const want = step(tapes);
      const drops = (of: number[]) => of.map((v) => v === 0);
      expect(drops(step(exact).a)).toEqual(drops(want.a));
      for (const session of [one, three]) {
        const got = step(session);
        expect(got.a).toEqual(want.a);
        expect(got.b).toEqual(want.b);
      }
    }
    for (const session of [one, three]) await session.close();
  });

  it('does nothing in use, and draws nothing there', async () => {
    const trained = masks();
    for (const entry of ['evaluate', 'predict']) {
      expect(trained.program.entries[entry].nodes.filter((n) => n.op.name === 'random')).toEqual([]);
      expect(trained.program.entries[entry].updates).toEqual([]);
    }
    const session = await trained.compile();
    expect(session.evaluate(batch)).toBeCloseTo(2 * SIZE, 2);
    expect(new Set(session.predict({ x: [1] }))).toEqual(new Set([1]));
    const fresh = await trained.compile();
    // Asking for predictions between steps changes no mask.
    expect(step(session)).toEqual(step(fresh));
    await session.close();
    await fresh.close();
  });

  it('goes on with the same masks from a checkpoint, whatever the seed of the session', async () => {
    const session = await masks().compile({ seed: 5 });
    for (let t = 0; t < 3; t++) step(session);
    const saved = session.checkpoint();
    const want = [step(session), step(session)];
    const resumed = masks().interpret({ seed: 6 });
    resumed.restore(saved);
    for (const { a, b } of want) {
      const got = step(resumed);
      expect([got.a, got.b]).toEqual([a, b]);
    }
    await session.close();
  });

  it('leaves no op behind where p is 0', () => {
    const { program } = masks(0);
    const plain = program.entries.train.nodes.map((n) => n.op.name);
    expect(plain).not.toContain('random');
    expect(plain).not.toContain('where');
    expect(program.variables.map((v) => v.name)).toEqual(['a', 'b']);
  });

  it('draws anew each time that one layer is applied', () => {
    const w = nn.parameter([500], init.ones);
    const drop = nn.dropout(0.5);
    const twice = trainStep({
      model: { w, drop },
      batch: { x: f32(1) },
      loss: ({ w, drop }, { x }) =>
        drop(drop(w.mul(1)))
          .sum()
          .mul(x.sum()),
      optimizer: optim.sgd(),
    });
    const session = twice.interpret();
    // A quarter is left, and is four times as large.
    expect(Math.abs(session.step({ lr: 0, batch }) / 500 - 1)).toBeLessThan(0.4);
    expect(session.read('drop.step')[0]).toBe(2);
  });

  it('keeps some elements however close p is to 1, and refuses what is no share', () => {
    for (const p of [-0.1, 1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => nn.dropout(p)).toThrow(
        expect.objectContaining({
          name: 'OptionError',
          message: `dropout: p must be from 0 to below 1, got ${p}`,
        }),
      );
    }
    const session = masks(1 - 1e-12).interpret();
    expect(() => step(session)).not.toThrow();
  });
});
