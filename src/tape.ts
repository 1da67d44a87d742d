/**
 * The tape alone: models that run op by op, with no compiler behind them.
 *
 * @module 2headgrad/tape
 */

export { gradients } from './autodiff/gradients.js';
export {
  DataError,
  DivergedError,
  DTypeError,
  GradError,
  GraphError,
  OptionError,
  ShapeError,
} from './errors.js';
export * as init from './init/index.js';
export * as nn from './nn/index.js';
export * from './ops/index.js';
export * as optim from './optim/index.js';
export type { DType, Shape, TensorType } from './shape.js';
export { type InterpretOptions, interpret } from './tape/session.js';
export { type Eager, type Precision, type TensorOptions, tensor } from './tape/tape.js';
export type { Run, RunResult } from './train/run.js';
export { type LearningRate, type Progress, type RunOptions, Session } from './train/session.js';
export { f32, i32, type StepOptions } from './train/step.js';
export type { Trainable } from './train/trainable.js';
