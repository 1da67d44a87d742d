import { boolean, checkOptions, fraction, shown, wholeNumber } from '../check.js';
import { GraphError, OptionError, ShapeError } from '../errors.js';
import * as init from '../init/init.js';
import { add, mul, sigmoid, sub, tanh } from '../ops/elementwise.js';
import { matmul } from '../ops/matmul.js';
import { broadcastTo, concat, transpose } from '../ops/movement.js';
import { scan } from '../ops/scan.js';
import { chunk } from '../ops/split.js';
import { interpreter, type Tensor, toTensor, type Variable } from '../ops/tensor.js';
import { formatShape } from '../shape.js';
import { located } from '../source.js';
import { carriedState } from './carried.js';
import { dropout } from './dropout.js';
import { checkInput } from './inputs.js';
import { layer, layerOf, type Module, parameter } from './module.js';

// Recurrent layers, by PyTorch's equations and in its order of gates.

/** What a cell does with what the input gives its gates, [batch, gates * hidden], and what it carries. */
interface Kind {
  readonly name: 'rnn' | 'gru' | 'lstm';
  readonly gates: number;
  /** The first carried value is the output. */
  readonly carries: number;
  step(input: Tensor, carry: readonly Tensor[], hidden: (h: Tensor) => Tensor): Tensor[];
}

/** h' = tanh(x W + b + h U + c). (Elman 1990.) */
const RNN: Kind = {
  name: 'rnn',
  gates: 1,
  carries: 1,
  step: (input, [h], hidden) => [tanh(add(input, hidden(h)))],
};

/** Gates in the order reset, update, new; the reset gate acts behind the product with h. (Cho et al. 2014.) */
const GRU: Kind = {
  name: 'gru',
  gates: 3,
  carries: 1,
  step(input, [h], hidden) {
    const [xr, xz, xn] = chunk(input, 3, -1);
    const [hr, hz, hn] = chunk(hidden(h), 3, -1);
    const z = sigmoid(add(xz, hz));
    const n = tanh(add(xn, mul(sigmoid(add(xr, hr)), hn)));
    return [add(mul(sub(1, z), n), mul(z, h))];
  },
};

/** Gates in the order input, forget, cell, output. (Hochreiter and Schmidhuber 1997; Gers et al. 2000.) */
const LSTM: Kind = {
  name: 'lstm',
  gates: 4,
  carries: 2,
  step(input, [h, c], hidden) {
    const [i, f, g, o] = chunk(add(input, hidden(h)), 4, -1);
    const cell = add(mul(sigmoid(f), c), mul(sigmoid(i), tanh(g)));
    return [mul(sigmoid(o), tanh(cell)), cell];
  },
};

export interface CellOptions {
  /** In the products; by default yes. */
  bias?: boolean | undefined;
}

/** The weights of one direction of one layer, and its two products. */
function weightsOf(kind: Kind, inputs: number, hidden: number, bias: boolean) {
  const bound = 1 / Math.sqrt(hidden);
  const made = (...shape: number[]) => parameter(shape, init.uniform(-bound, bound));
  const width = kind.gates * hidden;
  const parts: Record<string, Variable> = {
    inputWeight: made(inputs, width),
    hiddenWeight: made(hidden, width),
    ...(bias && { inputBias: made(width), hiddenBias: made(width) }),
  };
  const product = (of: 'input' | 'hidden') => (x: Tensor) => {
    const y = matmul(x, parts[`${of}Weight`]);
    return bias ? add(y, parts[`${of}Bias`]) : y;
  };
  return { parts, input: product('input'), hidden: product('hidden') };
}

function cell(kind: Kind, inputs: number, hidden: number, options: CellOptions) {
  const what = `${kind.name}Cell`;
  checkOptions(what, options, ['bias']);
  wholeNumber(`${what}: inputs`, inputs);
  wholeNumber(`${what}: hidden`, hidden);
  const { bias = true } = options;
  boolean(`${what}: bias`, bias);
  const weights = weightsOf(kind, inputs, hidden, bias);
  const forward = (x: Tensor, carry: readonly Tensor[]) => {
    const made = (inputs: number) => `${what}(${inputs}, ${hidden})`;
    checkInput(x, { layer: made(inputs), form: ['batch', inputs], fits: made });
    const [batch] = x.shape;
    for (const h of carry)
      if (formatShape(h.shape) !== formatShape([batch, hidden]))
        throw new ShapeError(
          `${made(inputs)}: expected a state of [${batch}, ${hidden}], got ${formatShape(h.shape)}`,
        );
    return kind.step(weights.input(x), carry, weights.hidden);
  };
  return { parts: weights.parts, forward, what };
}

/**
 * One step: cell(x, h) is the next h. x: f32[batch, inputs], h: f32[batch, hidden].
 * @example
 * ```ts
 * import { f32, meanSquaredError, nn, optim, trainStep } from '2headgrad';
 * // One step of a loop that the model has itself, as in `scan`.
 * const step = trainStep({
 *   model: nn.rnnCell(3, 16),
 *   batch: { x: f32(4, 3), h: f32(4, 16), y: f32(4, 16) },
 *   loss: (cell, { x, h, y }) => meanSquaredError(cell(x, h), y),
 *   optimizer: optim.adam(),
 * });
 * console.log(step.interpret().parameterCount); // 336
 * ```
 */
export function rnnCell(inputs: number, hidden: number, options: CellOptions = {}): Module<[Tensor, Tensor]> {
  const { parts, forward, what } = cell(RNN, inputs, hidden, options);
  return layerOf(parts, (x: Tensor, h: Tensor) => forward(x, [toTensor(h)])[0], what);
}

/**
 * One step: cell(x, h) is the next h. x: f32[batch, inputs], h: f32[batch, hidden].
 * @example
 * ```ts
 * import { f32, meanSquaredError, nn, optim, trainStep } from '2headgrad';
 * // One step of a loop that the model has itself, as in `scan`.
 * const step = trainStep({
 *   model: nn.gruCell(3, 16),
 *   batch: { x: f32(4, 3), h: f32(4, 16), y: f32(4, 16) },
 *   loss: (cell, { x, h, y }) => meanSquaredError(cell(x, h), y),
 *   optimizer: optim.adam(),
 * });
 * console.log(step.interpret().parameterCount); // 1008
 * ```
 */
export function gruCell(inputs: number, hidden: number, options: CellOptions = {}): Module<[Tensor, Tensor]> {
  const { parts, forward, what } = cell(GRU, inputs, hidden, options);
  return layerOf(parts, (x: Tensor, h: Tensor) => forward(x, [toTensor(h)])[0], what);
}

/** What an LSTM carries from step to step, each f32[batch, hidden]. */
export interface LstmState {
  h: Tensor;
  c: Tensor;
}

/**
 * One step: cell(x, { h, c }) is the next { h, c }. x: f32[batch, inputs].
 * @example
 * ```ts
 * import { f32, meanSquaredError, nn, optim, trainStep } from '2headgrad';
 * const step = trainStep({
 *   model: nn.lstmCell(3, 16),
 *   batch: { x: f32(4, 3), h: f32(4, 16), c: f32(4, 16), y: f32(4, 16) },
 *   loss: (cell, { x, h, c, y }) => meanSquaredError(cell(x, { h, c }).h, y),
 *   optimizer: optim.adam(),
 * });
 * console.log(step.interpret().parameterCount); // 1344
 * ```
 */
export function lstmCell(
  inputs: number,
  hidden: number,
  options: CellOptions = {},
): ((x: Tensor, state: LstmState) => LstmState) & { readonly parts: Readonly<Record<string, unknown>> } {
  const { parts, forward, what } = cell(LSTM, inputs, hidden, options);
  const next = (x: Tensor, state: LstmState) => {
    if (!state?.h || !state.c)
      throw new GraphError(located(`${what}: expected its state second, { h, c }, got ${shown(state)}`));
    const [h, c] = forward(toTensor(x), [toTensor(state.h), toTensor(state.c)]);
    return { h, c };
  };
  return Object.assign(next, { parts });
}

export interface RecurrentOptions extends CellOptions {
  /** One above the other; 1 unless given. */
  layers?: number | undefined;
  /** Each layer runs both ways, and gives the outputs of both side by side. */
  bidirectional?: boolean | undefined;
  /** Between layers; 0 unless given. */
  dropout?: number | undefined;
  /**
   * Rows in a batch: in training each row goes on from the state in which the same row of the batch before ended, without a
   * gradient across (truncated backpropagation). The state is part of checkpoints; in use the layer begins with zeros. Batches
   * have to come in order, as `streams` cuts them and `session.data(columns, { order: 'given' })` takes them.
   */
  stateful?: number | undefined;
}

/**
 * A recurrent layer: x f32[batch, time, inputs] -> the outputs of all steps, f32[batch, time, hidden], twice as wide where
 * it is bidirectional. `run` gives the last state too, and takes the first. A `stateful` layer takes a second tensor, i32 or
 * bool[batch]: where it is not 0 the row begins anew, from zeros.
 */
export interface Recurrent extends Module {
  /**
   * Outputs as the layer's, and the state after the last step: for each layer (and direction) what it carries, each
   * f32[batch, hidden]; without a `state` it begins with zeros.
   */
  run(x: Tensor, state?: Tensor[][], begins?: Tensor): { outputs: Tensor; state: Tensor[][] };
}

/**
 * Layers of tanh(x W + b + h U + c); see `Recurrent`.
 * @example
 * ```ts
 * import { f32, meanSquaredError, nn, optim, trainStep } from '2headgrad';
 * const step = trainStep({
 *   model: nn.rnn(3, 16),
 *   batch: { x: f32(4, 20, 3), y: f32(4, 20, 16) },
 *   loss: (model, { x, y }) => meanSquaredError(model(x), y),
 *   optimizer: optim.adam(),
 * });
 * console.log(step.interpret().parameterCount); // 336
 * ```
 */
export const rnn = (inputs: number, hidden: number, options: RecurrentOptions = {}): Recurrent =>
  recurrent(RNN, inputs, hidden, options);

/**
 * Gated recurrent units, with PyTorch's equations; see `Recurrent`. (Cho et al. 2014.)
 * @example
 * ```ts
 * import { f32, meanSquaredError, nn, optim, trainStep } from '2headgrad';
 * const step = trainStep({
 *   model: nn.gru(3, 16),
 *   batch: { x: f32(4, 20, 3), y: f32(4, 20, 16) },
 *   loss: (model, { x, y }) => meanSquaredError(model(x), y),
 *   optimizer: optim.adam(),
 * });
 * console.log(step.interpret().parameterCount); // 1008
 * ```
 */
export const gru = (inputs: number, hidden: number, options: RecurrentOptions = {}): Recurrent =>
  recurrent(GRU, inputs, hidden, options);

/**
 * Long short-term memory, with PyTorch's equations; see `Recurrent`. (Hochreiter and Schmidhuber 1997.)
 * @example
 * ```ts
 * import { f32, meanSquaredError, nn, optim, trainStep } from '2headgrad';
 * const step = trainStep({
 *   model: nn.lstm(3, 16, { layers: 2, bidirectional: true }),
 *   batch: { x: f32(4, 20, 3), y: f32(4, 20, 32) },
 *   loss: (model, { x, y }) => meanSquaredError(model(x), y),
 *   optimizer: optim.adam(),
 * });
 * console.log(step.interpret().parameterCount); // 9088
 * ```
 */
export const lstm = (inputs: number, hidden: number, options: RecurrentOptions = {}): Recurrent =>
  recurrent(LSTM, inputs, hidden, options);

function recurrent(kind: Kind, inputs: number, hidden: number, options: RecurrentOptions): Recurrent {
  const { name } = kind;
  checkOptions(name, options, ['layers', 'bidirectional', 'dropout', 'bias', 'stateful']);
  const { layers: count = 1, bidirectional = false, dropout: dropped = 0, bias = true } = options;
  wholeNumber(`${name}: inputs`, inputs);
  wholeNumber(`${name}: hidden`, hidden);
  wholeNumber(`${name}: layers`, count);
  boolean(`${name}: bidirectional`, bidirectional);
  boolean(`${name}: bias`, bias);
  fraction(`${name}: dropout`, dropped);
  const { stateful } = options;
  if (stateful !== undefined) wholeNumber(`${name}: stateful`, stateful);
  if (stateful !== undefined && bidirectional)
    throw new OptionError(
      `${name}: stateful carries what was to the next batch, and bidirectional reads what comes first: leave one out`,
    );
  const directions = bidirectional ? ['forward', 'backward'] : ['forward'];
  const widthOf = (i: number) => (i === 0 ? inputs : hidden * directions.length);
  const layers = Array.from({ length: count }, (_, i) =>
    directions.map(() => weightsOf(kind, widthOf(i), hidden, bias)),
  );
  const drops = layers.slice(1).map(() => (dropped > 0 ? dropout(dropped) : null));
  const carried =
    stateful === undefined
      ? null
      : carriedState({ name, carries: kind.carries, count, batch: stateful, hidden });
  const parts = {
    layers: layers.map((sides) => Object.fromEntries(sides.map(({ parts }, s) => [directions[s], parts]))),
    ...(dropped > 0 && { drops }),
    ...(carried && { carried: carried.own }),
  };
  const run = (x: Tensor, state?: Tensor[][], begins?: Tensor) => {
    const made = (inputs: number) => `${name}(${inputs}, ${hidden})`;
    checkInput(x, { layer: made(inputs), form: ['batch', 'time', inputs], fits: made });
    // What is given goes before what is carried.
    const goesOn = carried && state === undefined && interpreter().training;
    if (begins !== undefined && !carried)
      throw new ShapeError(
        `${name}: begins is for a layer that carries its state: give it stateful: ${x.shape[0]}`,
      );
    const before = goesOn ? carried.read(x.shape[0], begins) : state;
    const begin = stateOf(kind, x.shape[0], hidden, count * directions.length, before);
    const last: Tensor[][] = [];
    // Steps walk along the first axis.
    let walked = transpose(x, [1, 0, 2]);
    layers.forEach((sides, i) => {
      const below = i > 0 ? drops[i - 1] : null;
      if (below) walked = below(walked);
      const outputs = sides.map(({ input, hidden }, s) => {
        // The inputs' product is made for all steps at once.
        const { carry, outputs } = scan(
          (carried: Tensor[], gates: Tensor) => {
            const next = kind.step(gates, carried, hidden);
            return { carry: next, outputs: next[0] };
          },
          { carry: begin[i * sides.length + s], inputs: input(walked), reverse: s === 1 },
        );
        last.push(carry);
        return outputs;
      });
      walked = outputs.length > 1 ? concat(outputs, -1) : outputs[0];
    });
    if (goesOn) carried.keep(last);
    return { outputs: transpose(walked, [1, 0, 2]), state: last };
  };
  return Object.assign(
    layer(parts, (x, begins) => run(x, undefined, begins).outputs, name),
    { run },
  );
}

function stateOf(kind: Kind, batch: number, hidden: number, count: number, given?: Tensor[][]): Tensor[][] {
  const { name, carries } = kind;
  if (given === undefined) {
    const none = () => broadcastTo(toTensor(0), [batch, hidden]);
    return Array.from({ length: count }, () => Array.from({ length: carries }, none));
  }
  const fits =
    Array.isArray(given) &&
    given.length === count &&
    given.every((own) => Array.isArray(own) && own.length === carries);
  if (!fits)
    throw new ShapeError(
      `${name}: expected a state of ${count} lists (layers times directions) of ${carries} tensors f32[${batch}, ${hidden}]`,
    );
  for (const h of given.flat())
    if (formatShape(h.shape) !== formatShape([batch, hidden]))
      throw new ShapeError(`${name}: expected states of [${batch}, ${hidden}], got ${formatShape(h.shape)}`);
  return given.map((own) => own.map((h) => toTensor(h)));
}
