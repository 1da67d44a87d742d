/** A point of a curve; `y` is NaN where the curve is interrupted. */
export interface Point {
  x: number;
  y: number;
}

/**
 * At most about `points` of a long series that look like all of it: of each bucket of neighbours its lowest and
 * highest in the order in which they came, so that no spike is lost, and the first and the last point. A bucket
 * without any finite value becomes a gap. A series that is short enough comes back whole.
 */
export function thin(xs: ArrayLike<number>, ys: ArrayLike<number>, points = 1_200): Point[] {
  const n = xs.length;
  if (n <= points) return Array.from(xs, (x, i) => ({ x, y: finite(ys[i]) }));
  const buckets = Math.max(1, Math.floor(points / 2));
  const kept: Point[] = [];
  for (let bucket = 0; bucket < buckets; bucket++) {
    const from = Math.floor((bucket * n) / buckets);
    const to = Math.floor(((bucket + 1) * n) / buckets);
    for (const i of extremes(ys, from, to, bucket === 0, bucket === buckets - 1)) {
      kept.push({ x: xs[i], y: finite(ys[i]) });
    }
  }
  return kept;
}

function extremes(ys: ArrayLike<number>, from: number, to: number, first: boolean, last: boolean): number[] {
  let low = -1;
  let high = -1;
  for (let i = from; i < to; i++) {
    if (!Number.isFinite(ys[i])) continue;
    if (low < 0 || ys[i] < ys[low]) low = i;
    if (high < 0 || ys[i] > ys[high]) high = i;
  }
  const kept = new Set(low < 0 ? [from] : [low, high]);
  if (first) kept.add(from);
  if (last) kept.add(to - 1);
  return [...kept].sort((a, b) => a - b);
}

function finite(value: number): number {
  return Number.isFinite(value) ? value : Number.NaN;
}
