import { shown } from '../check.js';
import { OptionError } from '../errors.js';
import { type Initializer, interpreter, type Tensor, Variable } from '../ops/tensor.js';
import { checkShape, type DType, type Shape } from '../shape.js';

/** A layer: a function of a tensor that owns variables. `parts` names them and the layers inside. */
export interface Module {
  (x: Tensor): Tensor;
  readonly parts: Readonly<Record<string, unknown>>;
}

/** Makes a layer from its parts (variables, layers, or arrays and objects of them) and what it computes. */
export function layer(parts: Record<string, unknown>, forward: (x: Tensor) => Tensor): Module {
  if (typeof parts !== 'object' || parts === null)
    throw new OptionError(`layer: expected an object of parts first, got ${shown(parts)}`);
  if (typeof forward !== 'function')
    throw new OptionError(`layer: expected a function of a tensor second, got ${shown(forward)}`);
  const module: Module = Object.assign(
    (x: Tensor) => {
      const by = interpreter();
      return by.observe ? by.observe(module, () => forward(x)) : forward(x);
    },
    { parts },
  );
  return module;
}

/** A tensor that training changes: the loss is differentiated with respect to it. */
export function parameter(shape: Shape, init: Initializer): Variable {
  checkShape('parameter', shape);
  return new Variable('parameter', shape, 'f32', init);
}

/** A tensor that outlives the step but has no gradient; it changes through `assign`. */
export function state(shape: Shape, init: Initializer, dtype: DType = 'f32'): Variable {
  checkShape('state', shape);
  return new Variable('state', shape, dtype, init);
}

/**
 * Every variable of a model (a layer, a variable, or nested objects and arrays of them) by its path:
 * `layers.0.weight`. A variable that stands in two places keeps its first name.
 */
export function namedVariables(model: unknown): Map<string, Variable> {
  const names = new Map<string, Variable>();
  walk(model, (part, path) => {
    if (part instanceof Variable) names.set(path || part.kind, part);
  });
  return names;
}

/** The path of every layer of a model: `layers.0`, and '' for the model itself if it is one. */
export function layerPaths(model: unknown): Map<object, string> {
  const paths = new Map<object, string>();
  walk(model, (part, path) => {
    if (typeof part === 'function' && 'parts' in part) paths.set(part, path);
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
    if (value instanceof Variable) return;
    const inner = 'parts' in value ? (value.parts as object) : value;
    for (const [key, part] of Object.entries(inner)) into(part, path ? `${path}.${key}` : key);
  };
  into(model, '');
}

/** The parameters of a model, those that training changes, by the names of `namedVariables`. */
export function parameters(model: unknown): Map<string, Variable> {
  return new Map([...namedVariables(model)].filter(([, variable]) => variable.kind === 'parameter'));
}
