import { batchesOf } from './columns.js';
import { entryOf, type ProgramDescription } from './description.js';
import type { Columns, Engine, Numbers } from './engine.js';
import type { Evaluated, MetricDescription } from './metrics.js';

/** The loss is put together as a metric is. */
const LOSS: MetricDescription = { by: 'mean', one: true };

/** The loss and the metrics of a step over all rows, in float64. */
export function evaluateRows(engine: Engine, program: ProgramDescription, columns: Columns): Evaluated {
  const { metrics = {} } = program;
  const { rows, size, at } = batchesOf(entryOf(program, 'evaluate'), columns);
  const all = Object.entries({ loss: LOSS, ...metrics });
  const totals = new Map<string, Float64Array>();
  const add = (name: string, value: (i: number) => number, length: number) => {
    let total = totals.get(name);
    if (!total) totals.set(name, (total = new Float64Array(length)));
    for (let i = 0; i < length; i++) total[i] += value(i);
  };
  let start = 0;
  for (; start + size <= rows; start += size) {
    const made = engine.evaluate(at(start));
    for (const [name, { by }] of all) {
      const values = made[name];
      add(name, by === 'mean' ? (i) => values[i] * size : (i) => values[i], values.length);
    }
  }
  const rest = rows - start;
  if (rest > 0) {
    // The last batch is filled with copies of the last row, whose own part is then taken off again.
    const copies = copied(engine.evaluate(at(rows - 1)));
    const made = engine.evaluate(at(start));
    const more = size - rest;
    for (const [name, { by }] of all) {
      const [values, last] = [made[name], copies[name]];
      const value =
        by === 'mean'
          ? (i: number) => values[i] * size - last[i] * more
          : (i: number) => values[i] - (last[i] * more) / size;
      add(name, value, values.length);
    }
  }
  const results = all.map(([name, { by, one }]) => {
    const total = totals.get(name)!;
    if (by === 'mean') for (let i = 0; i < total.length; i++) total[i] /= rows;
    return [name, one ? total[0] : total];
  });
  return Object.fromEntries(results) as Evaluated;
}

/** An engine's outputs may be views of its memory. */
const copied = (made: Record<string, Numbers>) =>
  Object.fromEntries(Object.entries(made).map(([name, values]) => [name, values.slice()]));
