import { describe, expect, it } from 'vitest';
import { OptionError } from '../../src/errors.js';
import { neighbours, wordsParameters, wordsStep } from '../../src/models/words.js';
import type { Session } from '../../src/train/session.js';

const sizes = { vocab: 11, context: 3, embed: 4, hidden: 5, direct: true };
const common = { batch: 4, optimizer: 'sgd', weightDecay: 0 } as const;

const rows = 9;
const x = Int32Array.from({ length: rows * sizes.context }, (_, i) => (i * i + 3) % sizes.vocab);
const y = Int32Array.from({ length: rows }, (_, i) => (5 * i + 1) % sizes.vocab);

/** y = b + W x + U tanh(d + H x), and the logarithm of its softmax at the target. */
function byHand(session: Session, row: number, { direct, hidden, embed, context, vocab } = sizes): number {
  const read = (name: string) => session.read(name);
  const ids = x.subarray(row * context, (row + 1) * context);
  const C = read('embedding.weight');
  const features = [...ids].flatMap((id) => [...C.subarray(id * embed, (id + 1) * embed)]);
  const times = (v: readonly number[], m: ArrayLike<number>, width: number, j: number) =>
    v.reduce((sum, value, i) => sum + value * m[i * width + j], 0);
  const h = Array.from({ length: hidden }, (_, j) =>
    Math.tanh(read('hidden.bias')[j] + times(features, read('hidden.weight'), hidden, j)),
  );
  const b = read(hidden > 0 ? 'output.bias' : 'direct.bias');
  const logits = Array.from({ length: vocab }, (_, j) => {
    const ofHidden = hidden > 0 ? times(h, read('output.weight'), vocab, j) : 0;
    return b[j] + ofHidden + (direct ? times(features, read('direct.weight'), vocab, j) : 0);
  });
  return logits[y[row]] - Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit), 0));
}

describe('the model of words', () => {
  it.each([
    ['hidden units and direct connections', sizes],
    ['hidden units alone', { ...sizes, direct: false }],
    ['direct connections alone', { ...sizes, hidden: 0 }],
  ])('scores as equation 1 of the paper says: %s', (_, some) => {
    const session = wordsStep({ ...common, ...some }).interpret({ seed: 3, precision: 'float64' });
    session.data({ x, y });
    // Away from where it begins, biases too.
    for (let i = 0; i < 20; i++) session.step({ lr: 0.5 });
    const { output } = session.invoke('score', { x, y });
    for (let row = 0; row < rows; row++) expect(output[row]).toBeCloseTo(byHand(session, row, some), 10);
    const mean = Array.from(output).reduce((a, b) => a - b, 0) / rows;
    expect(session.evaluate({ x, y })).toBeCloseTo(mean, 10);
    const p = session.predict({ x: x.subarray(0, 3) });
    expect(Math.log(p[y[0]])).toBeCloseTo(output[0], 10);
    expect(session.parameterCount).toBe(wordsParameters(some));
  });

  it('begins nearly uniform, and dropout is of training alone', () => {
    const session = wordsStep({ ...common, ...sizes, dropout: 0.5 }).interpret({ precision: 'float64' });
    expect(session.evaluate({ x, y })).toBeCloseTo(Math.log(sizes.vocab), 1);
    expect(session.evaluate({ x, y })).toBe(session.evaluate({ x, y }));
    expect(session.names('state').some((name) => name.endsWith('dropout.key'))).toBe(true);
  });

  it('decays matrices and the table by rate and decay, and no bias', () => {
    const trained = (weightDecay: number) => {
      const step = wordsStep({ ...common, ...sizes, batch: rows, weightDecay });
      const session = step.interpret({ seed: 1, precision: 'float64' });
      const before = new Map(session.names('parameter').map((name) => [name, [...session.read(name)]]));
      session.step({ lr: 0.1, batch: { x, y } });
      return { session, before };
    };
    const [plain, decayed] = [trained(0), trained(0.5)];
    for (const [name, start] of plain.before) {
      const lost = name.endsWith('bias') ? 0 : 0.1 * 0.5;
      const [a, b] = [plain, decayed].map(({ session }) => session.read(name));
      start.forEach((value, i) => {
        expect(b[i]).toBeCloseTo(a[i] - lost * value, 12);
      });
    }
  });

  it('is refused without anything between its features and its output', () => {
    expect(() => wordsStep({ ...common, ...sizes, hidden: 0, direct: false })).toThrow(OptionError);
  });
});

it('neighbours are rows by the cosine of their angle', () => {
  const table = [
    1, 0, /* the same way, longer */ 3, 0, /* across */ 0, 2, /* against */ -1, 0, /* nowhere */ 0, 0,
  ];
  const found = neighbours(table, 2, 0, 10);
  expect(found.map(({ row }) => row)).toEqual([1, 2, 4, 3]);
  expect(found.map(({ cosine }) => cosine)).toEqual([1, 0, 0, -1]);
  expect(neighbours(table, 2, 0, 1, (row) => row === 1)).toEqual([{ row: 2, cosine: 0 }]);
});
