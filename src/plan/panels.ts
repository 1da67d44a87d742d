import { numel, type Shape } from '../shape.js';

/**
 * How the elements of a matrix lie in memory. Row by row; or in panels: its columns in groups of `panels`, each group row by
 * row, one group after the other. The last is filled up with columns that nobody reads.
 */
export interface Lying {
  readonly shape: Shape;
  readonly panels?: number;
}

/** Elements that it takes in memory. */
export function elementsIn({ shape, panels }: Lying): number {
  if (panels === undefined) return numel(shape);
  const [rows, columns] = shape;
  return rows * panels * Math.ceil(columns / panels);
}

/** Whether something can be `panels` of a matrix. */
export function isWidth(panels: unknown, shape: Shape): panels is number | undefined {
  if (panels === undefined) return true;
  return Number.isSafeInteger(panels) && Number(panels) > 0 && Number(panels) % 4 === 0 && shape.length === 2;
}

interface Elements {
  readonly length: number;
  [element: number]: number;
}

/** Puts elements that come row by row where they lie. */
export function pack(from: ArrayLike<number>, { shape, panels }: Required<Lying>, to: Elements): void {
  eachRun(shape, panels, (row, run, length) => {
    for (let i = 0; i < length; i++) to[run + i] = from[row + i];
  });
}

/** Takes elements from where they lie, to have them row by row. */
export function unpack(from: ArrayLike<number>, { shape, panels }: Required<Lying>, to: Elements): void {
  eachRun(shape, panels, (row, run, length) => {
    for (let i = 0; i < length; i++) to[row + i] = from[run + i];
  });
}

/** What lies side by side both ways: where it begins among the rows, where in memory, and how many elements that are. */
function eachRun(
  [rows, columns]: Shape,
  panels: number,
  see: (row: number, run: number, length: number) => void,
): void {
  let run = 0;
  for (let first = 0; first < columns; first += panels) {
    const length = Math.min(panels, columns - first);
    for (let row = 0; row < rows; row++, run += panels) see(row * columns + first, run, length);
  }
}
