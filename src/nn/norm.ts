import { boolean, checkOptions, notNegative, positive, wholeNumber } from '../check.js';
import { GraphError, OptionError, ShapeError } from '../errors.js';
import * as init from '../init/init.js';
import { add, mul, rsqrt, sub } from '../ops/elementwise.js';
import { mean } from '../ops/functions.js';
import { channelsToFirst, channelsToLast } from '../ops/spatial.js';
import { type Initializer, interpreter, type Tensor, type Variable } from '../ops/tensor.js';
import { numel } from '../shape.js';
import { located } from '../source.js';
import { normObserver } from './calibration.js';
import { isFrozen } from './frozen.js';
import { checkInput } from './inputs.js';
import { layer, type ModuleOf, parameter, state } from './module.js';

export interface NormOptions {
  /** Added to the variance before the root; 1e-5 unless given. */
  eps?: number | undefined;
  /** Learn a gain and a bias for each feature, by default yes: without, the result always has mean 0 and variance 1. */
  affine?: boolean | undefined;
  /** Learn a bias beside the gain, by default yes. */
  bias?: boolean | undefined;
  /** Initial gains; 1 unless given. */
  gainInit?: Initializer | undefined;
  /** Initial biases; 0 unless given. */
  biasInit?: Initializer | undefined;
}

type AffineParts = { gain?: Variable; bias?: Variable };
type BatchNorm = ModuleOf<AffineParts & { runningMean: Variable; runningVariance: Variable }>;

const NORM_OPTIONS = ['eps', 'affine', 'bias', 'gainInit', 'biasInit'] as const;

export interface BatchNormOptions extends NormOptions {
  /** Weight of a new batch in the running statistics, from 0 to 1; 0.1 unless given. */
  momentum?: number | undefined;
  /** x is [batch, features, ...places], as PyTorch has it. */
  channelsFirst?: boolean | undefined;
}

/**
 * Batch normalization: every feature by its mean and variance over all axes but the last. x: [batch, features] or, of
 * images,
 * [batch, ...places, features]. (Ioffe and Szegedy 2015, algorithm 1.) Training uses the batch's mean and biased
 * variance, and
 * moves the running statistics (with the unbiased variance, as PyTorch does); otherwise those are used, so that a row's
 * result
 * does not depend on the rows beside it. `session.calibrate` sets them from a whole dataset instead. Where the layer is frozen
 * (`trainable` of trainStep) they are used in training too, and stay.
 *
 * @example
 * ```ts
 * import { nn } from '2headgrad';
 * const model = nn.sequential(nn.linear(2, 8, { bias: false }), nn.batchNorm(8), nn.relu());
 * console.log([...nn.parameters(model).keys()].join(' ')); // layers.0.weight layers.1.gain layers.1.bias
 * ```
 */
export function batchNorm(features: number, options: BatchNormOptions = {}): BatchNorm {
  return batchNormOf('batchNorm', features, options);
}

/**
 * As batchNorm.
 * @example
 * ```ts
 * import { nn } from '2headgrad';
 * const model = nn.sequential(nn.linear(2, 8, { bias: false }), nn.batchNorm1d(8), nn.relu());
 * console.log([...nn.namedVariables(model).keys()].join(' ')); // layers.0.weight layers.1.gain layers.1.bias layers.1.runningMean layers.1.runningVariance
 * ```
 */
export function batchNorm1d(features: number, options: BatchNormOptions = {}): BatchNorm {
  return batchNormOf('batchNorm1d', features, options);
}

function batchNormOf(what: string, features: number, options: BatchNormOptions): BatchNorm {
  checkOptions(what, options, [...NORM_OPTIONS, 'momentum', 'channelsFirst']);
  const { eps = 1e-5, momentum = 0.1, channelsFirst = false } = options;
  const affine = affineOf(what, features, eps, options);
  boolean(`${what}: channelsFirst`, channelsFirst);
  if (!(notNegative(`${what}: momentum`, momentum) <= 1))
    throw new OptionError(`${what}: momentum must be from 0 to 1, got ${momentum}`);
  const made = (features: number) => `${what}(${features})`;
  const runningMean = state([features], init.zeros);
  const runningVariance = state([features], init.ones);
  const inUse = (x: Tensor) => affine.byColumn(sub(x, runningMean), rsqrt(add(runningVariance, eps)));
  const normalized = (x: Tensor) => {
    if (interpreter().isStep)
      throw new GraphError(
        located(
          `${what}: its statistics are those of a batch, not of a step of a scan: use layerNorm or rmsNorm there, or ${what} outside`,
        ),
      );
    if (isFrozen(runningMean)) return inUse(x);
    if (!interpreter().training) {
      normObserver()?.({ mean: runningMean, variance: runningVariance }, x);
      return inUse(x);
    }
    const rows = numel(x.shape.slice(0, -1));
    if (rows < 2)
      throw new ShapeError(
        `${what}: training needs a batch of at least two${x.rank > 2 ? ', or an image of more than one place' : ''}`,
      );
    const axes = x.shape.slice(0, -1).map((_, axis) => axis);
    const mu = mean(x, axes);
    const centred = sub(x, mu);
    const sigma2 = mean(mul(centred, centred), axes);
    move(runningMean, mu, momentum);
    move(runningVariance, mul(sigma2, rows / (rows - 1)), momentum);
    return affine.byColumn(centred, rsqrt(add(sigma2, eps)));
  };
  const forward = (x: Tensor) => {
    const places = x.rank > 2 ? ['...places'] : [];
    const form = channelsFirst ? ['batch', features, ...places] : ['batch', ...places, features];
    checkInput(x, { layer: made(features), form, fits: made });
    return channelsFirst && x.rank > 2 ? channelsToFirst(normalized(channelsToLast(x))) : normalized(x);
  };
  return layer({ ...affine.parts, runningMean, runningVariance }, forward, what);
}

function move(running: Variable, seen: Tensor, momentum: number): void {
  running.assign(add(mul(running, 1 - momentum), mul(seen.stopGradient(), momentum)));
}

/**
 * Layer normalization: every row by the mean and variance of its own features, alike in training and in use.
 * x: [..., features]. (Ba, Kiros and Hinton 2016, equation 4.)
 * @example
 * ```ts
 * import { nn } from '2headgrad';
 * const model = nn.layerNorm(8);
 * console.log([...nn.parameters(model)].map(([name, { shape }]) => `${name} [${shape}]`).join(', ')); // gain [8], bias [8]
 * ```
 */
export function layerNorm(features: number, options: NormOptions = {}): ModuleOf<AffineParts> {
  checkOptions('layerNorm', options, NORM_OPTIONS);
  const { eps = 1e-5 } = options;
  const affine = affineOf('layerNorm', features, eps, options);
  const forward = (x: Tensor) => {
    checkFeatures('layerNorm', x, features);
    const centred = sub(x, mean(x, -1, { keepDims: true }));
    const sigma2 = mean(mul(centred, centred), -1, { keepDims: true });
    return affine.byRow(centred, rsqrt(add(sigma2, eps)));
  };
  return layer(affine.parts, forward, 'layerNorm');
}

/**
 * Root mean square normalization: every row over the root of its mean square, with a gain and no bias, and no mean
 * taken
 * off. x: [..., features]. (Zhang and Sennrich 2019, equation 4, with eps inside of the root.)
 *
 * @example
 * ```ts
 * import { nn } from '2headgrad';
 * const model = nn.rmsNorm(8);
 * console.log([...nn.parameters(model)].map(([name, { shape }]) => `${name} [${shape}]`).join(', ')); // gain [8]
 * ```
 */
export function rmsNorm(
  features: number,
  options: Pick<NormOptions, 'eps' | 'affine' | 'gainInit'> = {},
): ModuleOf<AffineParts> {
  checkOptions('rmsNorm', options, ['eps', 'affine', 'gainInit']);
  const { eps = 1e-5 } = options;
  const affine = affineOf('rmsNorm', features, eps, { ...options, bias: false });
  const forward = (x: Tensor) => {
    checkFeatures('rmsNorm', x, features);
    return affine.byRow(x, rsqrt(add(mean(mul(x, x), -1, { keepDims: true }), eps)));
  };
  return layer(affine.parts, forward, 'rmsNorm');
}

function checkFeatures(what: string, x: Tensor, features: number): void {
  const made = (features: number) => `${what}(${features})`;
  checkInput(x, { layer: made(features), form: ['...', features], fits: made });
}

/** Gain and bias of a norm, as far as its options ask for them. */
function affineOf(name: string, features: number, eps: number, options: NormOptions) {
  wholeNumber(`${name}: features`, features);
  positive(`${name}: eps`, eps);
  const { affine = true, bias: wantsBias = affine, gainInit = init.ones, biasInit = init.zeros } = options;
  boolean(`${name}: affine`, affine);
  boolean(`${name}: bias`, wantsBias);
  const gain = affine ? parameter([features], gainInit) : null;
  const bias = affine && wantsBias ? parameter([features], biasInit) : null;
  const shifted = (scaled: Tensor) => (bias ? add(scaled, bias) : scaled);
  return {
    parts: { ...(gain && { gain }), ...(bias && { bias }) },
    /** Where the gain belongs to what the norm is taken of: one factor a column, so that its gradient takes one sum. */
    byColumn: (centred: Tensor, inverse: Tensor) =>
      shifted(mul(centred, gain ? mul(inverse, gain) : inverse)),
    /** Where every column of a row has a gain of its own. */
    byRow: (centred: Tensor, inverse: Tensor) => {
      const normalized = mul(centred, inverse);
      return shifted(gain ? mul(normalized, gain) : normalized);
    },
  };
}
