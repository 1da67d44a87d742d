export * from './layers.js';
export { layer, type Module, namedVariables, parameter, state } from './module.js';
