import { binary, define, instruction, library, load, range, sum } from './make.js';
import type { Expression, Statement } from './program.js';

/** Rows by vectors of four columns. */
export interface TileSize {
  readonly rows: number;
  readonly vectors: number;
}

/** Bytes between neighbours, written into the code as literals so that V8 keeps the addresses in registers. */
export interface TileStrides {
  readonly aRow: number;
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
  { rows, vectors }: TileSize,
  { aRow, aColumn, bRow }: TileStrides,
  k: number | string,
): Statement[] {
  const sums: Statement[] = [];
  for (let r = 0; r < rows; r++)
    for (let v = 0; v < vectors; v++)
      sums.push({
        kind: 'let',
        name: sumAt(r, v),
        value: instruction('f32x4.splat', 0),
        mutable: true,
      });
  if (k === 0) return sums;
  const body: Statement[] = [];
  for (let v = 0; v < vectors; v++) body.push(define(`b${v}`, load('vector', 'b', 16 * v)));
  for (let r = 0; r < rows; r++) {
    body.push(define(`a${r}`, load('splat', 'a', r * aRow)));
    for (let v = 0; v < vectors; v++) {
      const c = sumAt(r, v);
      body.push({ kind: 'set', name: c, value: library('multiplyAdd', `a${r}`, `b${v}`, c) });
    }
  }
  if (aColumn) body.push({ kind: 'advance', name: 'a', by: aColumn });
  if (bRow) body.push({ kind: 'advance', name: 'b', by: bRow });
  const along = aColumn === 0 ? 'b' : 'a';
  const stride = aColumn === 0 ? bRow : aColumn;
  // Where neither operand moves the steps are alike, and counted.
  if (stride === 0) return [...sums, range('p', 0, k, 1, body)];
  const length: Expression = typeof k === 'number' ? k * stride : binary(k, '*', stride);
  return [
    ...sums,
    define('end', sum(along, length)),
    { kind: 'repeat', body, while: binary(along, '<', 'end') },
  ];
}
