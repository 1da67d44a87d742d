// @ts-nocheck: decorators on functions are AssemblyScript; asc checks this file.
/**
 * x^y on f32x4, by way of 2^(y log2 |x|) in double precision: with 24 bits of y log2 |x| alone, large powers would have
 * few right digits. Everything else is as in math.ts, which tells how polynomials were made and bounds measured.
 */
import {
  f32s, f64s, HALF, INFINITE, MIN_NORMAL, ONE, ROUND_64, SIGN, SQRT_HALF, TWENTY_THREE, TWO_TO_23,
} from './math';

@lazy const TWO_64 = memory.data<f64>([2]), ONE_64 = memory.data<f64>([1]);
// log2(m) / s in s^2, s = (m - 1) / (m + 1), on m in [sqrt(1/2), sqrt(2)], relative error 2^-45.
@lazy const LOG2_1 = memory.data<f64>([2.8853900817778495]), LOG2_3 = memory.data<f64>([0.9617966941141062]);
@lazy const LOG2_5 = memory.data<f64>([0.5770779421339175]);
@lazy const LOG2_7 = memory.data<f64>([0.41220927792352086]), LOG2_9 = memory.data<f64>([0.3199045622007172]);
@lazy const LOG2_11 = memory.data<f64>([0.28291749667131816]);
// (2^r - 1) / r on |r| <= 1/2, error 2^-34 of 2^r.
@lazy const EXP2_1 = memory.data<f64>([0.6931471807049946]), EXP2_2 = memory.data<f64>([0.24022651067445516]);
@lazy const EXP2_3 = memory.data<f64>([0.05550410364791466]);
@lazy const EXP2_4 = memory.data<f64>([0.009618037987135045]), EXP2_5 = memory.data<f64>([0.0013333935657621559]);
@lazy const EXP2_6 = memory.data<f64>([0.00015466806738735067]), EXP2_7 = memory.data<f64>([1.5196111495181326e-5]);
// Beyond these 2^t is 0 or Infinity in float32.
@lazy const EXP2_MAX = memory.data<f64>([130]), EXP2_MIN = memory.data<f64>([-160]);

/** (2^n (1 + f))^y for two lanes of float64. */
@inline
function power64(n: v128, f: v128, y: v128): v128 {
  const s = f64x2.div(f, f64x2.add(f, f64s(TWO_64)));
  const z = f64x2.mul(s, s);
  const z2 = f64x2.mul(z, z);
  const l13 = f64x2.add(f64x2.mul(z, f64s(LOG2_3)), f64s(LOG2_1));
  const l57 = f64x2.add(f64x2.mul(z, f64s(LOG2_7)), f64s(LOG2_5));
  const l911 = f64x2.add(f64x2.mul(z, f64s(LOG2_11)), f64s(LOG2_9));
  const l = f64x2.add(f64x2.mul(f64x2.add(f64x2.mul(z2, l911), l57), z2), l13);
  const log2 = f64x2.add(n, f64x2.mul(s, l));
  // pmin and pmax with t first keep a NaN.
  const t = f64x2.pmax(f64x2.pmin(f64x2.mul(y, log2), f64s(EXP2_MAX)), f64s(EXP2_MIN));
  const rounded = f64x2.add(t, f64s(ROUND_64));
  const r = f64x2.sub(t, f64x2.sub(rounded, f64s(ROUND_64)));
  const r2 = f64x2.mul(r, r);
  const e12 = f64x2.add(f64x2.mul(r, f64s(EXP2_2)), f64s(EXP2_1));
  const e34 = f64x2.add(f64x2.mul(r, f64s(EXP2_4)), f64s(EXP2_3));
  const e56 = f64x2.add(f64x2.mul(r, f64s(EXP2_6)), f64s(EXP2_5));
  const high = f64x2.add(f64x2.mul(r2, f64s(EXP2_7)), e56);
  const e = f64x2.add(f64x2.mul(f64x2.add(f64x2.mul(r2, high), e34), r2), e12);
  // The integer sits in the low bits, from where it goes to the exponent; one rounding to float32 remains.
  const power = i64x2.add(f64x2.add(f64x2.mul(r, e), f64s(ONE_64)), i64x2.shl(rounded, 52));
  return f32x4.demote_f64x2_zero(power);
}

@inline
function upper(x: v128): v128 {
  return v128.shuffle<f32>(x, x, 2, 3, 2, 3);
}

/**
 * x^y, error under 0.51 ulp, gradual underflow. As pow of C (and of PyTorch): a negative x has powers for whole y,
 * else NaN; x^0 and 1^y are 1 even for NaN, (-1)^+-inf is 1; of -0 and -inf the sign is that of odd powers.
 */
export function pow4(x: v128, y: v128): v128 {
  const a = f32x4.abs(x);
  const zero = f32x4.splat(0);
  const tiny = f32x4.lt(a, f32s(MIN_NORMAL));
  const normal = v128.bitselect(f32x4.mul(a, f32s(TWO_TO_23)), a, tiny);
  const exponent = i32x4.shr_s(i32x4.sub(normal, f32s(SQRT_HALF)), 23);
  const f = f32x4.sub(i32x4.sub(normal, i32x4.shl(exponent, 23)), f32s(ONE));
  const n = f32x4.sub(f32x4.convert_i32x4_s(exponent), v128.and(tiny, f32s(TWENTY_THREE)));
  const low = power64(f64x2.promote_low_f32x4(n), f64x2.promote_low_f32x4(f), f64x2.promote_low_f32x4(y));
  const high = power64(
    f64x2.promote_low_f32x4(upper(n)),
    f64x2.promote_low_f32x4(upper(f)),
    f64x2.promote_low_f32x4(upper(y)),
  );
  const finite = v128.shuffle<f32>(low, high, 0, 1, 4, 5);
  // 0, inf and NaN have no logarithm here: they or their reciprocal are the power, NaN if y is.
  const regular = v128.and(f32x4.gt(a, zero), f32x4.lt(a, f32s(INFINITE)));
  const edge = v128.bitselect(a, f32x4.div(f32s(ONE), a), f32x4.gt(y, zero));
  const any = v128.or(v128.bitselect(finite, edge, regular), f32x4.ne(y, y));
  const size = v128.bitselect(f32s(ONE), any, v128.or(f32x4.eq(a, f32s(ONE)), f32x4.eq(y, zero)));
  const fraction = f32x4.ne(f32x4.trunc(y), y);
  const halves = f32x4.mul(y, f32s(HALF));
  const odd = v128.andnot(f32x4.ne(f32x4.trunc(halves), halves), fraction);
  const signed = v128.xor(size, v128.and(v128.and(x, f32s(SIGN)), odd));
  const undefined = v128.and(f32x4.lt(x, zero), v128.and(f32x4.lt(a, f32s(INFINITE)), fraction));
  // All ones is a NaN; 1^y is 1 for every y, which `size` has told.
  return v128.or(signed, undefined);
}
