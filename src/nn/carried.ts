import { DTypeError, ShapeError } from '../errors.js';
import * as init from '../init/init.js';
import { notEqual, where } from '../ops/compare.js';
import { reshape } from '../ops/movement.js';
import { type Tensor, toTensor, type Variable } from '../ops/tensor.js';
import { formatShape, formatType } from '../shape.js';
import { state } from './module.js';

/** What recurrent layers carry from one batch to the next. */
export interface CarriedState {
  /** For each layer what it carries, each f32[batch, hidden]. */
  readonly own: readonly (readonly Variable[])[];
  /** What the last batch left, and zeros in the rows that begin anew. */
  read(batch: number, begins: Tensor | undefined): Tensor[][];
  keep(last: readonly (readonly Tensor[])[]): void;
}

export function carriedState({
  name,
  carries,
  count,
  batch,
  hidden,
}: {
  name: string;
  carries: number;
  count: number;
  batch: number;
  hidden: number;
}): CarriedState {
  const own = Array.from({ length: count }, () =>
    Array.from({ length: carries }, () => state([batch, hidden], init.zeros)),
  );
  return {
    own,
    read(rows, begins) {
      if (rows !== batch)
        throw new ShapeError(
          `${name}: it carries the state of ${batch} rows, and x has ${rows}: give stateful: ${rows}`,
        );
      const anew = begins === undefined ? null : checkBegins(name, begins, batch);
      return own.map((list) => list.map((h) => (anew ? where(anew, 0, toTensor(h)) : toTensor(h))));
    },
    keep(last) {
      last.forEach((list, i) => {
        list.forEach((h, j) => {
          own[i][j].assign(h);
        });
      });
    },
  };
}

/** Which rows begin anew, bool[batch, 1]. */
function checkBegins(name: string, begins: Tensor, batch: number): Tensor {
  const t = toTensor(begins);
  if (t.dtype === 'f32')
    throw new DTypeError(`${name}: begins must be i32 or bool[${batch}], not ${formatType(t)}`);
  if (formatShape(t.shape) !== formatShape([batch]))
    throw new ShapeError(
      `${name}: begins must have one number a row, [${batch}], not ${formatShape(t.shape)}`,
    );
  return reshape(t.dtype === 'bool' ? t : notEqual(t, 0), [batch, 1]);
}
