import { boolean, checkOptions, shown } from '../check.js';
import { GraphError, OptionError, ShapeError } from '../errors.js';
import { Tensor, toTensor } from '../ops/tensor.js';
import { checkOptimizer } from '../optim/optimizer.js';
import { printableJson, shownName } from '../printable.js';
import { DTYPES, formatShape, type Shape, type TensorType } from '../shape.js';
import { LEARNING_RATE, METHODS } from './description.js';
import { checkMetrics, type Metric } from './metrics.js';
import type { ProgramVariable } from './program.js';
import type { StepOptions, Types, Use } from './step.js';

// What is given to trainStep, looked at before anything is traced.

export function checkStep(options: StepOptions<unknown, Types, Types>): void {
  if (options === undefined) throw new OptionError('trainStep: expected { model, batch, loss, optimizer }');
  checkOptions(
    'trainStep',
    options,
    [
      'name',
      'model',
      'batch',
      'loss',
      'optimizer',
      'predict',
      'evaluate',
      'entries',
      'trainable',
      'allowUnused',
      'keepGradients',
      'separate',
      'diagnostics',
    ],
    {
      lr: 'give it to session.run({ steps, lr }) or session.step({ lr })',
      seed: 'give it to compile({ seed }) or interpret({ seed })',
      threads: 'give it to compile({ threads })',
      steps: 'give it to session.run({ steps, lr })',
      data: 'give it to session.data(...)',
      frozen: 'trainable: { body: false } leaves a part of the model as it is',
    },
  );
  const { name, model, batch, loss, optimizer, predict, entries, evaluate } = options;
  if (name !== undefined && (typeof name !== 'string' || name === ''))
    throw new OptionError(`trainStep: name must be a text, got ${shown(name)}`);
  if ((typeof model !== 'object' && typeof model !== 'function') || model === null)
    throw new OptionError(
      `trainStep: model must be a layer, or an object that holds layers, got ${shown(model)}`,
    );
  checkTypes('batch', batch);
  if (LEARNING_RATE in batch)
    throw new OptionError(
      `trainStep: ${LEARNING_RATE} is an input of its own: rename that part of the batch`,
    );
  checkRows(batch);
  if (typeof loss !== 'function')
    throw new OptionError(`trainStep: loss must be a function (model, batch) => tensor, got ${shown(loss)}`);
  checkOptimizer('trainStep: optimizer', optimizer);
  for (const flag of ['allowUnused', 'keepGradients', 'separate'] as const)
    if (options[flag] !== undefined) boolean(`trainStep: ${flag}`, options[flag]);
  if (predict !== undefined) checkUse('predict', predict);
  if (evaluate !== undefined) checkMetrics(evaluate as Record<string, Metric>);
  if (entries === undefined) return;
  if (typeof entries !== 'object' || entries === null || Array.isArray(entries))
    throw new OptionError(
      `trainStep: entries must name uses of the model, as in { embed: { inputs, output } }, got ${shown(entries)}`,
    );
  for (const [name, use] of Object.entries(entries)) {
    if (name === '' || name === '__proto__' || name === 'predict' || METHODS.has(name))
      throw new OptionError(
        `trainStep: entries: ${printableJson(name)} cannot be the name of an entry of your own: choose another`,
      );
    checkUse(`entries: ${shownName(name)}`, use);
  }
}

function checkUse(what: string, use: Use<unknown, Types>): void {
  if (typeof use !== 'object' || use === null)
    throw new OptionError(`trainStep: ${what} must be { inputs, output }, got ${shown(use)}`);
  checkOptions(`trainStep: ${what}`, use, ['inputs', 'output']);
  checkTypes(`${what}.inputs`, use.inputs);
  if (typeof use.output !== 'function')
    throw new OptionError(
      `trainStep: ${what}.output must be a function (model, inputs) => tensor, got ${shown(use.output)}`,
    );
}

function checkTypes(what: string, types: Types): void {
  if (typeof types !== 'object' || types === null || Array.isArray(types))
    throw new OptionError(
      `trainStep: ${what} must name its parts, as in { x: f32(32, 3) }, got ${shown(types)}`,
    );
  const parts = Object.entries(types);
  if (parts.length === 0) throw new OptionError(`trainStep: ${what} names no input`);
  for (const [name, type] of parts) {
    if (name === '' || name === '__proto__')
      throw new OptionError(`trainStep: ${what}: ${JSON.stringify(name)} cannot be the name of a part`);
    checkType(`trainStep: ${what}.${name}`, type);
  }
}

function checkType(what: string, type: TensorType): void {
  if (
    typeof type !== 'object' ||
    type === null ||
    !Array.isArray(type.shape) ||
    !DTYPES.includes(type.dtype)
  ) {
    const got = ArrayBuffer.isView(type) ? 'an array' : shown(type);
    throw new OptionError(
      `${what}: expected a type, as in f32(32, 3) or i32(32), got ${got}; the data itself goes to session.data`,
    );
  }
  if (type.shape.some((size) => !Number.isInteger(size) || size < 1))
    throw new ShapeError(`${what}: ${formatShape(type.shape)}: sizes are whole numbers from 1`);
}

/** A batch is drawn row by row, so its parts must have as many rows. */
function checkRows(batch: Types): void {
  const [first, ...rest] = Object.entries(batch);
  for (const [name, { shape }] of rest) {
    if (shape[0] === first[1].shape[0]) continue;
    const rows = (s: Shape) => (s.length ? `${s[0]} rows` : 'no rows');
    throw new ShapeError(
      `trainStep: the parts of a batch differ: ${first[0]} has ${rows(first[1].shape)}, ${name} has ${rows(shape)}`,
    );
  }
}

/** Variables are told apart by their names. */
export function checkDistinct(variables: readonly ProgramVariable[]): void {
  const seen = new Set<string>();
  for (const { name } of variables) {
    if (seen.has(name))
      throw new OptionError(
        `trainStep: two variables are called ${printableJson(name)}, of the model or of the optimizer's state: rename that part of the model`,
      );
    seen.add(name);
  }
}

/** What `loss` or `predict.output` returned as a tensor; `where` is the line of the step. */
export function returned(what: string, result: unknown, where: string): Tensor {
  if (result instanceof Tensor) return toTensor(result);
  const mend =
    result === undefined
      ? 'nothing: write return before its result'
      : result instanceof Promise
        ? 'a promise: it must not be async'
        : typeof result === 'number'
          ? `the number ${result}, which no parameter has a part in: compute with tensors, as in a.mul(b)`
          : `${shown(result)}, not a tensor`;
  throw new GraphError(`${what} returns ${mend}${where && ` (${where})`}`);
}

/** The tensors that a use of the model returned, by name: one alone is called `output`. */
export function outputsOf(what: string, result: unknown, where: string): Record<string, Tensor> {
  const isRecord =
    typeof result === 'object' &&
    result !== null &&
    Object.getPrototypeOf(result) === Object.prototype &&
    Object.keys(result).length > 0;
  if (!isRecord) return { output: returned(what, result, where) };
  return Object.fromEntries(
    Object.entries(result).map(([name, tensor]) => {
      if (name === '' || name === '__proto__')
        throw new GraphError(`${what}: ${printableJson(name)} cannot be the name of an output`);
      return [name, returned(`${what}: ${shownName(name)}`, tensor, where)];
    }),
  );
}
