import {
  add,
  binaryCrossEntropy,
  cast,
  crossEntropy,
  type DiagnoseOptions,
  div,
  exp,
  f32,
  i32,
  init,
  log,
  logSoftmax,
  mean,
  meanSquaredError,
  mul,
  neg,
  nn,
  optim,
  pick,
  reshape,
  rsqrt,
  softmax,
  sqrt,
  square,
  sub,
  sum,
  type Tensor,
  tanh,
  trainStep,
} from '../../src/index.js';
import { RandomStream } from '../../src/random/philox.js';
import type { AnyTrainStep } from '../../src/run/train-step.js';

/** A model with one fault, and the same model without it. */
export interface Case {
  rule: string;
  name: string;
  broken: () => Visit;
  mended: () => Visit;
  /** What the finding says, of the broken model. */
  says: RegExp;
}

export interface Visit {
  step: AnyTrainStep;
  options?: DiagnoseOptions;
}

const random = new RandomStream(7, 0);
const normals = (n: number, from = 0) => Float32Array.from({ length: n }, (_, i) => random.normal(from + i));
const ids = (n: number, below: number) =>
  Int32Array.from({ length: n }, (_, i) => (i * 7 + (i >> 3)) % below);

const ROWS = 64;
/** Regression: x of unit variance, y what a small net could learn. */
export const points = (width: number) => {
  const x = normals(ROWS * width);
  return { x, y: Float32Array.from({ length: ROWS }, (_, i) => Math.sin(x[i * width])) };
};
/** Contexts of three tokens of `vocab`, and the token that follows. */
export const tokens = (vocab: number) => ({ x: ids(ROWS * 3 * vocab, vocab), y: ids(ROWS * vocab, vocab) });
/** Points in classes. */
const labelled = (width: number, classes: number) => ({
  x: normals(ROWS * width, 9999),
  y: ids(ROWS, classes),
});

export function regression(
  model: nn.Module,
  width: number,
  options: DiagnoseOptions = {},
  loss: Loss = meanSquaredError,
): Visit {
  const step = trainStep({
    model,
    batch: { x: f32(32, width), y: f32(32, 1) },
    loss: (m, { x, y }) => loss(m(x), y),
    optimizer: optim.sgd(),
  });
  return { step: step as unknown as AnyTrainStep, options: { data: points(width), ...options } };
}

type Loss = (logits: Tensor, targets: Tensor) => Tensor;

export function classifier(
  model: nn.Module,
  width: number,
  classes: number,
  loss: Loss = crossEntropy,
  data = true,
): Visit {
  const step = trainStep({
    model,
    batch: { x: f32(32, width), y: i32(32) },
    loss: (m, { x, y }) => loss(m(x), y),
    optimizer: optim.sgd(),
  });
  return { step: step as unknown as AnyTrainStep, options: data ? { data: labelled(width, classes) } : {} };
}

export function language(model: nn.Module, vocab: number, loss: Loss = crossEntropy, data = true): Visit {
  const step = trainStep({
    model,
    batch: { x: i32(32, 3), y: i32(32) },
    loss: (m, { x, y }) => loss(m(x), y),
    optimizer: optim.sgd(),
  });
  return { step: step as unknown as AnyTrainStep, options: data ? { data: tokens(vocab) } : {} };
}

const small = { weight: init.normal(0, 0.01), biasInit: init.zeros };
const deep = (weight: nn.LinearOptions['weight'], activation: () => nn.Module, width = 32, depth = 5) =>
  nn.sequential(
    ...Array.from({ length: depth }, () => [
      nn.linear(width, width, { weight, biasInit: init.zeros }),
      activation(),
    ]).flat(),
    nn.linear(width, 1, { biasInit: init.zeros }),
  );
const identity = () => nn.layer({}, (x) => x);

/** Batch norm by hand, in the forms that people write. */
const normsByHand: Record<string, (x: Tensor) => Tensor> = {
  'x - mean(x, 0)': (x) => div(sub(x, mean(x, 0)), sqrt(add(mean(square(sub(x, mean(x, 0))), 0), 1e-5))),
  'keepDims and a sum over n': (x) => {
    const centred = sub(x, div(sum(x, 0, { keepDims: true }), x.shape[0]));
    return mul(centred, rsqrt(add(mean(square(centred), 0, { keepDims: true }), 1e-5)));
  },
  'a reshape to two halves and back': (x) => {
    const halves = reshape(x, [x.shape[0], 2, x.shape[1] / 2]);
    const centred = sub(halves, mean(halves, 0, { keepDims: true }));
    return reshape(mul(centred, rsqrt(add(mean(square(centred), 0), 1e-5))), x.shape);
  },
  'the transpose': (x) => {
    const t = x.transpose();
    const centred = sub(t, mean(t, 1, { keepDims: true }));
    return mul(centred, rsqrt(add(mean(square(centred), 1, { keepDims: true }), 1e-5))).transpose();
  },
  'minus the mean added': (x) => add(x, neg(mean(x, 0))),
  'mean of squares less square of mean': (x) => {
    const [mu, squares] = [mean(x, 0), mean(square(x), 0)];
    return mul(sub(x, mu), rsqrt(add(sub(squares, square(mu)), 1e-3)));
  },
};

const beforeNorm = (bias: boolean, norm: () => nn.Module) =>
  regression(nn.sequential(nn.linear(4, 16, { bias }), norm(), nn.tanh(), nn.linear(16, 1)), 4);

const unused = (reach: boolean) => {
  const [first, second] = [nn.linear(4, 8), nn.linear(8, 1)];
  const extra = nn.linear(4, 1);
  return regression(
    nn.layer({ first, second, extra }, (x) =>
      reach ? add(second(tanh(first(x))), extra(x)) : second(tanh(first(x))),
    ),
    4,
  );
};

const norm1 = (batch: number, norm: () => nn.Module): Visit => {
  const step = trainStep({
    model: nn.sequential(nn.linear(4, 8, { bias: false }), norm(), nn.tanh(), nn.linear(8, 1)),
    batch: { x: f32(batch, 4), y: f32(batch, 1) },
    loss: (m, { x, y }) => meanSquaredError(m(x), y),
    optimizer: optim.sgd(),
  });
  return { step: step as unknown as AnyTrainStep, options: { data: points(4) } };
};

const byHand = (norm: (x: Tensor) => Tensor) => () => nn.layer({}, norm);

const embedding = (vocab: number, hidden: nn.LinearOptions, output: nn.LinearOptions, width = 20) =>
  nn.sequential(
    nn.embedding(vocab, 10),
    nn.flatten(),
    nn.linear(30, width, hidden),
    nn.tanh(),
    nn.linear(width, vocab, output),
  );
const kaiming = init.kaimingNormal({ nonlinearity: 'tanh' });

const unit = (eps: number) => (x: Tensor) => {
  const norm = sqrt(sum(square(x), -1, { keepDims: true }));
  return div(x, eps > 0 ? add(norm, eps) : norm);
};
const head = (f: (x: Tensor) => Tensor) =>
  regression(nn.sequential(nn.linear(4, 8, { bias: false }), nn.layer({}, f), nn.linear(8, 1)), 4);

const longSoftmax: Loss = (x, y) => {
  const e = exp(x);
  return neg(mean(log(add(pick(div(e, sum(e, -1, { keepDims: true })), y), 1e-30))));
};
const logOfSoftmax: Loss = (x, y) => neg(mean(pick(log(softmax(x)), y)));
const pickedThenLog: Loss = (x, y) => neg(mean(log(pick(softmax(x), y))));

const twoLayers = (outputs: number) => [nn.linear(4, 16), nn.tanh(), nn.linear(16, outputs)];
const softmaxByHand = (x: Tensor) => div(exp(x.tanh()), sum(exp(x.tanh()), -1, { keepDims: true }));
const smoothed: Loss = (x, y) => crossEntropy(x, y, { labelSmoothing: 0.1 });
/** Targets of 0 and 1, made of those of a regression. */
const yesOrNo: Loss = (x, y) => binaryCrossEntropy(x, cast(y.greater(0), 'f32'));

/** Each rule with small models that have its fault. */
export const CASES: Case[] = [
  {
    rule: 'unreached-parameter',
    name: 'a layer that is not used',
    broken: () => unused(false),
    mended: () => unused(true),
    says: /extra\.weight \[4, 1\] is never used/,
  },
  {
    rule: 'unreached-parameter',
    name: 'a layer behind stopGradient',
    broken: () =>
      regression(
        nn.sequential(
          nn.linear(4, 8),
          nn.layer({}, (x) => x.stopGradient()),
          nn.linear(8, 1),
        ),
        4,
      ),
    mended: () => regression(nn.sequential(nn.linear(4, 8), nn.linear(8, 1)), 4),
    says: /layers\.0\.weight \[4, 8\] in a way that can be differentiated/,
  },
  {
    rule: 'batch-of-one',
    name: 'nn.batchNorm1d',
    broken: () => norm1(1, () => nn.batchNorm1d(8)),
    mended: () => norm1(2, () => nn.batchNorm1d(8)),
    says: /1 row/,
  },
  {
    rule: 'batch-of-one',
    name: 'batch norm by hand',
    broken: () => norm1(1, byHand(normsByHand['x - mean(x, 0)'])),
    mended: () => norm1(1, () => nn.layerNorm(8)),
    says: /1 row/,
  },
  ...Object.entries({ 'nn.batchNorm1d': () => nn.batchNorm1d(16) }).map(([name, norm]) => ({
    rule: 'bias-before-batch-norm',
    name,
    broken: () => beforeNorm(true, norm),
    mended: () => beforeNorm(false, norm),
    says: /layers\.0\.bias is added to all rows alike.*rounding/,
  })),
  ...Object.entries(normsByHand).map(([name, norm]) => ({
    rule: 'bias-before-batch-norm',
    name: `by hand, as ${name}`,
    broken: () => beforeNorm(true, byHand(norm)),
    mended: () => beforeNorm(false, byHand(norm)),
    says: /layers\.0\.bias is added to all rows alike/,
  })),
  {
    rule: 'bias-before-batch-norm',
    name: 'a layer and a factor further back',
    broken: () =>
      regression(
        nn.sequential(
          nn.linear(4, 8),
          nn.linear(8, 16, { bias: false }),
          nn.layer({}, (x) => mul(x, 3)),
          nn.batchNorm1d(16),
          nn.tanh(),
          nn.linear(16, 1),
        ),
        4,
      ),
    mended: () =>
      regression(
        nn.sequential(
          nn.linear(4, 8),
          nn.tanh(),
          nn.linear(8, 16, { bias: false }),
          nn.layer({}, (x) => mul(x, 3)),
          nn.batchNorm1d(16),
          nn.tanh(),
          nn.linear(16, 1),
        ),
        4,
      ),
    says: /layers\.0\.bias/,
  },
  {
    rule: 'symmetric-initialization',
    name: 'zeros in two layers',
    broken: () =>
      regression(
        nn.sequential(
          nn.linear(4, 8, { weight: init.zeros, biasInit: init.zeros }),
          nn.tanh(),
          nn.linear(8, 1, { weight: init.zeros }),
        ),
        4,
      ),
    mended: () =>
      regression(nn.sequential(nn.linear(4, 8), nn.tanh(), nn.linear(8, 1, { weight: init.zeros })), 4),
    says: /layers\.0\.weight \[4, 8\] starts as 0 everywhere.*the 8 units/,
  },
  {
    rule: 'symmetric-initialization',
    name: 'constant weights with random biases',
    broken: () => {
      const weight = init.constant(0.1);
      return regression(
        nn.sequential(nn.linear(4, 8, { weight }), nn.tanh(), nn.linear(8, 1, { weight })),
        4,
      );
    },
    mended: () => regression(nn.sequential(nn.linear(4, 8), nn.tanh(), nn.linear(8, 1)), 4),
    says: /the 8 units between them differ by layers\.0\.bias alone and learn nearly the same/,
  },
  {
    rule: 'symmetric-initialization',
    name: 'one constant behind an embedding',
    broken: () =>
      language(
        embedding(9, { weight: init.constant(0.1), biasInit: init.zeros }, { weight: init.constant(0.2) }),
        9,
      ),
    mended: () =>
      language(embedding(9, { weight: kaiming, biasInit: init.zeros }, { weight: init.constant(0.2) }), 9),
    says: /starts as 0\.1 everywhere.*starts as 0\.2 everywhere/,
  },
  {
    rule: 'symmetric-initialization',
    name: 'a constant table and a constant layer',
    broken: () =>
      language(
        nn.sequential(
          nn.embedding(9, 10, { weight: init.ones }),
          nn.flatten(),
          nn.linear(30, 20, { weight: init.constant(0.1), biasInit: init.zeros }),
          nn.tanh(),
          nn.linear(20, 9, small),
        ),
        9,
      ),
    mended: () => language(embedding(9, { weight: kaiming }, small), 9),
    says: /layers\.0\.weight \[9, 10\] starts as 1 everywhere/,
  },
  ...Object.entries({ 'nn.softmax': () => nn.softmax(), 'softmax by hand': byHand(softmaxByHand) }).map(
    ([name, last]) => ({
      rule: 'bounded-logits',
      name: `${name} before crossEntropy`,
      broken: () => classifier(nn.sequential(...twoLayers(10), last()), 4, 10),
      mended: () => classifier(nn.sequential(...twoLayers(10)), 4, 10),
      says: /a softmax of what is one already: .* of 10 classes none gets more than 23 %, and the loss does not fall below 1\.46/,
    }),
  ),
  {
    rule: 'bounded-logits',
    name: 'softmax before the log of another',
    broken: () =>
      classifier(nn.sequential(...twoLayers(3), nn.softmax()), 4, 3, (x, y) =>
        logSoftmax(x).pick(y).mean().neg(),
      ),
    mended: () =>
      classifier(nn.sequential(...twoLayers(3)), 4, 3, (x, y) => logSoftmax(x).pick(y).mean().neg()),
    says: /is one already.* of 3 classes none gets more than 58 %/,
  },
  {
    rule: 'bounded-logits',
    name: 'tanh before crossEntropy with smoothed labels',
    broken: () => classifier(nn.sequential(...twoLayers(10), nn.tanh()), 4, 10, smoothed),
    mended: () => classifier(nn.sequential(...twoLayers(10)), 4, 10, smoothed),
    says: /comes from tanh: numbers that differ by 2 at most, .* more than 45 %/,
  },
  {
    rule: 'bounded-logits',
    name: 'logSoftmax before crossEntropy',
    broken: () =>
      classifier(
        nn.sequential(
          ...twoLayers(10),
          nn.layer({}, (x) => logSoftmax(x)),
        ),
        4,
        10,
      ),
    mended: () => classifier(nn.sequential(...twoLayers(10)), 4, 10),
    says: /is a logSoftmax already/,
  },
  {
    rule: 'bounded-logits',
    name: 'sigmoid before binaryCrossEntropy',
    broken: () => regression(nn.sequential(...twoLayers(1), nn.sigmoid()), 4, {}, yesOrNo),
    mended: () => regression(nn.sequential(...twoLayers(1)), 4, {}, yesOrNo),
    says: /what comes from sigmoid, so that the probability stays between 50 % and 73 %/,
  },
  {
    rule: 'initial-loss',
    name: 'logits that start too large',
    broken: () => language(embedding(27, { weight: kaiming }, { weight: init.normal() }, 100), 27),
    mended: () => language(embedding(27, { weight: kaiming }, small, 100), 27),
    says: /guessing evenly among 27 classes gives ln\(27\) = 3\.2958/,
  },
  ...Object.entries({ logOfSoftmax, pickedThenLog, longSoftmax }).map(([name, loss]) => ({
    rule: 'initial-loss',
    name: `logits that start too large, by ${name}`,
    broken: () =>
      classifier(
        nn.sequential(
          nn.linear(4, 40, { weight: kaiming }),
          nn.tanh(),
          nn.linear(40, 10, { weight: init.normal() }),
        ),
        4,
        10,
        loss,
      ),
    mended: () =>
      classifier(
        nn.sequential(nn.linear(4, 40, { weight: kaiming }), nn.tanh(), nn.linear(40, 10, small)),
        4,
        10,
        crossEntropy,
      ),
    says: /ln\(10\) = 2\.3026/,
  })),
  {
    rule: 'initial-loss',
    name: 'without data, on made-up tokens',
    broken: () =>
      language(embedding(27, { weight: kaiming }, { weight: init.normal() }, 100), 27, crossEntropy, false),
    mended: () => language(embedding(27, { weight: kaiming }, small, 100), 27, crossEntropy, false),
    says: /ln\(27\) = 3\.2958/,
  },
  {
    rule: 'initial-loss',
    name: 'targets among the inputs',
    broken: () => {
      const step = trainStep({
        model: nn.layer({ scale: nn.parameter([1], init.constant(9)) }, (x) => x),
        batch: { x: f32(32, 4), y: i32(32) },
        loss: (m, { x, y }) => crossEntropy(mul(x, (m.parts as { scale: Tensor }).scale), y),
        optimizer: optim.sgd(),
      });
      const y = ids(ROWS, 4);
      const x = Float32Array.from({ length: ROWS * 4 }, (_, i) => Number(i % 4 === y[i >> 2]));
      return { step: step as unknown as AnyTrainStep, options: { data: { x, y } } };
    },
    mended: () => classifier(nn.linear(4, 4), 4, 4),
    says: /far below/,
  },
  {
    rule: 'initial-loss',
    name: 'a loss that is no number',
    broken: () => head((x) => sqrt(sub(x, 5))),
    mended: () => head((x) => sqrt(add(square(x), 5))),
    says: /the first loss is NaN: sqrt is the first value that is not finite/,
  },
  {
    rule: 'saturated-activations',
    name: 'tanh of large weights',
    broken: () =>
      regression(
        nn.sequential(nn.linear(4, 16, { weight: init.normal(0, 5) }), nn.tanh(), nn.linear(16, 1)),
        4,
      ),
    mended: () =>
      regression(nn.sequential(nn.linear(4, 16, { weight: kaiming }), nn.tanh(), nn.linear(16, 1)), 4),
    says: /% of the tanh after layers\.0\.weight \(cases\.ts:\d+\) is saturated/,
  },
  {
    rule: 'saturated-activations',
    name: 'sigmoid of a large bias',
    broken: () =>
      regression(
        nn.sequential(nn.linear(4, 16, { biasInit: init.constant(9) }), nn.sigmoid(), nn.linear(16, 1)),
        4,
      ),
    mended: () => regression(nn.sequential(nn.linear(4, 16), nn.sigmoid(), nn.linear(16, 1)), 4),
    says: /100 % of the sigmoid.*16 of 16 units/,
  },
  {
    rule: 'dead-units',
    name: 'relu behind a large negative bias',
    broken: () =>
      regression(
        nn.sequential(nn.linear(4, 16, { biasInit: init.constant(-9) }), nn.relu(), nn.linear(16, 1)),
        4,
      ),
    mended: () => regression(nn.sequential(nn.linear(4, 16), nn.relu(), nn.linear(16, 1)), 4),
    says: /16 of 16 units of the relu after layers\.0\.weight.* are 0 on all 32 rows/,
  },
  {
    rule: 'variance-by-layer',
    name: 'linear layers of unit weights',
    broken: () => regression(deep(init.normal(), identity), 32),
    mended: () => regression(deep(init.kaimingNormal({ nonlinearity: 'linear' }), identity), 32),
    says: /activations explode/,
  },
  {
    rule: 'variance-by-layer',
    name: 'relu layers of small weights',
    broken: () => regression(deep(init.normal(0, 0.01), nn.relu), 32),
    mended: () => regression(deep(init.kaimingNormal(), nn.relu), 32),
    says: /activations vanish/,
  },
  {
    rule: 'variance-by-layer',
    name: 'gradients through many sigmoids',
    broken: () => regression(deep(init.xavierNormal(), nn.sigmoid, 32, 6), 32),
    mended: () => regression(deep(init.xavierNormal(5 / 3), nn.tanh, 32, 6), 32),
    says: /gradients vanish/,
  },
  {
    rule: 'unprotected-function',
    name: 'softmax by hand',
    broken: () => classifier(nn.linear(4, 3), 4, 3, longSoftmax),
    mended: () => classifier(nn.linear(4, 3), 4, 3),
    says: /exp of values without a bound, summed and then divided by/,
  },
  {
    rule: 'unprotected-function',
    name: 'log-sum-exp by hand',
    broken: () => classifier(nn.linear(4, 3), 4, 3, (x, y) => mean(sub(log(sum(exp(x), -1)), pick(x, y)))),
    mended: () => classifier(nn.linear(4, 3), 4, 3, (x, y) => neg(mean(pick(logSoftmax(x), y)))),
    says: /exp of values without a bound, summed and then put into log/,
  },
  {
    rule: 'unprotected-function',
    name: 'log of a softmax',
    broken: () => classifier(nn.linear(4, 3), 4, 3, logOfSoftmax),
    mended: () => classifier(nn.linear(4, 3), 4, 3),
    says: /log of a softmax/,
  },
  {
    rule: 'unprotected-function',
    name: 'log of the picked probability',
    broken: () => classifier(nn.linear(4, 3), 4, 3, pickedThenLog),
    mended: () => classifier(nn.linear(4, 3), 4, 3),
    says: /log of a softmax/,
  },
  {
    rule: 'unprotected-function',
    name: 'log of a sigmoid and of 1 minus it',
    broken: () => head((x) => add(log(x.sigmoid()), log(sub(1, x.sigmoid())))),
    mended: () => head((x) => add(log(add(x.sigmoid(), 1e-6)), log(sub(1 + 1e-6, x.sigmoid())))),
    says: /log of the result of sigmoid, which can be 0/,
  },
  {
    rule: 'unprotected-function',
    name: 'log of anything',
    broken: () => head((x) => log(add(x, 100))),
    mended: () => head((x) => log(add(square(x), 1))),
    says: /can be 0 or negative/,
  },
  {
    rule: 'unprotected-function',
    name: 'a sigmoid by hand',
    broken: () => head((x) => div(1, add(1, exp(neg(x))))),
    mended: () => head((x) => x.sigmoid()),
    says: /exp of values without a bound, added to a number and then divided by/,
  },
  {
    rule: 'unprotected-function',
    name: 'division by a norm',
    broken: () => head(unit(0)),
    mended: () => head(unit(1e-6)),
    says: /division by a norm or standard deviation/,
  },
  {
    rule: 'unprotected-function',
    name: 'a norm without a small constant',
    broken: () =>
      head((x) => {
        const centred = sub(x, mean(x, 0));
        return mul(centred, rsqrt(mean(square(centred), 0)));
      }),
    mended: () => head(normsByHand['x - mean(x, 0)']),
    says: /division by a norm or standard deviation/,
  },
  {
    rule: 'accidental-broadcast',
    name: 'predictions in a column, targets in a row',
    broken: () => columnAgainstRow((prediction, y) => square(sub(prediction, y)).mean()),
    mended: () => columnAgainstRow((prediction, y) => square(sub(prediction, reshape(y, [16, 1]))).mean()),
    says: /sub of \[16, 1\] and \[16\] makes \[16, 16\]: each of the 16 rows meets every other/,
  },
  {
    rule: 'accidental-broadcast',
    name: 'targets before predictions, in a product',
    broken: () => columnAgainstRow((prediction, y) => mean(mul(y, prediction)).neg().exp()),
    // Distances between all pairs are meant so, and say it.
    mended: () =>
      columnAgainstRow((prediction, y) =>
        add(
          square(sub(prediction, reshape(y, [16, 1]))).mean(),
          mul(square(sub(prediction, reshape(prediction, [1, 16]))).mean(), 1e-3),
        ),
      ),
    says: /mul of \[16\] and \[16, 1\] makes \[16, 16\]/,
  },
  {
    rule: 'learning-rate',
    name: 'a rate of 10',
    broken: () => regression(nn.sequential(nn.linear(4, 16), nn.tanh(), nn.linear(16, 1)), 4, { lr: 10 }),
    mended: () => regression(nn.sequential(nn.linear(4, 16), nn.tanh(), nn.linear(16, 1)), 4, { lr: 0.1 }),
    says: /the learning rate 10 is too high: the loss goes from .* in \d+ steps; from [\d.]+ on the loss explodes/,
  },
  {
    rule: 'unused-tokens',
    name: 'tokens that do not occur',
    broken: () => {
      const visit = language(embedding(9, { weight: kaiming }, small), 9);
      const { x, y } = tokens(9);
      return { ...visit, options: { data: { x: x.map((id) => (id === 4 ? 5 : id)), y } } };
    },
    mended: () => language(embedding(9, { weight: kaiming }, small), 9),
    says: /1 of the 9 tokens of layers\.0\.weight never occur in 576 rows of data: 4;/,
  },
  {
    rule: 'unused-tokens',
    name: 'a vocabulary that is too large',
    broken: () => ({
      ...language(embedding(30, { weight: kaiming }, small), 30),
      options: { data: tokens(20) },
    }),
    mended: () => ({
      ...language(embedding(20, { weight: kaiming }, small), 20),
      options: { data: tokens(20) },
    }),
    says: /rows for 30 tokens, but in 1280 rows of data only tokens 0 to 19 occur/,
  },
];

/** A regression of 16 rows whose targets are no column. */
function columnAgainstRow(loss: (prediction: Tensor, y: Tensor) => Tensor): Visit {
  const step = trainStep({
    model: nn.sequential(nn.linear(4, 16), nn.tanh(), nn.linear(16, 1)),
    batch: { x: f32(16, 4), y: f32(16) },
    loss: (model, { x, y }) => loss(model(x), y),
    optimizer: optim.sgd(),
  });
  return { step: step as unknown as AnyTrainStep, options: { data: points(4) } };
}
