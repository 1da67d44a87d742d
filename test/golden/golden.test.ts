import { describe, expect, it } from 'vitest';
import { lossError, sumsError } from '../../bench/golden/compare.js';
import { parseGolden } from '../../bench/golden/file.js';
import { hash, ints, uniform } from '../../bench/golden/hash.js';
import { followsGoldenFiles, goldenFiles } from './suite.js';

// Both sides round in float64 and order their sums differently: after 200 steps that is some 1e-13.
followsGoldenFiles({
  name: 'the tape in float64',
  transformerSteps: 2,
  largeSteps: 8,
  noise: true,
  options: { keepGradients: true },
  tolerance: { loss: 1e-12, sums: 1e-11 },
  open: (step) => step.interpret({ precision: 'float64' }),
});

followsGoldenFiles({
  name: 'the tape in float32',
  mostSteps: 20,
  transformerSteps: 0,
  largeSteps: 3,
  noise: true,
  tolerance: { loss: 1e-5, sums: 1e-4 },
  open: (step) => step.interpret(),
});

describe('the golden files', () => {
  it('are all there', () => {
    expect(goldenFiles.map(({ name }) => name)).toEqual([
      'w1-bengio-char',
      'w2-layernorm',
      'w2-makemore-batchnorm',
      'w3-bengio-word-direct',
      'w4-mlp-adam',
      'w6-gpt-adamw',
      'w7-cnn-adam',
      'w8-gru-adam',
      'w8-lstm-sgd',
      'w9-llama-adamw',
    ]);
  });

  it('rest on a hash whose numbers can be worked out with big integers', () => {
    const byHand = (i: bigint, salt: bigint) => {
      const low = (x: bigint) => x & 0xffffffffn;
      let x = low(i + 1n + salt * 0x9e3779b1n);
      x = low((x ^ (x >> 16n)) * 0x85ebca6bn);
      x = low((x ^ (x >> 13n)) * 0xc2b2ae35n);
      return Number(x ^ (x >> 16n)) / 2 ** 32;
    };
    for (const [i, salt] of [
      [0, 1],
      [1, 1],
      [100_351, 1000],
      [7, 1399],
      [2 ** 31, 3],
    ]) {
      expect(hash(i, salt)).toBe(byHand(BigInt(i), BigInt(salt)));
    }
    expect([...uniform(2, 0.1, 5)]).toEqual(
      [0, 1].map((i) => Math.fround((2 * byHand(BigInt(i), 5n) - 1) * 0.1)),
    );
    expect([...ints(3, 27, 1001)]).toEqual([0, 1, 2].map((i) => Math.floor(byHand(BigInt(i), 1001n) * 27)));
  });
});

describe('a golden file', () => {
  const file = {
    name: 'tiny',
    config: {
      model: 'mlp',
      dims: [3, 2],
      act: 'relu',
      loss: 'mse',
      batch: 2,
      steps: 1,
      optim: { name: 'sgd', lr: 0.1, momentum: 0.9, nesterov: true, weight_decay: 0.01 },
    },
    loss_float64: [1],
    first_step_grad_sum_sumsq_float64: { W1: [0, 1], b1: [0, 1] },
    final_sum_sumsq_float64: { W1: [0, 1], b1: [0, 1] },
  };
  const withConfig = (config: object) => ({ ...file, config: { ...file.config, ...config } });
  const cnn = { model: 'cnn', image: [1, 4], classes: 2, dims: null, act: null, loss: null };
  const withOptim = (optim: object) => withConfig({ optim: { ...file.config.optim, ...optim } });

  it('is read with all that it says', () => {
    expect(parseGolden(file).config).toEqual(file.config);
  });

  it.each<[string, unknown, string]>([
    ['no object', [1], 'not a JSON object'],
    ['no config', { ...file, config: undefined }, 'config must be an object'],
    [
      'an unknown model',
      withConfig({ model: 'tree' }),
      'config.model must be one of bengio, mlp, gpt, llama, rnn, cnn, not "tree"',
    ],
    ['a missing width', withConfig({ dims: undefined }), 'config.dims is missing'],
    [
      'a width of 0',
      withConfig({ dims: [3, 0] }),
      'config.dims must be a list of two or more whole numbers from 1, not [3,0]',
    ],
    [
      'an unknown activation',
      withConfig({ act: 'swish' }),
      'config.act must be one of tanh, relu, gelu, sigmoid, leaky_relu, not "swish"',
    ],
    [
      'an option of another model',
      withConfig({ heads: 2 }),
      'config.heads is not known: there are model, batch, steps, optim, dims, act, loss',
    ],
    [
      'an unknown optimizer',
      withOptim({ name: 'lion' }),
      'config.optim.name must be one of sgd, adam, adamw, not "lion"',
    ],
    [
      'an option of another optimizer',
      withOptim({ betas: [0.9, 0.999] }),
      'config.optim.betas is not known: there are name, lr, weight_decay, momentum, nesterov',
    ],
    ['a negative learning rate', withOptim({ lr: -1 }), 'config.optim.lr must be a number from 0, not -1'],
    [
      'an image without places',
      withConfig({ ...cnn, image: [3] }),
      'config.image must be channels and one size or two, whole numbers from 1, not [3]',
    ],
    [
      'an unknown layer',
      withConfig({ ...cnn, layers: [{ residual: [{ drop: 0.5 }] }] }),
      'config.layers[0].residual[0] is no layer that is known: there are conv, norm, act, pool, mean, flatten, linear, residual',
    ],
    [
      'a stride of 0',
      withConfig({ ...cnn, layers: [{ flatten: true }, { conv: 2, kernel: 3, stride: 0 }] }),
      'config.layers[1].stride must be a whole number from 1, not 0',
    ],
    [
      'an option of another layer',
      withConfig({ ...cnn, layers: [{ linear: 2, kernel: 3 }] }),
      'config.layers[0].kernel is not known: there are linear',
    ],
    ['too few losses', withConfig({ steps: 2 }), 'loss_float64 has 1 numbers for 2 steps'],
    ['no losses', { ...file, loss_float64: 'none' }, 'loss_float64 must be a list of numbers, not "none"'],
    [
      'sums that are no pairs',
      { ...file, final_sum_sumsq_float64: { W1: [1] } },
      'final_sum_sumsq_float64 must be an object of pairs [sum, sum of squares], not {"W1":[1]}',
    ],
  ])('with %s is refused with a line that says so', (_, raw, message) => {
    expect(() => parseGolden(raw)).toThrow(expect.objectContaining({ message }));
  });
});

describe('the errors of a golden run', () => {
  it('are relative, and the worst counts', () => {
    expect(lossError([1, 2.02], [1, 2])).toBeCloseTo(0.01, 12);
    expect(sumsError({ a: [0, 1], b: [0, 3] }, { a: [0, 1], b: [0, 4] })).toBe(0.25);
  });

  it('are infinite where a number is NaN or missing', () => {
    expect(lossError([Number.NaN], [1])).toBe(Number.POSITIVE_INFINITY);
    expect(sumsError({}, { a: [0, 1] })).toBe(Number.POSITIVE_INFINITY);
  });

  it('of a sum that is 0 but for rounding are seen beside the largest sum', () => {
    expect(sumsError({ big: [0, 1], none: [0, 1e-14] }, { big: [0, 1], none: [0, 1e-33] })).toBeLessThan(
      1e-5,
    );
    expect(sumsError({ big: [0, 1], none: [0, 1e-10] }, { big: [0, 1], none: [0, 1e-33] })).toBeGreaterThan(
      1e-3,
    );
  });
});
