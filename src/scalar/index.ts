export { valueToDot } from './dot.js';
export { type Activation, Layer, MLP, type MLPOptions, Neuron, type NeuronOptions } from './nn.js';
export { type TracedValue, traceValue } from './trace.js';
export { Value } from './value.js';
