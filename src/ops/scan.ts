import { boolean, checkOptions, shown, wholeNumber } from '../check.js';
import { DTypeError, GraphError, ShapeError } from '../errors.js';
import { formatType, sameType, type TensorType } from '../shape.js';
import { located } from '../source.js';
import { reshape } from './movement.js';
import { type Leaf, leavesOf, type Nest, nestOf, type TensorsOf } from './nest.js';
import { applyForAll } from './results.js';
import { scanOp, stack } from './scan-op.js';
import { split } from './split.js';
import { interpreter, Tensor } from './tensor.js';

export interface ScanOptions<C, X> {
  /** What the first step is given: a tensor, or arrays and objects of tensors. */
  carry: C;
  /** Tensors that the steps walk along, each by its first axis: x: [length, ...] gives every step its [...]. */
  inputs?: X | undefined;
  /** The number of steps, from 0; that of `inputs` unless there are none. */
  length?: number | undefined;
  /** From the last step to the first; outputs stand where the inputs of their step do. */
  reverse?: boolean | undefined;
}

export interface ScanStep<C, Y> {
  /** What the next step is given: as the carry that it got, of the same shapes and dtypes. */
  carry: TensorsOf<C>;
  /** What is kept of this step. */
  outputs?: Y;
}

export interface ScanResult<C, Y> {
  /** As the last step returned it. */
  carry: TensorsOf<C>;
  /** The outputs of all steps, along a new first axis: y: [...] becomes [length, ...]. An empty list where there are none. */
  outputs: TensorsOf<Y>;
}

/**
 * Runs a cell over a sequence: `body(carry, input)` returns `{ carry, outputs }`, and each step's carry goes to the
 * next.
 *
 *     const { carry, outputs } = scan((h, x) => {
 *       const next = tanh(x.matmul(W).add(h.matmul(U)));
 *       return { carry: next, outputs: next };
 *     }, { carry: h0, inputs: xs });              // h0: [batch, n], xs: [time, batch, m]; outputs: [time, batch, n]
 *
 * The body may use tensors and variables of outside and assign to variables, which are then carried too. In a trace it
 * runs
 * once, on symbols, and becomes a graph inside of one node, whose gradient is a scan that runs the other way; on the
 * tape it
 * runs once for each step.
 *
 * Without steps (inputs of [0, ...], or a length of 0) the carry comes back as it was given and outputs have no rows:
 * [0, ...].
 * The gradient then goes to the first carry; what the body would read has one of zeros. The body runs once, on symbols,
 * on the
 * tape too, to tell the shapes of its outputs, and its carry must be one that a next step could be given.
 *
 * @example
 * ```ts
 * import { scan, tensor } from '2headgrad';
 * // Running products: what is carried, and what is kept of each step.
 * const { carry, outputs } = scan(
 *   (product, x) => {
 *     const next = product.mul(x);
 *     return { carry: next, outputs: next };
 *   },
 *   { carry: tensor(1), inputs: tensor([2, 3, 4]) },
 * );
 * console.log(carry, outputs); // Tensor f32[] 24 Tensor f32[3] [2, 6, 24]
 * ```
 */
export function scan<C, X = [], Y = []>(
  body: (carry: TensorsOf<C>, input: TensorsOf<X>) => ScanStep<C, Y>,
  options: ScanOptions<C, X>,
): ScanResult<C, Y> {
  const { carry, inputs, steps, reverse } = checked(body, options);
  // What they are is checked as they run.
  const cell = body as (carry: unknown, input: unknown) => unknown;
  const forms = options as unknown as { carry: Nest; inputs?: Nest };
  const run: Run = (leaves, elements) =>
    stepOf(carry, cell(nestOf(forms.carry, leaves), nestOf(forms.inputs ?? [], elements)));
  const by = interpreter();
  const capture = by.capture ?? (steps === 0 ? by.captureUnrun : undefined);
  const { last, outputs, form } = capture
    ? traced(capture.bind(by), run, carry, inputs, steps, reverse)
    : atOnce(run, carry, inputs, steps, reverse);
  return {
    carry: nestOf(forms.carry, last) as TensorsOf<C>,
    outputs: nestOf(form, outputs) as TensorsOf<Y>,
  };
}

/** What the body has made of one step. */
interface Step {
  readonly carry: readonly Tensor[];
  readonly outputs: readonly Leaf[];
  readonly form: Nest;
}

interface Done {
  readonly last: readonly Tensor[];
  readonly outputs: readonly Tensor[];
  readonly form: Nest;
}

type Run = (carry: readonly Tensor[], elements: readonly Tensor[]) => Step;
type Capture = NonNullable<ReturnType<typeof interpreter>['capture']>;

/** As one node. */
function traced(
  capture: Capture,
  run: Run,
  carry: readonly Leaf[],
  inputs: readonly Leaf[],
  length: number,
  reverse: boolean,
): Done {
  let form: Nest = [];
  const { body, assigned, same } = capture(
    'step',
    carry.map(({ tensor }) => tensor),
    inputs.map(({ tensor }) => elementType(tensor)),
    (leaves, elements) => {
      const made = run(leaves, elements);
      form = made.form;
      return { carry: made.carry, outputs: made.outputs.map(({ tensor }) => tensor) };
    },
  );
  const by = interpreter();
  const variables = assigned.map((variable) => by.read(variable));
  const first = [...carry.map(({ tensor }) => tensor), ...variables];
  const results = applyForAll(scanOp, [...first, ...inputs.map(({ tensor }) => tensor), ...same], {
    reverse,
    body,
    length,
    carries: first.length,
    scanned: inputs.length,
  });
  assigned.forEach((variable, i) => {
    by.assign(variable, results[carry.length + i]);
  });
  return {
    last: results.slice(0, carry.length),
    outputs: results.slice(first.length, body.outputs.length),
    form,
  };
}

/** Step by step. */
function atOnce(
  run: Run,
  carry: readonly Leaf[],
  inputs: readonly Leaf[],
  length: number,
  reverse: boolean,
): Done {
  const elements = inputs.map(({ tensor }) =>
    split(tensor, 1).map((part) => reshape(part, tensor.shape.slice(1))),
  );
  const by = interpreter();
  const quietly = by.quietly?.bind(by) ?? (<T>(f: () => T) => f());
  const steps: Step[] = [];
  let last: readonly Tensor[] = carry.map(({ tensor }) => tensor);
  for (let k = 0; k < length; k++) {
    const t = reverse ? length - 1 - k : k;
    const of = elements.map((list) => list[t]);
    steps[t] = quietly(() => run(last, of));
    last = steps[t].carry;
  }
  const [{ form, outputs }] = steps;
  const all = steps.map((step) => matched('another step', outputs, step.outputs));
  return {
    last,
    outputs: outputs.map((_, i) => stack(all.map((step) => step[i].tensor))),
    form,
  };
}

function elementType({ shape, dtype }: TensorType): TensorType {
  return { shape: shape.slice(1), dtype };
}

/** What a body returned, if it is a step. */
function stepOf(carry: readonly Leaf[], made: unknown): Step {
  const plain = typeof made === 'object' && made !== null && !Array.isArray(made);
  if (!plain || made instanceof Tensor || made instanceof Promise || !('carry' in made))
    throw new GraphError(
      located(
        `scan: the body must return what it carries on, as in { carry, outputs }, got ${made instanceof Tensor ? 'a tensor' : made instanceof Promise ? 'a promise: it cannot be async' : shown(made)}`,
      ),
    );
  const step = made as { carry: Nest; outputs?: Nest };
  checkOptions('scan: what the body returns', step, ['carry', 'outputs'], { output: 'it is called outputs' });
  const { carry: next, outputs: form = [] } = step;
  const leaves = matched('the carry', carry, leavesOf('scan', 'carry', next));
  return { carry: leaves.map(({ tensor }) => tensor), outputs: leavesOf('scan', 'outputs', form), form };
}

/** What the body returned in the places of `before`, if it is of the same types. */
function matched(of: string, before: readonly Leaf[], after: readonly Leaf[]): Leaf[] {
  const odd = after.find(({ path }) => !before.some((leaf) => leaf.path === path));
  if (odd) throw new ShapeError(`scan: the body returns ${odd.path}, which ${of} has not`);
  return before.map(({ path, tensor }) => {
    const now = after.find((leaf) => leaf.path === path);
    if (!now) throw new ShapeError(`scan: the body returns no ${path}, which ${of} has`);
    if (sameType(tensor, now.tensor)) return now;
    const Kind = tensor.dtype === now.tensor.dtype ? ShapeError : DTypeError;
    throw new Kind(
      `scan: ${path} must keep its type from step to step: it is ${formatType(tensor)}, the body returns ${formatType(now.tensor)}`,
    );
  });
}

function checked<C, X>(body: unknown, options: ScanOptions<C, X>) {
  if (typeof body !== 'function')
    throw new GraphError(
      located(
        `scan: expected scan((carry, input) => ({ carry, outputs }), { carry, inputs }), got ${shown(body)} first`,
      ),
    );
  if (typeof options !== 'object' || options === null || options instanceof Tensor)
    throw new GraphError(
      located(
        `scan: expected options second, as in { carry: h0, inputs: xs }, got ${options instanceof Tensor ? 'a tensor' : shown(options)}`,
      ),
    );
  checkOptions('scan', options, ['carry', 'inputs', 'length', 'reverse'], {
    init: 'the first carry is called carry',
    xs: 'it is called inputs',
    steps: 'it is called length',
  });
  if (options.carry === undefined)
    throw new GraphError(located('scan: the first step needs a carry: scan(body, { carry, inputs })'));
  const carry = leavesOf('scan', 'carry', options.carry);
  const inputs = options.inputs === undefined ? [] : leavesOf('scan', 'inputs', options.inputs);
  const reverse = boolean('scan: reverse', options.reverse ?? false);
  return { carry, inputs, steps: lengthOf(inputs, options.length), reverse };
}

function lengthOf(inputs: readonly Leaf[], length: number | undefined): number {
  for (const { path, tensor } of inputs)
    if (tensor.rank === 0)
      throw new ShapeError(
        `scan: ${path} is ${formatType(tensor)}: steps walk along its first axis, and it has none`,
      );
  const [first] = inputs;
  const other = inputs.find(({ tensor }) => tensor.shape[0] !== first.tensor.shape[0]);
  const steps = ({ path, tensor }: Leaf) => `${path} has ${tensor.shape[0]} (${formatType(tensor)})`;
  if (other)
    throw new ShapeError(`scan: inputs differ in their number of steps: ${steps(first)}, ${steps(other)}`);
  if (length !== undefined) wholeNumber('scan: length', length, 0);
  if (!first && length === undefined)
    throw new GraphError(located('scan: how many steps? Give inputs to walk along, or a length'));
  if (first && length !== undefined && length !== first.tensor.shape[0])
    throw new ShapeError(`scan: length is ${length}, but ${steps(first)}: leave length out`);
  return length ?? first.tensor.shape[0];
}
