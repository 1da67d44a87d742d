import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { uniform } from '../../bench/golden/hash.js';
import {
  accuracy,
  binaryCrossEntropy,
  type CrossEntropyOptions,
  compileFunction,
  confusionMatrix,
  crossEntropy,
  f32,
  gradients,
  huber,
  i32,
  l1Loss,
  meanSquaredError,
  type Tensor,
  tensor,
  trace,
} from '../../src/index.js';
import type { Eager } from '../../src/tape/tape.js';
import { leaf, onTape } from './run.js';

// Losses and their gradients against PyTorch; test/ops/losses.py wrote the numbers.

interface Outcome {
  value: number[];
  gradients: number[][];
}
const recorded: {
  crossEntropy: (Outcome & {
    options: { smoothing: number; weighted: boolean; ignore: boolean; reduction: 'mean' | 'sum' | 'none' };
  })[];
  binaryCrossEntropy: (Outcome & { positiveWeight: number | null })[];
  extreme: Outcome;
  huber: (Outcome & { delta: number })[];
  l1Loss: Outcome;
} = JSON.parse(readFileSync(new URL('./losses.json', import.meta.url), 'utf8'));

const floats = (shape: number[], scale: number, salt: number, shift = 0) =>
  leaf(
    { shape, dtype: 'f32' },
    Array.from(
      uniform(
        shape.reduce((a, b) => a * b, 1),
        1,
        salt,
      ),
      (v) => v * scale + shift,
    ),
  );
const whole = (values: ArrayLike<number>) => tensor(Array.from(values), { dtype: 'i32' });
const ints = (count: number, high: number, salt: number) =>
  Array.from(uniform(count, 1, salt), (v) => Math.floor(((v + 1) / 2) * high));
const values = (t: unknown) => Array.from((t as Eager).data);

const targets = ints(7, 5, 2);
const ignoring = targets.map((target, i) => (i === 1 || i === 4 ? -100 : target));
const weights = Array.from(uniform(5, 1, 3), (w) => w + 1.5);

function near(got: number[], want: number[], within: number): void {
  expect(got).toHaveLength(want.length);
  got.forEach((x, i) => {
    expect(Math.abs(x - want[i])).toBeLessThanOrEqual(within * Math.max(1, Math.abs(want[i])));
  });
}

function agrees(f: (leaves: Tensor[]) => Tensor, leaves: Eager[], want: Outcome): void {
  onTape('float64', () => {
    const loss = f(leaves) as Eager;
    near(values(loss), want.value, 1e-12);
    gradients(loss.sum(), leaves).forEach((flow, i) => {
      near(values(flow), want.gradients[i], 1e-12);
    });
  });
}

type Options = (typeof recorded.crossEntropy)[number]['options'];
const optionsOf = ({ smoothing, weighted, ignore, reduction }: Options): CrossEntropyOptions => ({
  labelSmoothing: smoothing,
  reduction,
  ...(weighted && { weights }),
  ...(ignore && { ignoreIndex: -100 }),
});

describe('crossEntropy', () => {
  it.each(recorded.crossEntropy)('is that of PyTorch with $options', ({ options, ...want }) => {
    const y = whole(options.ignore ? ignoring : targets);
    agrees(([logits]) => crossEntropy(logits, y, optionsOf(options)), [floats([7, 5], 4, 1)], want);
  });

  it('is that of PyTorch compiled, and finds a target outside of the classes that is not ignored', async () => {
    const some = recorded.crossEntropy.filter(
      ({ options }) => options.ignore && options.reduction === 'mean',
    );
    const graph = trace('losses', { logits: f32(7, 5), y: i32(7) }, ({ logits, y }) =>
      Object.fromEntries(
        some.flatMap(({ options }, k) => {
          const loss = crossEntropy(logits, y, optionsOf(options));
          return [
            [`loss${k}`, loss],
            [`flow${k}`, gradients(loss, [logits])[0]!],
          ];
        }),
      ),
    );
    const compiled = await compileFunction(graph);
    const logits = uniform(35, 4, 1);
    const got = compiled.call({ logits, y: ignoring });
    some.forEach((want, k) => {
      near(Array.from(got[`loss${k}`]), want.value, 1e-6);
      near(Array.from(got[`flow${k}`]), want.gradients[0], 1e-6);
    });
    expect(() => compiled.call({ logits, y: ignoring.with(2, 5) })).toThrow(
      'crossEntropy: index 5 at position 2 is outside of 0 to 4',
    );
    await compiled.close();
  });

  it('names what is wrong', () => {
    const [logits, y] = [floats([7, 5], 1, 1), whole(targets)];
    const of = (options: object) => () => crossEntropy(logits, y, options);
    expect(of({ labelSmoothing: 1.5 })).toThrow('crossEntropy: labelSmoothing must be from 0 to 1, got 1.5');
    expect(of({ weights: [1, 2] })).toThrow('crossEntropy: expected a weight for each of 5 classes, got [2]');
    expect(of({ ignoreIndex: 0.5 })).toThrow(
      'crossEntropy: ignoreIndex must be a whole number of 32 bits, got 0.5',
    );
    expect(of({ reduction: 'max' })).toThrow(
      'crossEntropy: reduction must be one of mean, sum, none, got "max"',
    );
    expect(of({ smooth: 0.1 })).toThrow(
      'crossEntropy: there is no option smooth; there are labelSmoothing, weights, ignoreIndex, reduction',
    );
    expect(() => crossEntropy(logits, whole([0, 1, 2, 3, 4, 5, 0]))).toThrow(
      /^crossEntropy: index 5 at position 5 is outside of 0 to 4 \(losses\.test\.ts:\d+\)$/,
    );
  });
});

describe('binaryCrossEntropy', () => {
  it.each(recorded.binaryCrossEntropy)(
    'is that of PyTorch with a weight of $positiveWeight',
    ({ positiveWeight, ...want }) => {
      const t = floats([4, 3], 0.5, 5, 0.5);
      const options = positiveWeight === null ? {} : { positiveWeight };
      agrees(([x]) => binaryCrossEntropy(x, t, options), [floats([4, 3], 3, 4)], want);
    },
  );

  it('keeps its digits for logits of any size', async () => {
    const extreme = [0, 30, -30, 90, -90, 1e4, -1e4, 1];
    const sure = [0.5, 1, 0, 0, 1, 1, 0, 0.25];
    const t = leaf({ shape: [8], dtype: 'f32' }, sure);
    agrees(
      ([x]) => binaryCrossEntropy(x, t, { reduction: 'none' }),
      [leaf({ shape: [8], dtype: 'f32' }, extreme)],
      recorded.extreme,
    );
    const graph = trace('sure', { x: f32(2), t: f32(2) }, ({ x, t }) => ({
      y: binaryCrossEntropy(x, t, { reduction: 'none' }),
    }));
    const compiled = await compileFunction(graph);
    const { y } = compiled.call({ x: [20, -20], t: [1, 0] });
    for (const loss of y) expect(loss / Math.log1p(Math.exp(-20))).toBeCloseTo(1, 5);
    await compiled.close();
  });

  it('takes truth values as targets, and refuses other shapes', () => {
    const x = tensor([1, -1]);
    expect(values(binaryCrossEntropy(x, x.greater(0)))[0]).toBeCloseTo(Math.log1p(Math.exp(-1)), 6);
    expect(() => binaryCrossEntropy(tensor([[1], [2]]), x)).toThrow(
      'binaryCrossEntropy: the logits are [2, 1], the target [2]: reshape one, as in target.reshape([2, 1])',
    );
  });
});

describe('losses of numbers', () => {
  const sides = () => [floats([4, 3], 3, 4), floats([4, 3], 1, 5)];

  it.each(recorded.huber)('huber is that of PyTorch with delta $delta', ({ delta, ...want }) => {
    agrees(([x, t]) => huber(x, t, { delta }), sides(), want);
  });

  it('l1Loss is that of PyTorch', () => {
    agrees(([x, t]) => l1Loss(x, t), sides(), recorded.l1Loss);
  });

  it('have no gradient where there is no error', () => {
    for (const loss of [huber, l1Loss, meanSquaredError]) {
      const x = tensor([2, 3], { requiresGrad: true });
      expect(values(gradients(loss(x, tensor([2, 3])), [x])[0])).toEqual([0, 0]);
    }
  });

  it('refuse other shapes and options', () => {
    expect(() => huber(tensor([1, 2]), tensor([[1, 2]]))).toThrow(
      'huber: the prediction is [2], the target [1, 2]: reshape one',
    );
    expect(() => huber(tensor([1]), 0, { delta: 0 })).toThrow('huber: delta must be above 0, got 0');
    expect(() => l1Loss(whole([1]), whole([1]))).toThrow('l1Loss: takes f32, not i32[1]');
  });
});

describe('metrics', () => {
  const logits = tensor([
    [0, 2, 1],
    [3, 0, 3],
    [0, 1, 5],
    [1, 0, 0],
  ]);

  it('accuracy is the share of rows whose first largest logit is the target', () => {
    expect(values(accuracy(logits, whole([1, 0, 1, 0])))).toEqual([0.75]);
    // A row with a NaN is never right, wherever that stands.
    const broken = tensor([
      [Number.NaN, 1, 2],
      [0, Number.NaN, Number.NaN],
      [0, 1, 2],
    ]);
    expect(values(accuracy(broken, whole([0, 1, 2])))[0]).toBeCloseTo(1 / 3, 6);
    expect(values(accuracy(logits, whole([1, 2, -1, 2]), { ignoreIndex: -1 }))[0]).toBeCloseTo(1 / 3, 6);
    expect(() => accuracy(logits, whole([1, 2, 3, 0]))).toThrow(
      'accuracy: index 3 at position 2 is outside of 0 to 2',
    );
    expect(() => accuracy(logits, whole([1]))).toThrow(
      'accuracy: targets must be the number of a class for each row',
    );
  });

  it('a confusion matrix counts what was taken for what', () => {
    const t = whole([1, 0, 1, 0]);
    const want = [2, 0, 0, 0, 1, 1, 0, 0, 0];
    const counted = confusionMatrix(logits, t);
    expect([counted.shape, counted.dtype, values(counted)]).toEqual([[3, 3], 'i32', want]);
    expect(values(confusionMatrix(whole([1, 0, 2, 0]), t, { classes: 3 }))).toEqual(want);
    const some = confusionMatrix(logits, whole([1, -1, 1, -1]), { ignoreIndex: -1 });
    expect(values(some)).toEqual([0, 0, 0, 0, 1, 1, 0, 0, 0]);
    expect(() => confusionMatrix(whole([1]), whole([1]))).toThrow(
      'say how many there are, as in { classes: 10 }',
    );
    expect(() => confusionMatrix(whole([1]), whole([4]), { classes: 3 })).toThrow(
      'confusionMatrix: index 4 at position 0',
    );
    expect(() => confusionMatrix(whole([1, 2]), whole([1]), { classes: 3 })).toThrow('must be as many');
  });

  it('compile', async () => {
    const graph = trace('metrics', { x: f32(4, 3), t: i32(4) }, ({ x, t }) => ({
      share: accuracy(x, t),
      counts: confusionMatrix(x, t),
    }));
    const compiled = await compileFunction(graph);
    const got = compiled.call({ x: values(logits), t: [1, 0, 1, 0] });
    expect(Array.from(got.share)).toEqual([0.75]);
    expect(Array.from(got.counts)).toEqual([2, 0, 0, 0, 1, 1, 0, 0, 0]);
    await compiled.close();
  });
});
