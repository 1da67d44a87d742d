import './methods.js';

export { silu } from './activations.js';
export { flip, oneHot, scatterAddAlong, stack, take, takeAlong, tile } from './arrange.js';
export { type AttentionOptions, attention, attentionWeights } from './attention.js';
export * from './compare.js';
export { type ConvOptions, conv1d, conv2d } from './conv.js';
export { type ConvTransposeOptions, convTranspose1d, convTranspose2d } from './conv-transpose.js';
export { weightedMean } from './counted.js';
export { cumulativeSum } from './cumulative.js';
export { einsum } from './einsum.js';
export {
  abs,
  add,
  div,
  erf,
  exp,
  log,
  maximum,
  minimum,
  mul,
  neg,
  relu,
  rsqrt,
  sigmoid,
  sqrt,
  sub,
  tanh,
} from './elementwise.js';
export { expm1, log1p, pow, softplus } from './exponentials.js';
export { argmax, argmin, type MaxWithIndex, maxWithIndex, minWithIndex } from './extremes.js';
export * from './functions.js';
export { gather, scatterAdd } from './gather.js';
export { iota } from './leaf.js';
export {
  type BinaryCrossEntropyOptions,
  binaryCrossEntropy,
  type CrossEntropyOptions,
  crossEntropy,
  type HuberOptions,
  huber,
  type LossOptions,
  l1Loss,
  meanSquaredError,
  type Reduction,
} from './losses.js';
export { lowerTriangle, maskedFill, tril, triu } from './masks.js';
export { matmul } from './matmul.js';
export { type AccuracyOptions, accuracy, type ConfusionOptions, confusionMatrix } from './metrics.js';
export { broadcastTo, concat, pad, reshape, slice, transpose } from './movement.js';
export type { Nest, TensorsOf } from './nest.js';
export { opTable } from './op.js';
export {
  type AvgPoolOptions,
  avgPool,
  globalMean,
  type MaxPoolOptions,
  maxPool,
  type PoolOptions,
} from './pool.js';
export { random } from './random.js';
export { type RandomShiftOptions, randomShift } from './random-shift.js';
export { max, nanmax, type ReduceOptions, sum } from './reduce.js';
export { type RotaryOptions, rotary } from './rotary.js';
export { type ScanOptions, type ScanResult, type ScanStep, scan } from './scan.js';
export type { Padding, PerAxis, SpatialOptions } from './spatial.js';
export { chunk, split } from './split.js';
export { ceil, clamp, floor, round, sign } from './stepwise.js';
export { stopGradient } from './stop-gradient.js';
export { type Initializer, type RandomSource, Tensor, type TensorLike, Variable } from './tensor.js';
export { topK } from './top-k.js';
export { cos, sin } from './trigonometric.js';
export { type WindowOptions, window } from './window.js';
