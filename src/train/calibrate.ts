import { DataError, OptionError } from '../errors.js';
import { type Batches, batchesOf } from './columns.js';
import { entryOf, type ProgramDescription } from './description.js';
import type { Columns, Engine, Numbers } from './engine.js';

/** Mean, and sum of squared deviations from it, of so many values of each feature. */
interface Moments {
  count: number;
  mean: Float64Array;
  squares: Float64Array;
}

/**
 * Sets the running statistics of every batch norm to those of what goes into it over all rows. Norms come one
 * after the other, since what goes into one depends on those before it: each is set before the next is looked at, so
 * that the model in use is the model in training on one batch of all rows.
 */
export function calibrate(engine: Engine, program: ProgramDescription, columns: Columns): void {
  const { calibration: norms = [], name } = program;
  if (norms.length === 0) throw new OptionError(`calibrate: ${name} has no batch norm`);
  const batches = batchesOf(entryOf(program, 'calibrate'), columns);
  const before = norms.flatMap(({ mean, variance }) =>
    [mean, variance].map((name) => [name, engine.read(name).slice()] as const),
  );
  try {
    for (const { mean, variance } of new Map(norms.map((norm) => [norm.mean, norm])).values()) {
      // A norm that stands in several places has the statistics of all of them.
      const uses = norms.flatMap((norm, i) =>
        norm.mean === mean ? [{ output: i, perRow: norm.perRow }] : [],
      );
      const found = momentsOf(engine, uses, batches);
      if (found.count < 2) throw new DataError('calibrate: a variance needs at least two rows');
      if (!found.squares.every(Number.isFinite) || !found.mean.every(Number.isFinite))
        throw new DataError(`calibrate: what goes into the batch norm of ${mean} is not finite`);
      engine.write(mean, found.mean);
      engine.write(
        variance,
        found.squares.map((s) => s / (found.count - 1)),
      );
    }
  } catch (error) {
    for (const [name, values] of before) engine.write(name, values);
    throw error;
  }
}

function momentsOf(
  engine: Engine,
  uses: readonly { output: number; perRow: number }[],
  batches: Batches,
): Moments {
  const { rows, size } = batches;
  let all: Moments | null = null;
  for (let start = 0; start < rows; start += size) {
    const real = Math.min(size, rows - start);
    const outputs = engine.statistics(batches.at(start));
    // What the copies of the last row add is found from a batch of nothing else, and taken off.
    const copies = real < size ? engine.statistics(batches.at(rows - 1)) : null;
    for (const { output, perRow } of uses) {
      let part = moments(outputs, output, size * perRow);
      if (copies) {
        const copied = moments(copies, output, size * perRow);
        const share = (size - real) / size;
        part = without(part, {
          count: copied.count * share,
          mean: copied.mean,
          squares: copied.squares.map((s) => s * share),
        });
      }
      all = all ? together(all, part) : part;
    }
  }
  return all!;
}

function moments(outputs: Record<string, Numbers>, output: number, count: number): Moments {
  const list = (name: string) => Float64Array.from(outputs[`${name}.${output}`]);
  return { count, mean: list('mean'), squares: list('squares') };
}

/** The moments of two groups as one. (Chan, Golub and LeVeque 1979, equations 2.1.) */
function together(a: Moments, b: Moments): Moments {
  const count = a.count + b.count;
  return {
    count,
    mean: a.mean.map((m, j) => m + ((b.mean[j] - m) * b.count) / count),
    squares: a.squares.map(
      (s, j) => s + b.squares[j] + ((b.mean[j] - a.mean[j]) ** 2 * a.count * b.count) / count,
    ),
  };
}

/** The same backwards: what is left of a group without a part of it. */
function without(all: Moments, part: Moments): Moments {
  const count = all.count - part.count;
  const mean = all.mean.map((m, j) => m + ((m - part.mean[j]) * part.count) / count);
  const between = (j: number) => ((part.mean[j] - mean[j]) ** 2 * count * part.count) / all.count;
  return { count, mean, squares: all.squares.map((s, j) => Math.max(0, s - part.squares[j] - between(j))) };
}
