import { elementsOf } from '../init/fill.js';
import { RandomStream, STREAMS } from '../random/philox.js';
import type { TensorType } from '../shape.js';
import type { VariableDescription } from './description.js';
import type { ProgramVariable } from './program.js';

type Values = Float32Array | Int32Array;

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

function typed({ dtype }: TensorType, elements: ArrayLike<number>): Values {
  return dtype === 'f32' ? Float32Array.from(elements) : Int32Array.from(elements);
}
