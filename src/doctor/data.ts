import type { Graph } from '../graph/graph.js';
import { RandomStream, randomIndex, STREAMS } from '../random/philox.js';
import { numel } from '../shape.js';
import { checkColumns } from '../train/columns.js';
import { describeEntry } from '../train/description.js';
import type { Columns, Numbers } from '../train/engine.js';
import { tooFewRows } from '../train/refusals.js';

export interface Dataset {
  readonly columns: Readonly<Record<string, Numbers>>;
  readonly rows: number;
}

export type Batch = Record<string, Numbers>;

/** The data as a session takes it, with the same errors; but Infinity in it is a finding. */
export function datasetOf(graph: Graph, data: Columns, batchSize: number): Dataset {
  const { checked, rows } = checkColumns(describeEntry(graph), data, undefined, 'infinity');
  if (rows < batchSize) throw tooFewRows(rows, batchSize);
  return { columns: checked, rows };
}

/** The batch that a step (the first is 0) of a training with this seed draws, of `size` rows. */
export function batchOf(
  graph: Graph,
  { columns, rows }: Dataset,
  size: number,
  seed: number,
  step = 0,
): Batch {
  const picked = Array.from({ length: size }, (_, i) => randomIndex(seed, STREAMS.batch, step, i, rows));
  return Object.fromEntries(
    describeEntry(graph).inputs.map(({ name, shape }) => {
      const all = columns[name];
      const width = numel(shape.slice(1));
      const part = new (all.constructor as new (n: number) => Numbers)(numel(shape));
      picked.forEach((row, i) => {
        part.set(all.subarray(row * width, (row + 1) * width), i * width);
      });
      return [name, part];
    }),
  );
}

/**
 * A batch out of nothing: tokens that are evenly distributed below their bound, and, if `anything` goes, normal
 * floats and zeros for whole numbers without a bound. Else null where an input is no token: nobody knows its scale.
 */
export function randomBatch(graph: Graph, seed: number, anything: boolean): Batch | null {
  const batch: Batch = {};
  for (const [at, { name, shape, dtype, bound }] of describeEntry(graph).inputs.entries()) {
    const random = new RandomStream(seed, STREAMS.sample + 256 * at);
    const fill = <T extends Numbers>(out: T, element: (i: number) => number) => {
      for (let i = 0; i < out.length; i++) out[i] = element(i);
      return out;
    };
    if (dtype === 'i32' && bound !== undefined)
      batch[name] = fill(new Int32Array(numel(shape)), (i) => Math.floor(random.uniform(i) * bound.size));
    else if (!anything) return null;
    else if (dtype === 'i32') batch[name] = new Int32Array(numel(shape));
    else batch[name] = fill(new Float64Array(numel(shape)), (i) => random.normal(i));
  }
  return batch;
}
