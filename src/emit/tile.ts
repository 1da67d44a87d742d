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
export function sum(row: number, vector: number): string {
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
): string[] {
  const lines: string[] = [];
  for (let r = 0; r < rows; r++)
    for (let v = 0; v < vectors; v++) lines.push(`let ${sum(r, v)} = f32x4.splat(0);`);
  if (k === 0) return lines;
  const along = aColumn === 0 ? 'b' : 'a';
  const stride = aColumn === 0 ? bRow : aColumn;
  // Where neither operand moves the steps are alike, and counted.
  const counted = stride === 0;
  if (counted) lines.push(`for (let p: usize = 0; p < ${k}; p++) {`);
  else
    lines.push(`const end = ${along} + ${typeof k === 'number' ? k * stride : `${k} * ${stride}`};`, 'do {');
  for (let v = 0; v < vectors; v++) lines.push(`const b${v} = v128.load(b${v ? `, ${16 * v}` : ''});`);
  for (let r = 0; r < rows; r++) {
    lines.push(`const a${r} = v128.load32_splat(a${r && aRow ? `, ${r * aRow}` : ''});`);
    for (let v = 0; v < vectors; v++) lines.push(`${sum(r, v)} = multiplyAdd(a${r}, b${v}, ${sum(r, v)});`);
  }
  if (aColumn) lines.push(`a += ${aColumn};`);
  if (bRow) lines.push(`b += ${bRow};`);
  lines.push(counted ? '}' : `} while (${along} < end);`);
  return lines;
}
