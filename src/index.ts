/**
 * The engine: models and losses, training steps, the compiler and the tape.
 *
 * @module 2headgrad
 */

export { type GradientOptions, gradients } from './autodiff/gradients.js';
export * from './calculus/index.js';
export { type DiagnoseOptions, type Diagnosis, diagnose, type Examinable } from './doctor/diagnose.js';
export type { Finding } from './doctor/finding.js';
export type { CompiledModule, CompileProgress } from './emit/compile.js';
export { STAGES, type Stage } from './emit/stages.js';
export {
  DataError,
  DivergedError,
  DTypeError,
  GradError,
  GraphError,
  OptionError,
  OutOfMemoryError,
  ShapeError,
  UnsupportedError,
  WorkerError,
} from './errors.js';
export type { Bounds, Probe } from './finder/bounds.js';
export {
  type FinderOptions,
  type FinderProgress,
  type FinderRunOptions,
  findLearningRate,
  type LearningRateSearch,
  type Startable,
} from './finder/finder.js';
export * as init from './init/index.js';
export { type BengioOptions, bengio } from './models/bengio.js';
export { type Choice, choose } from './models/choose.js';
export { type GptInputs, type GptOptions, gpt, gptCache } from './models/gpt.js';
export { type LenetOptions, lenet } from './models/lenet.js';
export { type ResnetOptions, resnet } from './models/resnet.js';
export { type GenerateOptions, generateTokens } from './models/text.js';
export { gpt2Weights, type LlamaWeights, llamaWeights } from './models/weight-maps.js';
export { type Neighbour, neighbours } from './models/words.js';
export * as nn from './nn/index.js';
export * from './ops/index.js';
export * as optim from './optim/index.js';
export { RandomStream } from './random/philox.js';
export { CompiledFunction, type CompileFunctionOptions, compileFunction } from './run/function.js';
export { type ThreadSupport, threadSupport } from './run/threads.js';
export { type CompileStepOptions, type StartOptions, TrainStep, trainStep } from './run/train-step.js';
export {
  type Activation,
  Layer,
  MLP,
  type MLPOptions,
  Neuron,
  type NeuronOptions,
  type TracedValue,
  traceValue,
  Value,
} from './scalar/index.js';
export { type NumberLimits, type SettingChoices, setting } from './setting.js';
export type { DType, Shape, TensorType } from './shape.js';
export type { InterpretOptions } from './tape/session.js';
export { type Eager, type Nested, type Precision, type TensorOptions, tensor } from './tape/tape.js';
export { trace } from './trace/tracer.js';
export type { Best, Goal } from './train/best.js';
export type { DataOptions } from './train/dataset.js';
export type {
  EntryDescription,
  InputDescription,
  ProgramDescription,
  VariableDescription,
} from './train/description.js';
export type {
  Diagnostics,
  DiagnosticsRecord,
  LayerDiagnosis,
  ParameterDiagnosis,
  Spread,
} from './train/diagnostics.js';
export type { Columns, Numbers, Wide } from './train/engine.js';
export type { Evaluated, Evaluation, Measured, Metric, MetricResults } from './train/metrics.js';
export type { Program, ProgramVariable } from './train/program.js';
export type { Run, RunResult } from './train/run.js';
export {
  type LearningRate,
  type Progress,
  type RunOptions,
  Session,
} from './train/session.js';
export type { SessionOf } from './train/session-of.js';
export { f32, i32, type StepOptions, type Tensors, type Types, type Use } from './train/step.js';
export type { Trainable } from './train/trainable.js';
export type { ColumnsOf, ElementsOf, FloatType, Integers, IntegerType } from './train/typed-columns.js';
export type { ReadableNames, VariableNames } from './train/typed-names.js';
export type { Output, UseTypes } from './train/typed-uses.js';
export {
  encodeWeights,
  type LoadedWeights,
  loadWeights,
  saveWeights,
  type WeightMap,
  type WeightOptions,
  type WeightSession,
  type WeightSource,
  type WeightVariable,
} from './train/weights.js';
