import { batchesOf } from './columns.js';
import { entryOf, type ProgramDescription } from './description.js';
import type { Columns, Engine } from './engine.js';
import type { Evaluated, MetricDescription } from './metrics.js';

/** The loss is put together as a metric is. */
const LOSS: MetricDescription = { by: 'mean', one: true };

type Made = Readonly<Record<string, number | ArrayLike<number>>>;

/** The loss and the metrics of some rows, from those of their pieces, in float64. */
export class Totals {
  private readonly all: [string, MetricDescription, Float64Array | null][];

  constructor({ metrics = {} }: Pick<ProgramDescription, 'metrics'>) {
    this.all = Object.entries({ loss: LOSS, ...metrics }).map(([name, metric]) => [name, metric, null]);
  }

  /** `weigh`: what a value of a piece counts in all, which means are later divided by the rows of. */
  add(made: Made, weigh: (by: MetricDescription['by'], value: number, name: string, i: number) => number) {
    for (const entry of this.all) {
      const [name, { by }] = entry;
      const given = made[name];
      const values = typeof given === 'number' ? [given] : given;
      const total = entry[2] ?? new Float64Array(values.length);
      for (let i = 0; i < total.length; i++) total[i] += weigh(by, values[i], name, i);
      entry[2] = total;
    }
  }

  of(rows: number): Evaluated {
    const results = this.all.map(([name, { by, one }, total]) => {
      const values = by === 'mean' ? total!.map((x) => x / rows) : total!;
      return [name, one ? values[0] : values];
    });
    return Object.fromEntries(results) as Evaluated;
  }
}

/** The loss and the metrics of a step over all rows. */
export function evaluateRows(engine: Engine, program: ProgramDescription, columns: Columns): Evaluated {
  const { rows, size, at } = batchesOf(entryOf(program, 'evaluate'), columns);
  const totals = new Totals(program);
  let start = 0;
  for (; start + size <= rows; start += size)
    totals.add(engine.evaluate(at(start)), (by, value) => (by === 'mean' ? value * size : value));
  const rest = rows - start;
  if (rest > 0) {
    // The last batch is filled with copies of the last row, whose own part is then taken off again.
    const copies = engine.evaluate(at(rows - 1));
    const more = size - rest;
    totals.add(engine.evaluate(at(start)), (by, value, name, i) => {
      const copy = copies[name][i];
      const whole = by === 'mean' ? value * size : value;
      // A last row without a finite number makes all of it so; Infinity less Infinity would be no number.
      return Number.isFinite(copy) ? whole - (by === 'mean' ? copy : copy / size) * more : whole;
    });
  }
  return totals.of(rows);
}
