import type { Shape } from '../shape.js';

/** Axes of two shapes that hold the same elements: those of `from` became those of `to`, in row-major order. */
export interface AxisGroup {
  readonly from: readonly number[];
  readonly to: readonly number[];
}

/** The finest groups of axes that a reshape splits or joins; an axis of size 1 may stand alone on one side. */
export function axisGroups(from: Shape, to: Shape): AxisGroup[] {
  if (from.includes(0)) return [{ from: [...from.keys()], to: [...to.keys()] }];
  const groups: AxisGroup[] = [];
  let [i, j] = [0, 0];
  while (i < from.length || j < to.length) {
    const [i0, j0] = [i, j];
    if (from[i] === 1) i++;
    else if (to[j] === 1) j++;
    else {
      let [a, b] = [from[i++], to[j++]];
      while (a !== b) {
        if (a < b) a *= from[i++];
        else b *= to[j++];
      }
    }
    groups.push({ from: range(i0, i), to: range(j0, j) });
  }
  return groups;
}

/** The axes before a reshape that became `axes`, or undefined where they are but a part of a split or joined axis. */
export function axesBefore(groups: readonly AxisGroup[], axes: readonly number[]): number[] | undefined {
  const chosen = groups.filter((group) => group.to.some((axis) => axes.includes(axis)));
  return chosen.every((group) => group.to.every((axis) => axes.includes(axis)))
    ? chosen.flatMap((group) => group.from)
    : undefined;
}

/**
 * The shape that broadcasts against `from` as `shape` (of the rank of `to`) does against `to`, with the same
 * elements in the same order; undefined where it is repeated along but a part of a split or joined axis.
 */
export function shapeBefore(
  groups: readonly AxisGroup[],
  from: Shape,
  to: Shape,
  shape: Shape,
): Shape | undefined {
  const before = new Array<number>(from.length).fill(1);
  for (const group of groups) {
    if (group.to.every((axis) => shape[axis] === 1)) continue;
    if (group.to.some((axis) => shape[axis] !== to[axis])) return undefined;
    for (const axis of group.from) before[axis] = from[axis];
  }
  return before;
}

function range(start: number, end: number): number[] {
  return Array.from({ length: end - start }, (_, i) => start + i);
}
