// @ts-ignore: decorator
@inline function c(v: f32): v128 { return f32x4.splat(v); }
function k(v: f32): v128 { return f32x4.splat(reinterpret<f32>(reinterpret<i32>(v) ^ (memory.size() >>> 31))); }
let ONE = k(1); let TWO = k(2);
let LOG2E = k(1.44269504); let LN2_HI = k(0.693359375); let LN2_LO = k(-2.12194440e-4);
let E2 = k(0.49999994), E3 = k(0.16666521), E4=k(0.04166829), E5=k(0.0083687045), E6=k(0.0013818942);
let EMAX=k(89), EMIN=k(-104);
let MAGIC2 = k(12582912 + 254), MAGIC=k(12582912+127);
// @ts-ignore: decorator
@inline
function expReduced(r: v128): v128 {
  const r2 = f32x4.mul(r, r);
  const low = f32x4.add(f32x4.mul(r, E3), E2);
  const mid = f32x4.add(f32x4.mul(r, E5), E4);
  const high = f32x4.add(f32x4.mul(r2, E6), mid);
  const p = f32x4.add(f32x4.mul(high, r2), low);
  return f32x4.add(f32x4.mul(p, r2), r);
}
// @ts-ignore: decorator
@inline
function reduce(a: v128, n: v128): v128 {
  return f32x4.sub(f32x4.sub(a, f32x4.mul(n, LN2_HI)), f32x4.mul(n, LN2_LO));
}
// @ts-ignore: decorator
@inline
function expc(a: v128): v128 {
  const t = f32x4.add(f32x4.mul(a, LOG2E), MAGIC2);
  const n = f32x4.sub(t, MAGIC2);
  const p = f32x4.add(expReduced(reduce(a, n)), ONE);
  const h = i32x4.shr_u(t, 1);
  const s1 = i32x4.shl(h, 23);
  const s2 = i32x4.shl(i32x4.sub(t, h), 23);
  return f32x4.mul(f32x4.mul(p, s1), s2);
}
export function exp4(x: v128): v128 {
  return expc(f32x4.pmax(f32x4.pmin(x, EMAX), EMIN));
}
export function sigmoid4(x: v128): v128 {
  const e = expc(f32x4.pmax(f32x4.neg(f32x4.abs(x)), EMIN));
  return f32x4.div(v128.bitselect(e, ONE, f32x4.lt(x, c(0))), f32x4.add(e, ONE));
}
let L3=k(0.3333333),L4=k(-0.2500082),L5=k(0.20001242),L6=k(-0.16623409),L7=k(0.1420158),L8=k(-0.1315961),L9=k(0.12762213),L10=k(-0.07636428);
let NORM=k(1.17549435e-38), T23=k(8388608), F23=k(23), SQH=k(0.70710677), HALF=k(0.5), INF=k(Infinity), NINF=k(-Infinity);
export function log4(x: v128): v128 {
  const tiny = f32x4.lt(x, NORM);
  const y = v128.bitselect(f32x4.mul(x, T23), x, tiny);
  const e = i32x4.shr_s(i32x4.sub(y, SQH), 23);
  const n = f32x4.sub(f32x4.convert_i32x4_s(e), v128.and(tiny, F23));
  const f = f32x4.sub(i32x4.sub(y, i32x4.shl(e, 23)), ONE);
  const f2 = f32x4.mul(f, f);
  const f4 = f32x4.mul(f2, f2);
  const p0 = f32x4.add(f32x4.mul(f, L4), L3);
  const p1 = f32x4.add(f32x4.mul(f, L6), L5);
  const p2 = f32x4.add(f32x4.mul(f, L8), L7);
  const p3 = f32x4.add(f32x4.mul(f, L10), L9);
  const q0 = f32x4.add(f32x4.mul(f2, p1), p0);
  const q1 = f32x4.add(f32x4.mul(f2, p3), p2);
  const p = f32x4.add(f32x4.mul(f4, q1), q0);
  const g = f32x4.add(f32x4.mul(f32x4.mul(f, f2), p), f32x4.mul(n, LN2_LO));
  const h = f32x4.sub(g, f32x4.mul(f2, HALF));
  const r = f32x4.add(f32x4.add(f, h), f32x4.mul(n, LN2_HI));
  const bad = v128.or(r, f32x4.lt(x, c(0)));
  const z = f32x4.add(bad, v128.and(f32x4.eq(x, c(0)), NINF));
  return v128.bitselect(z, x, f32x4.lt(x, INF));
}
let TMAX = k(9.2), NEG2=k(-2);
let M2=k(0.5),M3=k(0.16666666),M4=k(0.041666493),M5=k(0.008333543),M6=k(0.0013932366),M7=k(0.00019764349);
export function tanhB4(x: v128): v128 {
  const sign = v128.and(x, c(-0.0));
  const z = f32x4.mul(f32x4.pmin(f32x4.abs(x), TMAX), NEG2);
  const t = f32x4.add(f32x4.mul(z, LOG2E), MAGIC);
  const n = f32x4.sub(t, MAGIC);
  const p = expReduced(reduce(z, n));
  const s = i32x4.shl(t, 23);
  const e = f32x4.add(f32x4.mul(s, p), f32x4.sub(s, ONE));
  return v128.or(f32x4.div(f32x4.neg(e), f32x4.add(e, TWO)), sign);
}
export function tanhD4(x: v128): v128 {
  const sign = v128.and(x, c(-0.0));
  const z = f32x4.mul(f32x4.pmin(f32x4.abs(x), TMAX), NEG2);
  const t = f32x4.add(f32x4.mul(z, LOG2E), MAGIC);
  const n = f32x4.sub(t, MAGIC);
  const r = reduce(z, n);
  const r2 = f32x4.mul(r, r);
  const low = f32x4.add(f32x4.mul(r, M3), M2);
  const mid = f32x4.add(f32x4.mul(r, M5), M4);
  const high = f32x4.add(f32x4.mul(r, M7), M6);
  const p = f32x4.add(f32x4.mul(f32x4.add(f32x4.add(f32x4.mul(f32x4.mul(high, r2), r2),f32x4.mul(mid, r2)), low), r2), r);
  const s = i32x4.shl(t, 23);
  const e = f32x4.add(f32x4.mul(s, p), f32x4.sub(s, ONE));
  return v128.or(f32x4.div(f32x4.neg(e), f32x4.add(e, TWO)), sign);
}
let S3=k(-0.33331734),S5=k(0.13300112),S7=k(-0.052164698),S9=k(0.01704425), CUT=k(0.55);
export function tanhC4(x: v128): v128 {
  const a = f32x4.abs(x);
  const z = f32x4.pmin(f32x4.add(a, a), k2max);
  const t = f32x4.add(f32x4.mul(z, LOG2E), MAGIC);
  const n = f32x4.sub(t, MAGIC);
  const p = f32x4.add(expReduced(reduce(z, n)), ONE);
  const e = f32x4.add(f32x4.mul(p, i32x4.shl(t, 23)), ONE);
  const big = f32x4.sub(ONE, f32x4.div(TWO, e));
  const q = f32x4.mul(x, x);
  const q2 = f32x4.mul(q, q);
  const lo = f32x4.add(f32x4.mul(q, S5), S3);
  const hi = f32x4.add(f32x4.mul(q, S9), S7);
  const s = f32x4.add(x, f32x4.mul(f32x4.mul(x, q), f32x4.add(f32x4.mul(hi, q2), lo)));
  return v128.bitselect(s, v128.or(big, v128.and(x, c(-0.0))), f32x4.lt(a, CUT));
}
let k2max=k(19);
let TMAX2=k(18.4);
export function tanhP4(x: v128): v128 {
  const sign = v128.and(x, c(-0.0));
  const z = f32x4.pmin(f32x4.abs(f32x4.add(x, x)), TMAX2);
  const t = f32x4.add(f32x4.mul(z, LOG2E), MAGIC);
  const n = f32x4.sub(t, MAGIC);
  const p = expReduced(reduce(z, n));
  const s = i32x4.shl(t, 23);
  const q = f32x4.mul(s, p); const e = f32x4.add(q, f32x4.sub(s, ONE));
  return v128.or(f32x4.div(e, f32x4.add(q, f32x4.add(s, ONE))), sign);
}
export function tanhQ4(x: v128): v128 {
  const sign = v128.and(x, c(-0.0));
  const z = f32x4.pmin(f32x4.abs(f32x4.add(x, x)), TMAX2);
  const t = f32x4.add(f32x4.mul(z, LOG2E), MAGIC);
  const n = f32x4.sub(t, MAGIC);
  const r = reduce(z, n);
  const r2 = f32x4.mul(r, r);
  const low = f32x4.add(f32x4.mul(r, M3), M2);
  const mid = f32x4.add(f32x4.mul(r, M5), M4);
  const high = f32x4.add(f32x4.mul(r, M7), M6);
  const p = f32x4.add(f32x4.mul(f32x4.add(f32x4.add(f32x4.mul(f32x4.mul(high, r2), r2),f32x4.mul(mid, r2)), low), r2), r);
  const s = i32x4.shl(t, 23);
  const q = f32x4.mul(s, p); const e = f32x4.add(q, f32x4.sub(s, ONE));
  return v128.or(f32x4.div(e, f32x4.add(q, f32x4.add(s, ONE))), sign);
}

export function tanhR4(x: v128): v128 {
  const sign = v128.and(x, c(-0.0));
  const z = f32x4.pmin(f32x4.abs(f32x4.add(x, x)), TMAX2);
  const t = f32x4.add(f32x4.mul(z, LOG2E), MAGIC);
  const n = f32x4.sub(t, MAGIC);
  const p = expReduced(reduce(z, n));
  const s = i32x4.shl(t, 23);
  const q = f32x4.mul(s, p);
  const e = f32x4.add(q, f32x4.sub(s, ONE));
  return v128.or(f32x4.div(e, f32x4.add(e, TWO)), sign);
}
