import {
  crossEntropy,
  f32,
  gather,
  gelu,
  i32,
  init,
  leakyRelu,
  meanSquaredError,
  nn,
  optim,
  relu,
  type Session,
  sigmoid,
  type Tensor,
  type TensorType,
  tanh,
  trainStep,
  type Variable,
} from '../../src/index.js';
import type { Activation, BengioConfig, Config, MlpConfig, OptimConfig } from './file.js';
import { ints, uniform } from './hash.js';
import { images } from './images.js';
import { language } from './language.js';

export interface GoldenRun {
  step: ReturnType<typeof makeStep>;
  /** The batch of a step, counted from 0. */
  batch(step: number): { x: Float32Array | Int32Array; y: Float32Array | Int32Array };
  learningRate: number;
  keepsGradients: boolean;
  /** Our variable for each name of the golden file. */
  names: Record<string, Place>;
  /** What variables begin with that their own initializers do not give. */
  initial?: ReadonlyMap<string, Float32Array>;
}

/** A variable, or some of the columns of a matrix. */
export type Place = string | { variable: string; columns: readonly [from: number, to: number, of: number] };

export interface BuildOptions {
  keepGradients?: boolean;
}

/** Has the variables begin with the golden run's values that their own initializers do not give. */
export function writeInitial({ initial }: GoldenRun, session: Session): void {
  for (const [name, values] of initial ?? []) session.write(name, values);
}

/** Builds the run that a golden file describes. */
export function buildGolden(config: Config, options: BuildOptions = {}): GoldenRun {
  switch (config.model) {
    case 'bengio':
      return bengio(config, options);
    case 'mlp':
      return mlp(config, options);
    case 'cnn':
      return images(config, options);
    default:
      return language(config, options);
  }
}

/** Everything that the models have in common. */
export interface Recipe {
  model: unknown;
  forward(x: Tensor): Tensor;
  batch: { x: TensorType; y: TensorType };
  loss(output: Tensor, target: Tensor): Tensor;
}

export function makeStep(
  { model, forward, batch, loss }: Recipe,
  optimizer: OptimConfig,
  keepGradients = false,
) {
  return trainStep({
    name: 'golden',
    model,
    batch,
    loss: (_, { x, y }) => loss(forward(x), y),
    optimizer: makeOptimizer(optimizer),
    keepGradients,
  });
}

function bengio(config: BengioConfig, { keepGradients }: BuildOptions): GoldenRun {
  const { vocab, context, embed, hidden, batch, norm = 'none', direct = false } = config;
  const width = context * embed;
  const C = weights([vocab, embed], 1, 1);
  const W1 = weights([width, hidden], 1 / Math.sqrt(width), 2);
  const b1 = norm === 'none' ? weights([hidden], 0.1, 3) : null;
  const normalize = norm === 'none' ? null : makeNorm(config);
  const W2 = weights([hidden, vocab], 1 / Math.sqrt(hidden), 4);
  const b2 = weights([vocab], 0.1, 5);
  const W3 = direct ? weights([width, vocab], 1 / Math.sqrt(width), 6) : null;
  const act = activations[config.act ?? 'tanh'];

  const model = { C, W1, b1, norm: normalize, W2, b2, W3 };
  const forward = (x: Tensor) => {
    const e = gather(C, x).reshape([x.shape[0], width]);
    const z = e.matmul(W1);
    const h = act(normalize ? normalize(z) : z.add(b1!));
    const logits = h.matmul(W2).add(b2);
    return W3 ? logits.add(e.matmul(W3)) : logits;
  };
  const types = { x: i32(batch, context), y: i32(batch) };
  return {
    step: makeStep({ model, forward, batch: types, loss: crossEntropy }, config.optim, keepGradients),
    batch: (t) => ({
      x: ints(batch * context, vocab, 1000 + 2 * t),
      y: ints(batch, vocab, 1001 + 2 * t),
    }),
    learningRate: config.optim.lr,
    keepsGradients: keepGradients === true,
    names: {
      ...Object.fromEntries(Object.keys(model).map((name) => [name, name])),
      gain: 'norm.gain',
      bias: 'norm.bias',
      running_mean: 'norm.runningMean',
      running_var: 'norm.runningVariance',
    },
  };
}

function mlp(config: MlpConfig, { keepGradients }: BuildOptions): GoldenRun {
  const { dims, batch, loss } = config;
  const [inputs, outputs] = [dims[0], dims[dims.length - 1]];
  const act = activations[config.act];
  const layers = dims.slice(1).map((size, i) => ({
    W: weights([dims[i], size], Math.sqrt(6 / dims[i]), 10 + 2 * i),
    b: weights([size], 0.1, 11 + 2 * i),
  }));
  const model = Object.fromEntries(
    layers.flatMap(({ W, b }, i) => [
      [`W${i + 1}`, W],
      [`b${i + 1}`, b],
    ]),
  );
  const forward = (x: Tensor) =>
    layers.reduce((h, { W, b }, i) => {
      const z = h.matmul(W).add(b);
      return i < layers.length - 1 ? act(z) : z;
    }, x);
  const classify = loss === 'ce';
  const types = { x: f32(batch, inputs), y: classify ? i32(batch) : f32(batch, outputs) };
  const recipe = { model, forward, batch: types, loss: classify ? crossEntropy : meanSquaredError };
  return {
    step: makeStep(recipe, config.optim, keepGradients),
    batch: (t) => ({
      x: uniform(batch * inputs, 1, 1000 + 2 * t),
      y: classify ? ints(batch, outputs, 1001 + 2 * t) : uniform(batch * outputs, 1, 1001 + 2 * t),
    }),
    learningRate: config.optim.lr,
    keepsGradients: keepGradients === true,
    names: Object.fromEntries(Object.keys(model).map((name) => [name, name])),
  };
}

export const activations: Record<Activation, (x: Tensor) => Tensor> = {
  tanh,
  relu,
  gelu,
  sigmoid,
  leaky_relu: (x) => leakyRelu(x, 0.01),
};

function makeNorm({ norm, hidden, momentum, eps = 1e-5 }: BengioConfig): nn.Module {
  return norm === 'batch' ? nn.batchNorm1d(hidden, { eps, momentum }) : nn.layerNorm(hidden, { eps });
}

function makeOptimizer({ name, momentum, nesterov, weight_decay: weightDecay, betas, eps }: OptimConfig) {
  if (name === 'sgd') return optim.sgd(given({ momentum, nesterov, weightDecay }));
  const options = given({ beta1: betas?.[0], beta2: betas?.[1], eps, weightDecay });
  return name === 'adam' ? optim.adam(options) : optim.adamW(options);
}

/** Without the options that are undefined, so that their defaults hold. */
function given<T extends object>(options: T): T {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T;
}

function weights(shape: number[], scale: number, salt: number): Variable {
  const n = shape.reduce((a, b) => a * b, 1);
  return nn.parameter(shape, init.values(uniform(n, scale, salt)));
}
