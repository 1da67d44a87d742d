export { type AttentionInputs, type MultiHeadAttentionOptions, multiHeadAttention } from './attention.js';
export { type KeyValueCache, type KeyValueCacheOptions, keyValueCache } from './cache.js';
export {
  avgPool,
  type ConvLayerOptions,
  type ConvTransposeLayerOptions,
  conv1d,
  conv2d,
  convTranspose1d,
  convTranspose2d,
  globalMean,
  maxPool,
  residual,
} from './convolution.js';
export { dropout } from './dropout.js';
export * from './layers.js';
export {
  type Activation,
  layer,
  layerOf,
  type Made,
  type Module,
  type ModuleOf,
  namedVariables,
  parameter,
  parameters,
  state,
  type Weighted,
} from './module.js';
export {
  type BatchNormOptions,
  batchNorm,
  batchNorm1d,
  layerNorm,
  type NormOptions,
  rmsNorm,
} from './norm.js';
export { learnedPositions, type PlaceInputs, sinusoidalPositions } from './positions.js';
export { randomShift } from './random-shift.js';
export {
  type CellOptions,
  gru,
  gruCell,
  type LstmState,
  lstm,
  lstmCell,
  type Recurrent,
  type RecurrentOptions,
  rnn,
  rnnCell,
} from './recurrent.js';
export { gatedMlp, type TransformerBlockOptions, transformerBlock } from './transformer.js';
