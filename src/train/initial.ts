import { RandomStream, STREAMS } from '../random/philox.js';
import type { ProgramVariable } from './program.js';

/** First elements of every variable, in f32; each draws from a random stream of its own. */
export function initialValues(
  variables: readonly ProgramVariable[],
  seed: number,
): Map<string, Float32Array | Int32Array> {
  return new Map(
    variables.map(({ name, shape, dtype, variable }, index) => {
      const random = new RandomStream(seed, STREAMS.init + 256 * index);
      const values = variable.init(shape, random);
      return [name, dtype === 'f32' ? Float32Array.from(values) : Int32Array.from(values)];
    }),
  );
}
