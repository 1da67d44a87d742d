// @ts-nocheck: decorators on functions are AssemblyScript; asc checks this file.
/**
 * Elementary functions on f32x4: same bits on every engine, every float32 input, no branch that depends on
 * a neighbouring lane. Only exact IEEE operations (no relaxed SIMD).
 *
 * `npx tsx bench/ulp.ts` measures the error bounds given below against float64.
 * Polynomials: minimax in relative error over the stated interval, by Lawson's iteratively reweighted least
 * squares on Chebyshev nodes; coefficients are rounded to float32 one by one, lowest first, the others refitted.
 * Splittings (ln 2, pi/2) follow Cody and Waite, Software Manual for the Elementary Functions, 1980.
 */

// V8 rebuilds a `v128.const` (three instructions) at every use, in loops too, which cost exp half its speed. A load that
// fills all lanes is one. Constants lie in memory, those alone that are used; a global of a vector would be a load as
// well, but V8 14 ends the process over one where it joins vectors (run/wide).
// @ts-ignore: decorator
@inline
export function f32s(at: usize): v128 {
  return v128.load32_splat(at);
}
// @ts-ignore: decorator
@inline
export function f64s(at: usize): v128 {
  return v128.load64_splat(at);
}

@lazy export const HALF = memory.data<f32>([0.5]), ONE = memory.data<f32>([1]);
@lazy export const SIGN = memory.data<f32>([-0.0]), INFINITE = memory.data<f32>([Infinity]);

@lazy const LOG2_E = memory.data<f32>([1.44269504]);
// ln 2 = 355/512 - 2.12e-4 (Cephes): n * LN2_HI is exact for |n| < 2^15.
@lazy const LN2_HI = memory.data<f32>([0.693359375]);
@lazy const LN2_LO = memory.data<f32>([-2.12194440e-4]);
// Adding 1.5 * 2^23 rounds to an integer, which then sits in the low bits, here with an exponent bias on top.
@lazy const ROUND_TWICE_BIASED = memory.data<f32>([12582912 + 254]);
// exp(89) overflows and exp(-104) is less than half of 2^-149.
@lazy const EXP_MAX = memory.data<f32>([89]), EXP_MIN = memory.data<f32>([-104]);
// (exp(r) - 1 - r) / r^2 on |r| <= ln2/2, error 2^-28 of exp(r).
@lazy const EXP_2 = memory.data<f32>([0.49999994]), EXP_3 = memory.data<f32>([0.16666521]);
@lazy const EXP_4 = memory.data<f32>([0.04166829]);
@lazy const EXP_5 = memory.data<f32>([0.0083687045]), EXP_6 = memory.data<f32>([0.0013818942]);

/** exp(x - n ln 2) - 1 for the integer n nearest to x / ln 2. */
@inline
function expm1Reduced(x: v128, n: v128): v128 {
  const r = f32x4.sub(f32x4.sub(x, f32x4.mul(n, f32s(LN2_HI))), f32x4.mul(n, f32s(LN2_LO)));
  const r2 = f32x4.mul(r, r);
  const low = f32x4.add(f32x4.mul(r, f32s(EXP_3)), f32s(EXP_2));
  const middle = f32x4.add(f32x4.mul(r, f32s(EXP_5)), f32s(EXP_4));
  const high = f32x4.add(f32x4.mul(r2, f32s(EXP_6)), middle);
  const p = f32x4.add(f32x4.mul(high, r2), low);
  return f32x4.add(f32x4.mul(p, r2), r);
}

/** exp for x in [-104, 89] or NaN. Two factors 2^(n/2) let the result underflow gradually, rounding once. */
@inline
function expBounded(x: v128): v128 {
  const biased = f32x4.add(f32x4.mul(x, f32s(LOG2_E)), f32s(ROUND_TWICE_BIASED));
  const n = f32x4.sub(biased, f32s(ROUND_TWICE_BIASED));
  const p = f32x4.add(expm1Reduced(x, n), f32s(ONE));
  const half = i32x4.shr_u(biased, 1);
  const scaled = f32x4.mul(p, i32x4.shl(half, 23));
  return f32x4.mul(scaled, i32x4.shl(i32x4.sub(biased, half), 23));
}

/** e^x, error under 1 ulp, gradual underflow. */
@inline
export function exp4(x: v128): v128 {
  // pmin and pmax with x first keep a NaN, and are one instruction where min and max are eight.
  return expBounded(f32x4.pmax(f32x4.pmin(x, f32s(EXP_MAX)), f32s(EXP_MIN)));
}

// From -18 down e^x - 1 is -1; where x^2 / 2 is less than half of its last place, it is x.
@lazy const EXPM1_MIN = memory.data<f32>([-18]), EXPM1_SAME = memory.data<f32>([2.9802322e-8]);

/** e^x - 1 without the rounding of e^x, error under 1.7 ulp; -0 for -0. */
@inline
export function expm14(x: v128): v128 {
  const bounded = f32x4.pmax(f32x4.pmin(x, f32s(EXP_MAX)), f32s(EXPM1_MIN));
  const biased = f32x4.add(f32x4.mul(bounded, f32s(LOG2_E)), f32s(ROUND_TWICE_BIASED));
  const p = expm1Reduced(bounded, f32x4.sub(biased, f32s(ROUND_TWICE_BIASED)));
  // Half of the result, since 2^n may be Infinity where it is not: 2^(n - 1) p + (2^(n - 1) - 1/2).
  const scale = i32x4.shl(i32x4.sub(biased, i32x4.splat(128)), 23);
  const half = f32x4.add(f32x4.mul(scale, p), f32x4.sub(scale, f32s(HALF)));
  return v128.bitselect(x, f32x4.add(half, half), f32x4.lt(f32x4.abs(x), f32s(EXPM1_SAME)));
}

/** 1 / (1 + e^-x), error under 2.5 ulp, gradual underflow. */
@inline
export function sigmoid4(x: v128): v128 {
  // e^-|x| never overflows: 1 / (1 + e) for positive x, e / (1 + e) for negative.
  const e = expBounded(f32x4.pmax(f32x4.neg(f32x4.abs(x)), f32s(EXP_MIN)));
  const numerator = v128.bitselect(e, f32s(ONE), f32x4.lt(x, f32x4.splat(0)));
  return f32x4.div(numerator, f32x4.add(e, f32s(ONE)));
}

// x P(x^2) / Q(x^2), P and Q of degree 4, relative error 2^-25 on |x| <= 9, where it has come to be 1 exactly.
@lazy const TANH_MAX = memory.data<f32>([9]), TANH_MIN = memory.data<f32>([-9]), MINUS_ONE = memory.data<f32>([-1]);
@lazy const TANH_P1 = memory.data<f32>([0.13381041586399078]), TANH_P2 = memory.data<f32>([0.003495605895295739]);
@lazy const TANH_P3 = memory.data<f32>([2.060928636637982e-5]), TANH_P4 = memory.data<f32>([1.3354787498087717e-8]);
@lazy const TANH_Q1 = memory.data<f32>([0.46714362502098083]), TANH_Q2 = memory.data<f32>([0.025877051055431366]);
@lazy const TANH_Q3 = memory.data<f32>([0.0003285660350229591]), TANH_Q4 = memory.data<f32>([7.776645816193195e-7]);

/** Hyperbolic tangent, error under 6.2 ulp; from |x| = 9 on it is 1. Much faster than by way of the exponential. */
@inline
export function tanh4(x: v128): v128 {
  const y = f32x4.pmax(f32x4.pmin(x, f32s(TANH_MAX)), f32s(TANH_MIN));
  const z = f32x4.mul(y, y);
  const p3 = f32x4.add(f32x4.mul(z, f32s(TANH_P4)), f32s(TANH_P3));
  const p2 = f32x4.add(f32x4.mul(z, p3), f32s(TANH_P2));
  const p1 = f32x4.add(f32x4.mul(z, p2), f32s(TANH_P1));
  const q3 = f32x4.add(f32x4.mul(z, f32s(TANH_Q4)), f32s(TANH_Q3));
  const q2 = f32x4.add(f32x4.mul(z, q3), f32s(TANH_Q2));
  const q1 = f32x4.add(f32x4.mul(z, q2), f32s(TANH_Q1));
  const p = f32x4.mul(y, f32x4.add(f32x4.mul(z, p1), f32s(ONE)));
  const q = f32x4.add(f32x4.mul(z, q1), f32s(ONE));
  // Rounding may carry a quotient just past 1.
  return f32x4.pmax(f32x4.pmin(f32x4.div(p, q), f32s(ONE)), f32s(MINUS_ONE));
}

@lazy export const MIN_NORMAL = memory.data<f32>([1.17549435e-38]), TWO_TO_23 = memory.data<f32>([8388608]);
@lazy export const TWENTY_THREE = memory.data<f32>([23]);
@lazy export const SQRT_HALF = memory.data<f32>([0.70710677]);
// (log(1 + f) - f + f^2/2) / f^3 on 1 + f in [sqrt(1/2), sqrt(2)], error 2^-27 of log(1 + f).
@lazy const LOG_3 = memory.data<f32>([0.3333333]), LOG_4 = memory.data<f32>([-0.2500082]);
@lazy const LOG_5 = memory.data<f32>([0.20001242]);
@lazy const LOG_6 = memory.data<f32>([-0.16623409]), LOG_7 = memory.data<f32>([0.1420158]);
@lazy const LOG_8 = memory.data<f32>([-0.1315961]);
@lazy const LOG_9 = memory.data<f32>([0.12762213]), LOG_10 = memory.data<f32>([-0.07636428]);

/** log(2^n (1 + f)) for 1 + f in [sqrt(1/2), sqrt(2)]. */
@inline
function logOf(n: v128, f: v128): v128 {
  const f2 = f32x4.mul(f, f);
  const p34 = f32x4.add(f32x4.mul(f, f32s(LOG_4)), f32s(LOG_3));
  const p56 = f32x4.add(f32x4.mul(f, f32s(LOG_6)), f32s(LOG_5));
  const p78 = f32x4.add(f32x4.mul(f, f32s(LOG_8)), f32s(LOG_7));
  const p90 = f32x4.add(f32x4.mul(f, f32s(LOG_10)), f32s(LOG_9));
  const low = f32x4.add(f32x4.mul(f2, p56), p34);
  const high = f32x4.add(f32x4.mul(f2, p90), p78);
  const p = f32x4.add(f32x4.mul(f32x4.mul(f2, f2), high), low);
  // Smallest terms first: f^3 p, n ln2_lo, -f^2/2, f, n ln2_hi.
  const tail = f32x4.add(f32x4.mul(f32x4.mul(f, f2), p), f32x4.mul(n, f32s(LN2_LO)));
  const log1p = f32x4.add(f, f32x4.sub(tail, f32x4.mul(f2, f32s(HALF))));
  return f32x4.add(log1p, f32x4.mul(n, f32s(LN2_HI)));
}

/** `finite`, which is log(y), with what it is at and below y = 0 put in. All ones is a NaN. */
@inline
function logEdges(y: v128, finite: v128): v128 {
  const zero = f32x4.splat(0);
  const negative = v128.or(finite, f32x4.lt(y, zero));
  return f32x4.add(negative, v128.and(f32x4.eq(y, zero), f32x4.neg(f32s(INFINITE))));
}

/** Natural logarithm, error under 1 ulp; log(0) = -inf, NaN below. */
@inline
export function log4(x: v128): v128 {
  const tiny = f32x4.lt(x, f32s(MIN_NORMAL));
  const normal = v128.bitselect(f32x4.mul(x, f32s(TWO_TO_23)), x, tiny);
  // normal = 2^exponent * (1 + f): as integers, the distance to sqrt(1/2) counts its octaves.
  const exponent = i32x4.shr_s(i32x4.sub(normal, f32s(SQRT_HALF)), 23);
  const f = f32x4.sub(i32x4.sub(normal, i32x4.shl(exponent, 23)), f32s(ONE));
  const n = f32x4.sub(f32x4.convert_i32x4_s(exponent), v128.and(tiny, f32s(TWENTY_THREE)));
  // +inf and NaN come back as they are.
  return v128.bitselect(logEdges(x, logOf(n, f)), x, f32x4.lt(x, f32s(INFINITE)));
}

/** log(1 + x) for finite x > -1. */
@inline
function log1pFinite(x: v128): v128 {
  const y = f32x4.add(x, f32s(ONE));
  // What the addition rounded off (Knuth's two-sum) goes into f, which is then x itself where 1 + x is near 1.
  const added = f32x4.sub(y, f32s(ONE));
  const lost = f32x4.add(f32x4.sub(f32s(ONE), f32x4.sub(y, added)), f32x4.sub(x, added));
  const exponent = i32x4.shr_s(i32x4.sub(y, f32s(SQRT_HALF)), 23);
  const scale = i32x4.shl(i32x4.max_s(i32x4.sub(i32x4.splat(127), exponent), i32x4.splat(0)), 23);
  const rounded = f32x4.sub(i32x4.sub(y, i32x4.shl(exponent, 23)), f32s(ONE));
  return logOf(f32x4.convert_i32x4_s(exponent), f32x4.add(rounded, f32x4.mul(lost, scale)));
}

/** log(1 + x) without the rounding of 1 + x, error under 1.5 ulp; -0 for -0, log1p(-1) = -inf, NaN below. */
@inline
export function log1p4(x: v128): v128 {
  const edged = logEdges(f32x4.add(x, f32s(ONE)), log1pFinite(x));
  // The result has the sign of x, as -0 has it.
  const signed = v128.or(edged, v128.and(x, f32s(SIGN)));
  return v128.bitselect(signed, x, f32x4.lt(x, f32s(INFINITE)));
}

/** log(1 + e^x) for x of any size, error under 1.8 ulp, gradual underflow. */
@inline
export function softplus4(x: v128): v128 {
  const e = expBounded(f32x4.pmax(f32x4.neg(f32x4.abs(x)), f32s(EXP_MIN)));
  return f32x4.add(f32x4.pmax(x, f32x4.splat(0)), log1pFinite(e));
}

/** 1 / sqrt(x), error under 1.5 ulp; 1 / sqrt(+-0) = +-inf, NaN below. */
@inline
export function rsqrt4(x: v128): v128 {
  return f32x4.div(f32s(ONE), f32x4.sqrt(x));
}

// (erf(x) - x) / x in x^2 on |x| < 1.125, error 2^-27 of erf(x).
@lazy const ERF_CUT = memory.data<f32>([1.125]);
@lazy const ERF_1 = memory.data<f32>([0.12837917]), ERF_3 = memory.data<f32>([-0.37612602]);
@lazy const ERF_5 = memory.data<f32>([0.11283256]), ERF_7 = memory.data<f32>([-0.026839223]);
@lazy const ERF_9 = memory.data<f32>([0.005160259]), ERF_11 = memory.data<f32>([-0.0007765797]);
@lazy const ERF_13 = memory.data<f32>([7.063507e-5]);
// erfc(x)^(-1/8) on [1.125, 4], so that 1 - erfc(x) errs by 2^-27. The form is that of Abramowitz and Stegun
// 7.1.28, which takes the 16th root: the 8th halves the amplified rounding error.
@lazy const ERFC_0 = memory.data<f32>([0.99285305]), ERFC_1 = memory.data<f32>([0.1750863]);
@lazy const ERFC_2 = memory.data<f32>([0.020134615]);
@lazy const ERFC_3 = memory.data<f32>([0.10327732]), ERFC_4 = memory.data<f32>([-0.050624497]);
@lazy const ERFC_5 = memory.data<f32>([0.023932902]);
@lazy const ERFC_6 = memory.data<f32>([-0.005188339]), ERFC_7 = memory.data<f32>([0.0006394932]);

/** Error function, error under 2.9 ulp. */
export function erf4(x: v128): v128 {
  const a = f32x4.abs(x);
  const z = f32x4.mul(a, a);
  const z2 = f32x4.mul(z, z);
  const s13 = f32x4.add(f32x4.mul(z, f32s(ERF_3)), f32s(ERF_1));
  const s57 = f32x4.add(f32x4.mul(z, f32s(ERF_7)), f32s(ERF_5));
  const s911 = f32x4.add(f32x4.mul(z, f32s(ERF_11)), f32s(ERF_9));
  const sHigh = f32x4.add(f32x4.mul(z2, f32x4.add(f32x4.mul(z2, f32s(ERF_13)), s911)), s57);
  const small = f32x4.add(a, f32x4.mul(a, f32x4.add(f32x4.mul(z2, sHigh), s13)));
  const r01 = f32x4.add(f32x4.mul(a, f32s(ERFC_1)), f32s(ERFC_0));
  const r23 = f32x4.add(f32x4.mul(a, f32s(ERFC_3)), f32s(ERFC_2));
  const r45 = f32x4.add(f32x4.mul(a, f32s(ERFC_5)), f32s(ERFC_4));
  const r67 = f32x4.add(f32x4.mul(a, f32s(ERFC_7)), f32s(ERFC_6));
  const rLow = f32x4.add(f32x4.mul(z, r23), r01);
  const rHigh = f32x4.add(f32x4.mul(z, r67), r45);
  const root = f32x4.add(f32x4.mul(z2, rHigh), rLow);
  const square = f32x4.mul(root, root);
  const fourth = f32x4.mul(square, square);
  const large = f32x4.sub(f32s(ONE), f32x4.div(f32s(ONE), f32x4.mul(fourth, fourth)));
  const result = v128.bitselect(small, large, f32x4.lt(a, f32s(ERF_CUT)));
  return v128.or(result, v128.and(x, f32s(SIGN)));
}

@lazy const TWO_OVER_PI = memory.data<f64>([0.6366197723675814]);
// pi/2 in 26 + 26 + 53 bits: products with the first two are exact for n < 2^27.
@lazy const HALF_PI_1 = memory.data<f64>([1.5707963109016418]);
@lazy const HALF_PI_2 = memory.data<f64>([1.5893254712295857e-8]);
@lazy const HALF_PI_3 = memory.data<f64>([6.123233995736766e-17]);
// 1.5 * 2^52, rounds a float64 as ROUND_TWICE_BIASED does a float32.
@lazy export const ROUND_64 = memory.data<f64>([6755399441055744]);
const HUGE: f32 = 134217728; // 2^27
// (sin(r) - r) / r^3 and (cos(r) - 1 + r^2/2) / r^4 in r^2 on |r| <= pi/4, errors 2^-28 and 2^-33.
@lazy const SIN_3 = memory.data<f32>([-0.16666655]), SIN_5 = memory.data<f32>([0.008332187]);
@lazy const SIN_7 = memory.data<f32>([-0.00019517903]);
@lazy const COS_4 = memory.data<f32>([0.041666646]), COS_6 = memory.data<f32>([-0.001388731]);
@lazy const COS_8 = memory.data<f32>([2.4432327e-5]);

/** Word i of the binary fraction of 2/pi. */
function twoOverPi(i: u32): u64 {
  switch (i) {
    case 0: return 0xa2f9836e;
    case 1: return 0x4e441529;
    case 2: return 0xfc2757d1;
    case 3: return 0xf534ddc0;
    case 4: return 0xdb629599;
    case 5: return 0x3c439041;
    default: return 0xfe5163ab;
  }
}

/**
 * x * 2/pi modulo 4 for 2^27 <= x < inf, as 2.62 fixed point: after Payne and Hanek, Radian reduction for
 * trigonometric functions, SIGNUM 18, 1983. The bits of 2/pi that give multiples of 4 are left out.
 */
function quarterTurns(x: f32): u64 {
  const bits = reinterpret<u32>(x);
  const significand = <u64>((bits & 0x7fffff) | 0x800000);
  const start = (bits >>> 23) - 152;
  const word = start >>> 5;
  const shift = <u64>(start & 31);
  const high = (((twoOverPi(word) << 32) | twoOverPi(word + 1)) << shift) >> 32;
  const middle = (((twoOverPi(word + 1) << 32) | twoOverPi(word + 2)) << shift) >> 32;
  const low = (((twoOverPi(word + 2) << 32) | twoOverPi(word + 3)) << shift) >> 32;
  return ((significand * high) << 32) + significand * middle + ((significand * low) >> 32);
}

@inline
function rotate(x: v128): v128 {
  return v128.shuffle<f32>(x, x, 1, 2, 3, 0);
}

/** sin(|x| + shift * pi/2); every lane is reduced by the same rule whatever its neighbours are. */
function sinShifted(a: v128, shift: v128): v128 {
  const low = f64x2.promote_low_f32x4(a);
  const high = f64x2.promote_low_f32x4(v128.shuffle<f32>(a, a, 2, 3, 2, 3));
  const tLow = f64x2.add(f64x2.mul(low, f64s(TWO_OVER_PI)), f64s(ROUND_64));
  const tHigh = f64x2.add(f64x2.mul(high, f64s(TWO_OVER_PI)), f64s(ROUND_64));
  let quadrant = v128.shuffle<i32>(tLow, tHigh, 0, 2, 4, 6);
  let r = v128.shuffle<f32>(
    f32x4.demote_f64x2_zero(remainder64(low, f64x2.sub(tLow, f64s(ROUND_64)))),
    f32x4.demote_f64x2_zero(remainder64(high, f64x2.sub(tHigh, f64s(ROUND_64)))),
    0, 1, 4, 5,
  );
  if (v128.any_true(f32x4.ge(a, f32x4.splat(HUGE)))) {
    for (let lane = 0; lane < 4; lane++) {
      const x = f32x4.extract_lane(a, 0);
      if (x >= HUGE && x < Infinity) {
        const turns = quarterTurns(x);
        // The remainder is the fraction of the nearest quarter turn, times pi/2 * 2^-62.
        const fraction = <f64>(<i64>(turns << 2) >> 2);
        quadrant = i32x4.replace_lane(quadrant, 0, <i32>((turns + (1 << 61)) >> 62));
        r = f32x4.replace_lane(r, 0, <f32>(fraction * 3.4061215800865545e-19));
      }
      a = rotate(a);
      quadrant = rotate(quadrant);
      r = rotate(r);
    }
  }
  quadrant = i32x4.add(quadrant, shift);
  const z = f32x4.mul(r, r);
  const s = f32x4.add(f32x4.mul(f32x4.add(f32x4.mul(z, f32s(SIN_7)), f32s(SIN_5)), z), f32s(SIN_3));
  const sin = f32x4.add(r, f32x4.mul(f32x4.mul(r, z), s));
  const c = f32x4.add(f32x4.mul(f32x4.add(f32x4.mul(z, f32s(COS_8)), f32s(COS_6)), z), f32s(COS_4));
  const cos = f32x4.add(f32x4.sub(f32s(ONE), f32x4.mul(z, f32s(HALF))), f32x4.mul(f32x4.mul(z, z), c));
  // Bit 0 of the quadrant chooses the function, bit 1 the sign.
  const result = v128.bitselect(cos, sin, i32x4.shr_s(i32x4.shl(quadrant, 31), 31));
  return v128.xor(result, v128.and(i32x4.shl(quadrant, 30), f32s(SIGN)));
}

@inline
function remainder64(x: v128, n: v128): v128 {
  const r = f64x2.sub(f64x2.sub(x, f64x2.mul(n, f64s(HALF_PI_1))), f64x2.mul(n, f64s(HALF_PI_2)));
  return f64x2.sub(r, f64x2.mul(n, f64s(HALF_PI_3)));
}

/** Sine, error under 1.6 ulp for every x; NaN for +-inf. */
export function sin4(x: v128): v128 {
  // The sign is put back last, so that sin(-0) = -0.
  return v128.xor(sinShifted(f32x4.abs(x), i32x4.splat(0)), v128.and(x, f32s(SIGN)));
}

/** Cosine, error under 1.6 ulp for every x; NaN for +-inf. */
export function cos4(x: v128): v128 {
  return sinShifted(f32x4.abs(x), i32x4.splat(1));
}
