import { shown } from '../check.js';
import { GraphError, ModelError, OptionError } from '../errors.js';
import { type Initializer, interpreter, Tensor, Variable } from '../ops/tensor.js';
import { printableJson } from '../printable.js';
import { checkShape, type DType, formatShape, type Shape } from '../shape.js';
import { located } from '../source.js';

/**
 * A layer: a function of a tensor, and of others after it where it uses them, that owns variables. `parts` names them and
 * the layers inside.
 */
export interface Module<
  I extends readonly unknown[] = [x: Tensor, ...more: Tensor[]],
  P extends object = Readonly<Record<string, unknown>>,
> {
  (...inputs: I): Tensor;
  readonly parts: P;
  /** What errors call it beside its path in the model, such as `linear`. */
  readonly kind?: string;
}

/** A layer of a tensor whose parts are known to the types: names of its variables are then looked at where they are used. */
export type ModuleOf<P extends object> = Module<[x: Tensor, ...more: Tensor[]], P>;

/**
 * What makes a layer of parts gives: a ModuleOf. (Said as a condition, since TypeScript makes a call of a generic function that
 * returns a function wait for its context, and would then not know the model in `trainStep({ model: nn.sequential(...), ... })`.)
 */
export type Made<
  P extends object,
  I extends readonly unknown[] = [x: Tensor, ...more: Tensor[]],
> = P extends unknown ? Module<I, P> : never;

/** A layer without variables. */
export type Activation = ModuleOf<Readonly<Record<string, never>>>;

/** A layer of a matrix or filters, and biases unless they are left out. */
export type Weighted = ModuleOf<{ weight: Variable; bias?: Variable }>;

/**
 * Makes a layer from its parts (variables, layers, or arrays and objects of them) and what it computes, of one tensor
 * or
 * several; `kind` is what errors call it.
 *
 * @example
 * ```ts
 * import { init, nn } from '2headgrad';
 * // x scaled by a number that is learned.
 * const scale = nn.parameter([], init.ones);
 * const model = nn.layer({ scale }, (x) => x.mul(scale), 'scaled');
 * console.log([...nn.parameters(model).keys()]); // [ 'scale' ]
 * ```
 */
export function layer<P extends Record<string, unknown>>(
  parts: P,
  forward: (x: Tensor, ...more: Tensor[]) => Tensor,
  kind?: string,
): Made<P> {
  return layerOf(parts, forward, kind) as Made<P>;
}

/**
 * As `layer`, of a tensor and whatever else it takes, such as options.
 * @example
 * ```ts
 * import { nn, type Tensor } from '2headgrad';
 * // It takes an option beside its tensor.
 * const inner = nn.linear(4, 4);
 * const model = nn.layerOf({ inner }, (x: Tensor, more: { twice: boolean }) => (more.twice ? inner(inner(x)) : inner(x)));
 * console.log([...nn.parameters(model).keys()].join(' ')); // inner.weight inner.bias
 * ```
 */
export function layerOf<
  I extends readonly [Tensor, ...unknown[]],
  P extends Record<string, unknown> = Record<string, unknown>,
>(parts: P, forward: (...inputs: I) => Tensor, kind?: string): Made<P, I> {
  if (typeof parts !== 'object' || parts === null)
    throw new OptionError(`layer: expected an object of parts first, got ${shown(parts)}`);
  if (typeof forward !== 'function')
    throw new OptionError(`layer: expected a function of a tensor second, got ${shown(forward)}`);
  const what = kind ?? 'layer';
  const module: Module<I, P> = Object.assign(
    (...inputs: I) => {
      const [x] = inputs;
      if (x === undefined || x === null || ArrayBuffer.isView(x) || x instanceof Promise)
        throw new GraphError(located(`${what}: expected a tensor, got ${shown(x)}`));
      const by = interpreter();
      const output = inModel(module, () =>
        by.observe ? by.observe(module, () => forward(...inputs)) : forward(...inputs),
      );
      if (output === undefined || (output as unknown) instanceof Promise)
        throw new GraphError(located(`${what}: its function returns ${shown(output)}, not a tensor`));
      return output;
    },
    { parts, ...(kind !== undefined && { kind }) },
  );
  return module as unknown as Made<P, I>;
}

/** Runs a part of a model; errors in it then name the layer by its path in `model`. */
export function inModel<T>(model: unknown, f: () => T): T {
  try {
    return f();
  } catch (error) {
    if (error instanceof ModelError) {
      if (isLayer(model)) error.layer ??= model;
      if (error.layer) error.nameLayer(nameIn(model, error.layer as Module));
    }
    throw error;
  }
}

function nameIn(model: unknown, layer: Module): string {
  const path = layerPaths(model).get(layer);
  if (!path) return '';
  return layer.kind ? `${path} (${layer.kind})` : path;
}

function isLayer(part: unknown): part is Module {
  return typeof part === 'function' && 'parts' in part;
}

/**
 * A tensor that training changes: the loss is differentiated with respect to it.
 * @example
 * ```ts
 * import { init, nn } from '2headgrad';
 * const model = { w: nn.parameter([2, 8], init.kaimingNormal()), b: nn.parameter([8], init.zeros) };
 * console.log([...nn.parameters(model).keys()].join(' ')); // w b
 * ```
 */
export function parameter(shape: Shape, init: Initializer): Variable {
  checkShape('parameter', shape);
  checkInitializer('parameter', init);
  return new Variable('parameter', shape, 'f32', init);
}

/**
 * A tensor that outlives the step but has no gradient; it changes through `assign`.
 * @example
 * ```ts
 * import { f32, init, nn, optim, trainStep } from '2headgrad';
 * // Counts the steps that were taken: assigned to while the loss is made.
 * const steps = nn.state([], init.zeros);
 * const step = trainStep({
 *   model: { steps, layer: nn.linear(1, 1) },
 *   batch: { x: f32(4, 1) },
 *   loss({ steps, layer }, { x }) {
 *     steps.assign(steps.add(1));
 *     return layer(x).square().mean();
 *   },
 *   optimizer: optim.sgd(),
 * });
 * const session = step.interpret();
 * session.step({ lr: 0.1, batch: { x: [1, 2, 3, 4] } });
 * console.log(session.read('steps')[0]); // 1
 * ```
 */
export function state(shape: Shape, init: Initializer, dtype: DType = 'f32'): Variable {
  checkShape('state', shape);
  checkInitializer('state', init);
  return new Variable('state', shape, dtype, init);
}

function checkInitializer(what: string, init: unknown): void {
  if (typeof init !== 'function')
    throw new OptionError(`${what}: expected an initializer second, such as init.zeros, got ${shown(init)}`);
}

/**
 * Every variable of a model (a layer, a variable, or nested objects and arrays of them) by its path:
 * `layers.0.weight`. A variable that stands in two places keeps its first name.
 * @example
 * ```ts
 * import { nn } from '2headgrad';
 * const model = { body: nn.linear(2, 2, { bias: false }), norm: nn.batchNorm(2) };
 * console.log([...nn.namedVariables(model).keys()].join(' ')); // body.weight norm.gain norm.bias norm.runningMean norm.runningVariance
 * ```
 */
export function namedVariables(model: unknown): Map<string, Variable> {
  const names = new Map<string, Variable>();
  walk(model, (part, path) => {
    const name = path || 'model';
    if (part instanceof Tensor && 'tracked' in part && part.tracked)
      throw new OptionError(
        `${name} is a tensor that wants a gradient: in a model, make it nn.parameter(${formatShape(part.shape)}, init)`,
      );
    if (!(part instanceof Variable)) return;
    const own = path || part.kind;
    // Keys may have dots in them. The other name belongs to the format of checkpoints.
    if (names.has(own))
      throw new OptionError(`two variables of the model are called ${printableJson(own)}: rename one`);
    if (own === '__metadata__') throw new OptionError(`no variable can be called ${own}: rename it`);
    names.set(own, part);
  });
  return names;
}

/** The path of every layer of a model: `layers.0`, and '' for the model itself if it is one. */
export function layerPaths(model: unknown): Map<object, string> {
  const paths = new Map<object, string>();
  walk(model, (part, path) => {
    if (isLayer(part)) paths.set(part, path);
  });
  return paths;
}

/** Visits a model and everything in it, each once, from the outside in. */
function walk(model: unknown, visit: (part: object, path: string) => void): void {
  const seen = new Set<unknown>();
  const into = (value: unknown, path: string) => {
    if ((typeof value !== 'object' && typeof value !== 'function') || value === null || seen.has(value))
      return;
    seen.add(value);
    visit(value, path);
    if (value instanceof Tensor || ArrayBuffer.isView(value)) return;
    const inner = 'parts' in value ? (value.parts as object) : value;
    for (const [key, part] of Object.entries(inner)) {
      if (key === '' || key === '__proto__')
        throw new OptionError(`a part of the model cannot be called ${JSON.stringify(key)}: rename it`);
      into(part, path ? `${path}.${key}` : key);
    }
  };
  into(model, '');
}

/**
 * The parameters of a model, those that training changes, by the names of `namedVariables`.
 * @example
 * ```ts
 * import { nn, sum } from '2headgrad';
 * const model = { body: nn.linear(2, 2), head: nn.linear(2, 1) };
 * const count = [...nn.parameters(model).values()].reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
 * console.log(count); // 9
 * ```
 */
export function parameters(model: unknown): Map<string, Variable> {
  return new Map([...namedVariables(model)].filter(([, variable]) => variable.kind === 'parameter'));
}
