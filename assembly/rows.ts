// Sums of the rows of one index. Positions of equal indices are chained in their order; a position is counted from 1,
// so that 0 ends a chain.

import { rowIndex, storeLanes } from './lanes';

/**
 * Chains the positions of each row of a table whose remainder by `digits`, a power of two, lies from `begin` to `end`;
 * heads: one for each row.
 */
export function chainRows(
  ids: usize,
  count: i32,
  rows: i32,
  digits: usize,
  begin: usize,
  end: usize,
  heads: usize,
  next: usize,
): void {
  memory.fill(heads, 0, 4 * rows);
  for (let i = count; i > 0; i--) {
    const row = rowIndex(ids + 4 * (i - 1), rows);
    if ((row & (digits - 1)) - begin >= end - begin) continue;
    const head = heads + 4 * row;
    store<i32>(next + 4 * (i - 1), load<i32>(head));
    store<i32>(head, i);
  }
}

/** Chains the positions of each index; heads: a hash table of `slots`, a power of two above twice the count. */
export function chainEqual(
  ids: usize,
  count: i32,
  slots: i32,
  heads: usize,
  next: usize,
  repeated: usize,
): void {
  memory.fill(heads, 0, 4 * slots);
  memory.fill(repeated, 0, count);
  for (let i = count; i > 0; i--) {
    const id = load<i32>(ids + 4 * (i - 1));
    let slot = mix(id) & (slots - 1);
    let later = load<i32>(heads + 4 * slot);
    while (later != 0 && load<i32>(ids + 4 * (later - 1)) != id) {
      slot = (slot + 1) & (slots - 1);
      later = load<i32>(heads + 4 * slot);
    }
    store<i32>(next + 4 * (i - 1), later);
    store<i32>(heads + 4 * slot, i);
    if (later != 0) store<u8>(repeated + later - 1, 1);
  }
}

/** Bits of an index spread over a word, so that no pattern of indices fills neighbouring slots (MurmurHash3). */
function mix(id: i32): i32 {
  let h = <u32>id;
  h = (h ^ (h >> 16)) * 0x85ebca6b;
  h = (h ^ (h >> 13)) * 0xc2b2ae35;
  return h ^ (h >> 16);
}

/**
 * The sum of the rows of a chain, block by block; `width` bytes lie between rows, of which `bytes` are summed. It may be
 * written over the chain's first row. Vectors at the end read what lies behind.
 */
export function sumChain(
  first: i32,
  next: usize,
  rows: usize,
  width: usize,
  bytes: usize,
  block: i32,
  to: usize,
): void {
  let j: usize = 0;
  for (; j + 64 <= bytes; j += 64) sumFour(first, next, rows + j, width, block, to + j);
  for (; j + 16 <= bytes; j += 16) v128.store(to + j, sumOne(first, next, rows + j, width, block));
  if (j < bytes) storeLanes(to + j, sumOne(first, next, rows + j, width, block), <i32>((bytes - j) >> 2));
}

/** A row of zeros: calling memory.fill costs as much as writing many short ones. */
export function zeroRow(to: usize, width: usize): void {
  let j: usize = 0;
  for (; j + 16 <= width; j += 16) v128.store(to + j, i32x4.splat(0));
  for (; j < width; j += 4) store<i32>(to + j, 0);
}

function sumOne(first: i32, next: usize, rows: usize, width: usize, block: i32): v128 {
  let total = f32x4.splat(0);
  while (first != 0) {
    let sum = f32x4.splat(0);
    for (let k = 0; k < block && first != 0; k++) {
      sum = f32x4.add(sum, v128.load(rows + <usize>(first - 1) * width));
      first = load<i32>(next + 4 * (first - 1));
    }
    total = f32x4.add(total, sum);
  }
  return total;
}

function sumFour(first: i32, next: usize, rows: usize, width: usize, block: i32, to: usize): void {
  let total0 = f32x4.splat(0);
  let total1 = total0;
  let total2 = total0;
  let total3 = total0;
  while (first != 0) {
    let sum0 = f32x4.splat(0);
    let sum1 = sum0;
    let sum2 = sum0;
    let sum3 = sum0;
    for (let k = 0; k < block && first != 0; k++) {
      const row = rows + <usize>(first - 1) * width;
      sum0 = f32x4.add(sum0, v128.load(row));
      sum1 = f32x4.add(sum1, v128.load(row, 16));
      sum2 = f32x4.add(sum2, v128.load(row, 32));
      sum3 = f32x4.add(sum3, v128.load(row, 48));
      first = load<i32>(next + 4 * (first - 1));
    }
    total0 = f32x4.add(total0, sum0);
    total1 = f32x4.add(total1, sum1);
    total2 = f32x4.add(total2, sum2);
    total3 = f32x4.add(total3, sum3);
  }
  v128.store(to, total0);
  v128.store(to, total1, 16);
  v128.store(to, total2, 32);
  v128.store(to, total3, 48);
}
