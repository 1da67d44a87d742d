import type { Digit } from '../kernels/kernel.js';
import { overRuns } from './index-map.js';
import { binary, block, define, instruction, library, load, range, sum } from './make.js';
import type { Expression, Statement } from './program.js';

/** Rows by vectors of four columns. */
export interface TileSize {
  readonly rows: number;
  readonly vectors: number;
}

/** Where rows of A are read in runs of k: which, and the step of k that a tile begins with. */
export interface Runs {
  readonly digits: readonly Digit[];
  readonly from: Expression;
}

/** Bytes between neighbours, written into the code as literals so that V8 keeps the addresses in registers. */
export interface TileStrides {
  /** Null: each row but the first has a pointer of its own. */
  readonly aRow: number | null;
  readonly aColumn: number;
  readonly bRow: number;
}

/** The variable that holds a vector of a tile. */
export function sumAt(row: number, vector: number): string {
  return `c${row}_${vector}`;
}

/**
 * The sums of a tile over k, in variables: at `a` starts its first row of A, at `b` its columns of B. Elements of A
 * are splatted, rows of B read as vectors, so A may lie in any order and B needs its columns side by side. One step a
 * turn, and the condition last: V8 keeps the addresses in registers only while the body is small.
 */
export function tileLoop(
  size: TileSize,
  strides: TileStrides,
  k: number | string,
  inRuns: Runs | null = null,
): Statement[] {
  const sums = sumsOf(size);
  if (k === 0) return sums;
  if (!inRuns) return [...sums, ...runLoop(size, strides, k)];
  // Pointers of the tile's parameters stay at the start of the rows.
  const pointers = rowPointers(size, strides);
  const runs = overRuns(inRuns.digits, inRuns.from, k, ({ place, steps: length }) => [
    block(
      ...pointers.map(
        (pointer): Statement => ({
          kind: 'let',
          name: `${pointer}_at`,
          value: sum(pointer, place),
          type: 'usize',
          mutable: true,
        }),
      ),
      ...runLoop(size, strides, length, '_at'),
    ),
  ]);
  return [...sums, ...runs];
}

/** Names of the pointers to a tile's rows of A. */
export function rowPointers({ rows }: TileSize, { aRow }: Pick<TileStrides, 'aRow'>): string[] {
  return Array.from({ length: aRow === null ? rows : 1 }, (_, r) => (r === 0 ? 'a' : `row${r}`));
}

function sumsOf({ rows, vectors }: TileSize): Statement[] {
  const sums: Statement[] = [];
  for (let r = 0; r < rows; r++)
    for (let v = 0; v < vectors; v++)
      sums.push({
        kind: 'let',
        name: sumAt(r, v),
        value: instruction('f32x4.splat', 0),
        mutable: true,
      });
  return sums;
}

/** One step: a column of A, from where pointers with this suffix are, by a row of B. */
function oneStep({ rows, vectors }: TileSize, { aRow }: TileStrides, suffix: string): Statement[] {
  const body: Statement[] = [];
  for (let v = 0; v < vectors; v++) body.push(define(`b${v}`, load('vector', 'b', 16 * v)));
  for (let r = 0; r < rows; r++) {
    const row = aRow === null && r > 0 ? `row${r}` : 'a';
    body.push(define(`a${r}`, load('splat', `${row}${suffix}`, aRow === null ? 0 : r * aRow)));
    for (let v = 0; v < vectors; v++) {
      const c = sumAt(r, v);
      body.push({ kind: 'set', name: c, value: library('multiplyAdd', `a${r}`, `b${v}`, c) });
    }
  }
  return body;
}

/** Steps whose elements of A lie one stride apart. */
function runLoop(size: TileSize, strides: TileStrides, k: Expression, suffix = ''): Statement[] {
  const { aColumn, bRow } = strides;
  const body = oneStep(size, strides, suffix);
  const pointers = rowPointers(size, strides).map((name) => `${name}${suffix}`);
  if (aColumn) for (const name of pointers) body.push({ kind: 'advance', name, by: aColumn });
  if (bRow) body.push({ kind: 'advance', name: 'b', by: bRow });
  const along = aColumn === 0 ? 'b' : pointers[0];
  const stride = aColumn === 0 ? bRow : aColumn;
  // Where neither operand moves the steps are alike, and counted.
  if (stride === 0) return [range('p', 0, k, 1, body)];
  const length: Expression = typeof k === 'number' ? k * stride : binary(k, '*', stride);
  return [define('end', sum(along, length)), { kind: 'repeat', body, while: binary(along, '<', 'end') }];
}
