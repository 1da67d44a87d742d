import { batchesOf } from './columns.js';
import { termsIn } from './count-names.js';
import { entryOf, type ProgramDescription } from './description.js';
import type { Columns, Engine } from './engine.js';
import type { Evaluated, MetricDescription } from './metrics.js';

/** The loss is put together as a metric is. */
const LOSS: MetricDescription = { by: 'mean', one: true };

type Made = Readonly<Record<string, ArrayLike<number>>>;

/** A value, or a term of one, over all that was added. */
interface Sum extends MetricDescription {
  readonly value: string;
  /** The output that says how much counts, where that is not the rows. */
  readonly count: string | null;
  total: Float64Array | null;
  /** How much has counted. */
  counted: number;
}

/** The loss and the metrics of some rows, from those of their batches, in float64. */
export class Totals {
  private readonly all: readonly { readonly name: string; readonly sums: readonly Sum[] }[];

  constructor(program: ProgramDescription) {
    const outputs = new Set(entryOf(program, 'evaluate').outputs.map(({ name }) => name));
    this.all = Object.entries({ loss: LOSS, ...program.metrics }).map(([name, metric]) => ({
      name,
      sums: termsIn(name, outputs).map((term) => ({ ...metric, ...term, total: null, counted: 0 })),
    }));
  }

  /**
   * A batch of `size` rows, of which the last `more` are copies of one row that nobody asked for: `copies` is what a batch of that
   * row alone gives, and the part of it that is theirs is taken off again.
   */
  add(made: Made, size: number, copies?: Made, more = 0): void {
    for (const { sums } of this.all)
      for (const sum of sums) {
        const whole = countOf(sum, made, size);
        const copied = copies ? countOf(sum, copies, size) : 0;
        sum.total ??= new Float64Array(made[sum.value].length);
        for (let i = 0; i < sum.total.length; i++) {
          const all = shareOf(sum, made[sum.value][i], whole);
          const theirs = copies ? (shareOf(sum, copies[sum.value][i], copied) * more) / size : 0;
          // A last row without a finite number makes all of it so; Infinity less Infinity would be no number.
          sum.total[i] += Number.isFinite(theirs) ? all - theirs : all;
        }
        sum.counted += whole - (copied * more) / size;
      }
  }

  /** Adds those of other rows. */
  merge({ all }: Totals): void {
    this.all.forEach(({ sums }, at) => {
      sums.forEach((sum, i) => {
        const other = all[at].sums[i];
        sum.total ??= new Float64Array(other.total?.length ?? 0);
        for (let j = 0; j < sum.total.length; j++) sum.total[j] += other.total![j];
        sum.counted += other.counted;
      });
    });
  }

  result(): Evaluated {
    const results = this.all.map(({ name, sums }) => {
      const parts = sums.map(({ by, total, counted }) =>
        by === 'mean' ? total!.map((x) => x / counted) : total!,
      );
      const values = parts.reduce((sum, part) => sum.map((x, i) => x + part[i]));
      return [name, sums[0].one ? values[0] : values];
    });
    return Object.fromEntries(results) as Evaluated;
  }
}

/** How much of a batch counts. */
const countOf = ({ count }: Sum, made: Made, size: number): number =>
  count === null ? size : made[count][0];

/** What a value adds to the sum; where nothing counts, it is no number. */
function shareOf({ by }: Sum, value: number, counted: number): number {
  if (by === 'sum') return value;
  return counted === 0 ? 0 : value * counted;
}

/** The loss and the metrics of a step over all rows. */
export function evaluateRows(engine: Engine, program: ProgramDescription, columns: Columns): Totals {
  const { rows, size, at } = batchesOf(entryOf(program, 'evaluate'), columns);
  const totals = new Totals(program);
  let start = 0;
  for (; start + size <= rows; start += size) totals.add(engine.evaluate(at(start)), size);
  const more = start + size - rows;
  // The last batch is filled with copies of the last row.
  if (more < size) totals.add(engine.evaluate(at(start)), size, engine.evaluate(at(rows - 1)), more);
  return totals;
}
