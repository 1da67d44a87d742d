// Loads, stores and folds of the four lanes of a vector.

/** The sum of the lanes in every lane, always added in the same order. */
// @ts-ignore: decorator
@inline
export function sumLanes(x: v128): v128 {
  const pairs = f32x4.add(x, v128.shuffle<f32>(x, x, 2, 3, 0, 1));
  return f32x4.add(pairs, v128.shuffle<f32>(pairs, pairs, 1, 0, 3, 2));
}

/** What rounding took from a + b to make it `sum` (Knuth's two-sum), exactly; nothing where that is not finite. */
// @ts-ignore: decorator
@inline
export function lostIn(a: v128, b: v128, sum: v128): v128 {
  const part = f32x4.sub(sum, a);
  const lost = f32x4.add(f32x4.sub(a, f32x4.sub(sum, part)), f32x4.sub(b, part));
  return v128.and(lost, f32x4.eq(lost, lost));
}

/**
 * Adds sums to their totals, which lie `size` bytes behind them, with what that loses as far behind these, and clears
 * the sums.
 */
export function addToTotals(sums: usize, bytes: usize, size: usize): void {
  for (const end = sums + bytes; sums < end; sums += 16) {
    const before = v128.load(sums + size);
    const block = f32x4.add(v128.load(sums), v128.load(sums + 2 * size));
    const total = f32x4.add(before, block);
    v128.store(sums + size, total);
    v128.store(sums + 2 * size, lostIn(before, block, total));
    v128.store(sums, f32x4.splat(0));
  }
}

/** Puts the totals in the place of the sums. */
export function takeTotals(sums: usize, bytes: usize, size: usize): void {
  for (const end = sums + bytes; sums < end; sums += 16)
    v128.store(sums, f32x4.add(v128.load(sums + size), v128.load(sums + 2 * size)));
}

/** Adds floats to those at another place: so many bytes, a multiple of 16. */
export function addFloats(to: usize, from: usize, bytes: usize): void {
  for (const end = to + bytes; to < end; to += 16, from += 16)
    v128.store(to, f32x4.add(v128.load(to), v128.load(from)));
}

// @ts-ignore: decorator
@inline
export function maxLanes(x: v128): v128 {
  const pairs = f32x4.max(x, v128.shuffle<f32>(x, x, 2, 3, 0, 1));
  return f32x4.max(pairs, v128.shuffle<f32>(pairs, pairs, 1, 0, 3, 2));
}

/** The largest lane that is a number. */
// @ts-ignore: decorator
@inline
export function nanmaxLanes(x: v128): v128 {
  const pairs = f32x4.pmax(x, v128.shuffle<f32>(x, x, 2, 3, 0, 1));
  return f32x4.pmax(pairs, v128.shuffle<f32>(pairs, pairs, 1, 0, 3, 2));
}

// @ts-ignore: decorator
@inline
export function sumLanesI32(x: v128): v128 {
  const pairs = i32x4.add(x, v128.shuffle<i32>(x, x, 2, 3, 0, 1));
  return i32x4.add(pairs, v128.shuffle<i32>(pairs, pairs, 1, 0, 3, 2));
}

// @ts-ignore: decorator
@inline
export function maxLanesI32(x: v128): v128 {
  const pairs = i32x4.max_s(x, v128.shuffle<i32>(x, x, 2, 3, 0, 1));
  return i32x4.max_s(pairs, v128.shuffle<i32>(pairs, pairs, 1, 0, 3, 2));
}

/** Lanes below n are all ones. */
// @ts-ignore: decorator
@inline
export function firstLanes(n: i32): v128 {
  return i32x4.lt_s(i32x4(0, 1, 2, 3), i32x4.splat(n));
}

/** n elements, `stride` bytes apart; the other lanes are 0. n is a literal wherever this is called. */
// @ts-ignore: decorator
@inline
export function loadStrided(from: usize, stride: usize, n: i32): v128 {
  let x = v128.load32_zero(from);
  if (n > 1) x = v128.load32_lane(from + stride, x, 1);
  if (n > 2) x = v128.load32_lane(from + 2 * stride, x, 2);
  if (n > 3) x = v128.load32_lane(from + 3 * stride, x, 3);
  return x;
}

/** Writes the first n lanes, 1 to 4. */
// @ts-ignore: decorator
@inline
export function storeLanes(to: usize, x: v128, n: i32): void {
  if (n == 4) {
    v128.store(to, x);
    return;
  }
  if (n >= 2) v128.store64_lane(to, x, 0);
  if (n == 1) v128.store32_lane(to, x, 0);
  if (n == 3) v128.store32_lane(to + 8, x, 2);
}

/** The row that an index names, kept inside of the table whatever the index is. */
// @ts-ignore: decorator
@inline
export function rowIndex(index: usize, rows: i32): usize {
  const id = load<i32>(index);
  return <usize>min<i32>(max<i32>(id, 0), rows - 1);
}

/** One element from each of n rows: `stride` bytes between the indices, `width` bytes in a row. */
// @ts-ignore: decorator
@inline
export function gatherLanes(table: usize, width: usize, rows: i32, index: usize, stride: usize, n: i32): v128 {
  let x = v128.load32_zero(table + rowIndex(index, rows) * width);
  if (n > 1) x = v128.load32_lane(table + rowIndex(index + stride, rows) * width, x, 1);
  if (n > 2) x = v128.load32_lane(table + rowIndex(index + 2 * stride, rows) * width, x, 2);
  if (n > 3) x = v128.load32_lane(table + rowIndex(index + 3 * stride, rows) * width, x, 3);
  return x;
}
