import { shown } from '../check.js';
import { OptionError } from '../errors.js';
import { elementsOf } from '../init/fill.js';
import { RandomStream, STREAMS } from '../random/philox.js';
import { formatShape, holds, numel, type TensorType } from '../shape.js';
import type { VariableDescription } from './description.js';
import type { ProgramVariable } from './program.js';

type Values = Float32Array | Int32Array;
type Described = TensorType & Pick<VariableDescription, 'name' | 'role'>;

/** First elements of every variable; each draws from a random stream of its own. */
export function initialValues(variables: readonly ProgramVariable[], seed: number): Map<string, Values> {
  return new Map(
    variables.map((v, index) => {
      const random = new RandomStream(seed, streamOf(index));
      return [v.name, typed(v, v.variable.init(v.shape, random))];
    }),
  );
}

/** The same elements made from a description; without those of variables that have no fill. */
export function describedValues(
  variables: readonly VariableDescription[],
  seed: number,
): Map<string, Values> {
  return new Map(
    variables.flatMap((v) => {
      if (!v.fill) return [];
      const elements = elementsOf(v.fill, v.shape, new RandomStream(seed, v.stream));
      return [[v.name, typed(v, elements)] as const];
    }),
  );
}

/** The stream that a program's variable of this place draws from. */
export function streamOf(index: number): number {
  return STREAMS.init + 256 * index;
}

function typed({ name, role, dtype, shape }: Described, elements: ArrayLike<number>): Values {
  const what = `the initializer of ${name}`;
  if (typeof elements !== 'object' || elements === null)
    throw new OptionError(`${what} gives ${shown(elements)}, not its elements: call it, as in init.normal()`);
  if (elements.length !== numel(shape))
    throw new OptionError(`${what} gives ${elements.length} elements for ${formatShape(shape)}`);
  const values = dtype === 'f32' ? Float32Array.from(elements) : Int32Array.from(elements);
  for (let i = 0; i < values.length; i++) {
    // Infinity has its use in a state that masks.
    const fits = dtype === 'f32' ? isSound(values[i], elements[i], role) : holds(dtype, elements[i]);
    if (!fits) throw new OptionError(`${what} gives ${elements[i]} at position ${i}, which is no ${dtype}`);
  }
  return values;
}

function isSound(x: number, given: number, role: Described['role']): boolean {
  return Number.isFinite(x) || (role === 'state' && x === given && !Number.isNaN(x));
}
