// @ts-nocheck: decorators on functions are AssemblyScript; asc checks this file.
/**
 * Philox-4x32-10 and Philox-2x32-10: Salmon, Moraes, Dror, Shaw, Parallel random numbers: as easy as 1, 2, 3, SC 2011.
 * Counter-based: word w of draw c under key k is a pure function, so threads share nothing and any draw can be
 * had at once. src/random/philox.ts gives the same bits in TypeScript.
 */

// Multipliers and key increments (golden ratio, sqrt(3) - 1) of the paper's section 4.
@inline const MULTIPLIER_0: u64 = 0xd2511f53;
@inline const MULTIPLIER_1: u64 = 0xcd9e8d57;
@inline const WEYL_0: u32 = 0x9e3779b9;
@inline const WEYL_1: u32 = 0xbb67ae85;

/** Stores the four words of counter (c0, c1, c2, c3) under key (key0, key1) at `out`. */
export function philox(key0: u32, key1: u32, c0: u32, c1: u32, c2: u32, c3: u32, out: usize): void {
  for (let round = 0; round < 10; round++) {
    const p0 = MULTIPLIER_0 * <u64>c0;
    const p1 = MULTIPLIER_1 * <u64>c2;
    c0 = <u32>(p1 >> 32) ^ c1 ^ key0;
    c2 = <u32>(p0 >> 32) ^ c3 ^ key1;
    c1 = <u32>p1;
    c3 = <u32>p0;
    key0 += WEYL_0;
    key1 += WEYL_1;
  }
  store<u32>(out, c0);
  store<u32>(out, c1, 4);
  store<u32>(out, c2, 8);
  store<u32>(out, c3, 12);
}

/** Word 0 of `philox`, without memory. */
export function philoxFirst(key0: u32, key1: u32, c0: u32, c1: u32, c2: u32, c3: u32): u32 {
  for (let round = 0; round < 10; round++) {
    const p0 = MULTIPLIER_0 * <u64>c0;
    const p1 = MULTIPLIER_1 * <u64>c2;
    c0 = <u32>(p1 >> 32) ^ c1 ^ key0;
    c2 = <u32>(p0 >> 32) ^ c3 ^ key1;
    c1 = <u32>p1;
    c3 = <u32>p0;
    key0 += WEYL_0;
    key1 += WEYL_1;
  }
  return c0;
}

/**
 * Integer in [0, bound), bound >= 1: the high half of bound times a 32-bit word. Its bias is at most
 * bound / 2^32, and unlike rejection it always takes one draw.
 */
export function randomIndex(seed: u32, stream: u32, step: u32, i: u32, bound: u32): u32 {
  return <u32>((<u64>philoxFirst(seed, 0, i, step, stream, 0) * <u64>bound) >> 32);
}

@inline const MULTIPLIER_2: u32 = 0xd256d193;

/**
 * Numbers in [0, 1), multiples of 2^-24: the upper 24 bits of word 0 of Philox-2x32-10 on the counters (i, step), one
 * in each lane.
 */
export function random4(i: v128, step: v128, key: v128): v128 {
  const multiplier = i32x4.splat(MULTIPLIER_2);
  const increment = i32x4.splat(WEYL_0);
  for (let round = 0; round < 10; round++) {
    const even = i64x2.extmul_low_i32x4_u(i, multiplier);
    const odd = i64x2.extmul_high_i32x4_u(i, multiplier);
    i = v128.xor(v128.xor(v128.shuffle<i32>(even, odd, 1, 3, 5, 7), key), step);
    step = v128.shuffle<i32>(even, odd, 0, 2, 4, 6);
    key = i32x4.add(key, increment);
  }
  return f32x4.mul(f32x4.convert_i32x4_s(i32x4.shr_u(i, 8)), f32x4.splat(5.9604644775390625e-8));
}
