import { describe, expect, it } from 'vitest';
import { RULES } from '../../src/doctor/rules/index.js';
import {
  add,
  binaryCrossEntropy,
  crossEntropy,
  type DiagnoseOptions,
  diagnose,
  f32,
  greater,
  i32,
  init,
  iota,
  logSoftmax,
  matmul,
  meanSquaredError,
  mul,
  nn,
  optim,
  relu,
  softmax,
  type Tensor,
  trainStep,
  where,
} from '../../src/index.js';
import { NORMS, namesStep } from '../../src/models/bengio.js';
import type { Optimizer } from '../../src/optim/optimizer.js';
import type { AnyTrainStep } from '../../src/run/train-step.js';
import { classifier, language, points, regression, tokens, type Visit } from './cases.js';

const visit = (step: unknown, options: DiagnoseOptions = {}): Visit => ({
  step: step as AnyTrainStep,
  options,
});
const size = { vocab: 27, context: 3, embed: 10, hidden: 40, batch: 32 };

const mlp = (layer: (i: number, o: number) => nn.Module, activation: () => nn.Module, sizes: number[]) =>
  nn.sequential(
    ...sizes
      .slice(1)
      .flatMap((out, i) => [layer(sizes[i], out), ...(i < sizes.length - 2 ? [activation()] : [])]),
  );
const kaiming = (i: number, o: number) =>
  nn.linear(i, o, { weight: init.kaimingNormal(), biasInit: init.zeros });
const plain = (i: number, o: number) => nn.linear(i, o);

function quickstart(optimizer: Optimizer, lr: number): Visit {
  const step = trainStep({
    model: nn.sequential(nn.linear(1, 32), nn.tanh(), nn.linear(32, 1)),
    batch: { x: f32(64, 1), y: f32(64, 1) },
    loss: (model, { x, y }) => meanSquaredError(model(x), y),
    optimizer,
  });
  const x = Float32Array.from({ length: 1000 }, (_, i) => i / 500 - 1);
  return visit(step, { data: { x, y: x.map((x) => Math.sin(3 * x)) }, lr });
}

/** Residual blocks whose last layer starts at zero, with a norm before each. */
function residual(): Visit {
  const width = 16;
  const block = () => {
    const parts = {
      norm: nn.layerNorm(width),
      up: nn.linear(width, 2 * width),
      down: nn.linear(2 * width, width, { weight: init.zeros, biasInit: init.zeros }),
    };
    return nn.layer(parts, (x) => add(x, parts.down(relu(parts.up(parts.norm(x))))));
  };
  return classifier(nn.sequential(nn.linear(4, width), block(), block(), block(), nn.linear(width, 3)), 4, 3);
}

/** One head of attention over three tokens, as in a small transformer. */
function attention(): Visit {
  const parts = {
    embedding: nn.embedding(12, 8),
    query: nn.linear(8, 8, { bias: false }),
    key: nn.linear(8, 8, { bias: false }),
    value: nn.linear(8, 8),
    norm: nn.layerNorm(8),
    output: nn.linear(24, 12, { weight: init.normal(0, 0.02) }),
  };
  return language(
    nn.layer(parts, (ids) => {
      const x = parts.norm(parts.embedding(ids));
      const scores = mul(matmul(parts.query(x), parts.key(x).transpose([0, 2, 1])), 1 / Math.sqrt(8));
      const mixed = add(x, matmul(softmax(scores), parts.value(x)));
      return parts.output(mixed.reshape([mixed.shape[0], 24]));
    }),
    12,
  );
}

/** Two blocks of a small GPT, with its usual initialization. */
function transformer(): Visit {
  const [vocab, width, tokens, heads] = [12, 16, 6, 2];
  const linear = (i: number, o: number) =>
    nn.linear(i, o, { weight: init.normal(0, 0.02), biasInit: init.zeros });
  const block = () => ({
    before: nn.layerNorm(width),
    query: linear(width, width),
    key: linear(width, width),
    value: linear(width, width),
    mix: linear(width, width),
    between: nn.layerNorm(width),
    up: linear(width, 4 * width),
    down: linear(4 * width, width),
  });
  const table = { weight: init.normal(0, 0.02) };
  const model = {
    tokens: nn.embedding(vocab, width, table),
    places: nn.embedding(tokens, width, table),
    blocks: [block(), block()],
    norm: nn.layerNorm(width),
    head: linear(width, vocab),
  };
  const split = (t: Tensor) => t.reshape([8, tokens, heads, width / heads]).transpose([0, 2, 1, 3]);
  const step = trainStep({
    model,
    batch: { x: i32(8, tokens), y: i32(8, tokens) },
    loss: (m, { x, y }) => {
      let h = add(m.tokens(x), m.places(iota(tokens)));
      const later = greater(iota(tokens), iota(tokens).reshape([tokens, 1]));
      for (const b of m.blocks) {
        const n = b.before(h);
        const scores = matmul(split(b.query(n)), split(b.key(n)).transpose([0, 1, 3, 2]));
        const weights = softmax(where(later, -1e9, mul(scores, Math.sqrt(heads / width))));
        const mixed = matmul(weights, split(b.value(n))).transpose([0, 2, 1, 3]);
        h = add(h, b.mix(mixed.reshape([8, tokens, width])));
        h = add(h, b.down(b.up(b.between(h)).gelu()));
      }
      return crossEntropy(m.head(m.norm(h)), y);
    },
    optimizer: optim.adamW(),
  });
  const ids = (shift: number) => Int32Array.from({ length: 32 * tokens }, (_, i) => (i * 5 + shift) % vocab);
  return visit(step, { data: { x: ids(0), y: ids(5) } });
}

/** A model written as a function of parameters, without layers. */
function plainFunctions(): Visit {
  const w1 = nn.parameter([4, 32], init.kaimingNormal());
  const b1 = nn.parameter([32], init.zeros);
  const w2 = nn.parameter([32, 1], init.xavierNormal());
  const step = trainStep({
    model: { w1, b1, w2 },
    batch: { x: f32(32, 4), y: f32(32, 1) },
    loss: (m, { x, y }: Record<'x' | 'y', Tensor>) =>
      meanSquaredError(matmul(relu(add(matmul(x, m.w1), m.b1)), m.w2), y),
    optimizer: optim.sgd(),
  });
  return visit(step, { data: points(4), lr: 0.01 });
}

/** A student that learns from a teacher's softmax at a temperature, and from the classes. */
function distillation(): Visit {
  const [student, teacher] = [mlp(plain, nn.tanh, [4, 16, 3]), nn.linear(4, 3)];
  const step = trainStep({
    model: { student, teacher },
    batch: { x: f32(32, 4), y: i32(32) },
    loss(m, { x, y }: Record<'x' | 'y', Tensor>) {
      const [logits, taught] = [m.student(x), softmax(mul(m.teacher(x), 0.5)).stopGradient()];
      const soft = mul(taught, logSoftmax(mul(logits, 0.5)))
        .sum(-1)
        .mean()
        .neg();
      return add(crossEntropy(logits, y), soft);
    },
    optimizer: optim.adam(),
    trainable: { teacher: false },
  });
  const { data } = classifier(nn.linear(4, 3), 4, 3).options!;
  return visit(step, { data: data! });
}

const yesOrNo = (x: Tensor, y: Tensor) => binaryCrossEntropy(x, y.greater(0));

const HEALTHY: Record<string, () => Visit> = {
  ...Object.fromEntries(
    NORMS.flatMap((norm) =>
      [false, true].map((direct) => [
        `Bengio's model, norm ${norm}${direct ? ', direct' : ''}`,
        () => visit(namesStep({ ...size, norm, direct }), { data: tokens(27), lr: 0.1 }),
      ]),
    ),
  ),
  'the quickstart with Adam': () => quickstart(optim.adam(), 0.01),
  'the quickstart with AdamW': () => quickstart(optim.adamW(), 0.001),
  'the quickstart with momentum': () => quickstart(optim.sgd({ momentum: 0.9, nesterov: true }), 0.01),
  'relu with Kaiming, two hidden layers': () => classifier(mlp(kaiming, nn.relu, [16, 64, 32, 10]), 16, 10),
  'relu with Kaiming in every layer, wide': () =>
    classifier(mlp(kaiming, nn.relu, [256, 128, 64, 10]), 256, 10),
  'relu with Kaiming, eight layers': () =>
    regression(mlp(kaiming, nn.relu, [16, ...Array(8).fill(64), 1]), 16),
  'relu with the usual initialization': () => classifier(mlp(plain, nn.relu, [16, 64, 64, 10]), 16, 10),
  'tanh with the usual initialization': () => classifier(mlp(plain, nn.tanh, [16, 64, 64, 10]), 16, 10),
  'sigmoid with the usual initialization': () => regression(mlp(plain, nn.sigmoid, [16, 32, 1]), 16),
  'gelu with batch norm': () =>
    classifier(
      nn.sequential(
        nn.linear(4, 32, { bias: false }),
        nn.batchNorm1d(32),
        nn.gelu(),
        nn.linear(32, 32, { bias: false }),
        nn.batchNorm1d(32),
        nn.gelu(),
        nn.linear(32, 3),
      ),
      4,
      3,
    ),
  'layer norm after a layer with a bias': () =>
    classifier(nn.sequential(nn.linear(4, 32), nn.layerNorm(32), nn.relu(), nn.linear(32, 3)), 4, 3),
  'linear regression from zero': () =>
    regression(nn.linear(4, 1, { weight: init.zeros, biasInit: init.zeros }), 4),
  'logistic regression from zero': () =>
    classifier(nn.linear(4, 3, { weight: init.zeros, biasInit: init.zeros }), 4, 3),
  'two classes': () => classifier(mlp(kaiming, nn.relu, [4, 32, 2]), 4, 2),
  'residual blocks that start as nothing': residual,
  attention: attention,
  'a teacher and a student': distillation,
  'logits that are capped far out': () =>
    classifier(
      nn.sequential(
        mlp(plain, nn.tanh, [4, 16, 10]),
        nn.layer({}, (x) => mul(mul(x, 1 / 30).tanh(), 30)),
      ),
      4,
      10,
    ),
  'yes or no': () => regression(mlp(plain, nn.tanh, [4, 16, 1]), 4, {}, yesOrNo),
  'a mixture by gates of softmax, behind a sigmoid': () =>
    regression(
      nn.sequential(
        nn.linear(4, 8),
        nn.softmax(),
        nn.linear(8, 8),
        nn.sigmoid(),
        nn.softplus(),
        nn.linear(8, 1),
      ),
      4,
      {},
      yesOrNo,
    ),
  'a small transformer': transformer,
  'plain functions': plainFunctions,
};

describe('a healthy model', () => {
  it.each(Object.entries(HEALTHY))('%s gets a clean bill, for any seed', async (_, make) => {
    for (const seed of [42, 1, 2]) {
      const { step, options } = make();
      // Rates are tried on one seed: they take most of the time.
      const lr = seed === 42 ? options?.lr : undefined;
      const { findings, checked, notChecked } = await diagnose(step, { ...options, lr, seed });
      expect(findings.map(({ rule, why }) => `${rule}: ${why}`)).toEqual([]);
      expect([...checked, ...notChecked].map(({ rule }) => rule).sort()).toEqual(
        RULES.map(({ name }) => name).sort(),
      );
      for (const { rule } of notChecked) expect(rule).toBe('learning-rate');
    }
  });

  it('is told which rules had nothing to judge by, where there is no data', async () => {
    const step = trainStep({
      model: nn.sequential(nn.linear(2, 8), nn.relu(), nn.linear(8, 3)),
      batch: { x: f32(8, 2), y: i32(8) },
      loss: (m, { x, y }) => crossEntropy(m(x), y),
      optimizer: optim.sgd(),
    });
    const { findings, checked, notChecked } = await diagnose(step, { lr: 0.1 });
    expect(findings).toEqual([]);
    expect(notChecked).toEqual([
      { rule: 'initial-loss', why: 'it needs a batch' },
      { rule: 'dead-units', why: 'it needs a batch' },
      { rule: 'variance-by-layer', why: 'it needs a batch' },
      { rule: 'learning-rate', why: 'it needs the data' },
    ]);
    expect(checked.map(({ rule }) => rule)).toContain('unprotected-function');
  });
});

describe('units of relu that a small batch turns off', () => {
  const findings = async (rows: number, layers: nn.Module[]) => {
    const step = trainStep({
      model: nn.sequential(nn.linear(6, 64), ...layers, nn.relu(), nn.linear(64, 5)),
      batch: { x: f32(rows, 6), y: i32(rows) },
      loss: (model, { x, y }) => crossEntropy(model(x), y),
      optimizer: optim.adam(),
    });
    const x = Array.from({ length: 600 }, (_, i) => Math.sin(7 * i * i + i));
    const { findings } = await diagnose(step, {
      data: { x, y: Array.from({ length: 100 }, (_, i) => i % 5) },
    });
    return findings.map(({ rule }) => rule);
  };

  it.each([1, 2, 3])('are not dead: a batch of %i', async (rows) => {
    expect(await findings(rows, [])).toEqual([]);
    expect(await findings(rows, [nn.dropout(0.8)])).toEqual([]);
  });

  it('are dead if they are off on every row and under every mask', async () => {
    const off = nn.layer({}, (x) => x.sub(100));
    for (const rows of [1, 33]) expect(await findings(rows, [off, nn.dropout(0.8)])).toEqual(['dead-units']);
  });
});
