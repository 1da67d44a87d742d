export { dropout } from './dropout.js';
export * from './layers.js';
export { layer, type Module, namedVariables, parameter, parameters, state } from './module.js';
export { type BatchNormOptions, batchNorm1d, layerNorm, type NormOptions } from './norm.js';
