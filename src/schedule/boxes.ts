import type { Box } from '../kernels/kernel.js';
import { numel } from '../shape.js';

/** The blocks of a block that none of some others takes up. */
export function around({ starts, shape }: Box, taken: readonly Box[]): Box[] {
  return taken.reduce((rest: Box[], box) => rest.flatMap((r) => outside(r, box)), [{ starts, shape }]);
}

/** What of a block lies outside of another: in front of it and behind it, axis by axis. */
function outside(of: Box, hole: Box): Box[] {
  const found: Box[] = [];
  let { starts, shape } = of;
  const cut = (axis: number, from: number, to: number): Box => ({
    starts: starts.with(axis, from),
    shape: shape.with(axis, Math.max(0, to - from)),
  });
  for (const axis of shape.keys()) {
    const [from, to] = [starts[axis], starts[axis] + shape[axis]];
    const first = Math.min(to, Math.max(from, hole.starts[axis]));
    const last = Math.max(first, Math.min(to, hole.starts[axis] + hole.shape[axis]));
    found.push(cut(axis, from, first), cut(axis, last, to));
    ({ starts, shape } = cut(axis, first, last));
  }
  return found.filter((box) => numel(box.shape) > 0);
}
