/**
 * Natural logarithm in float64 from + - * / alone, which IEEE 754 rounds exactly: the same bits on every
 * engine, where Math.log may differ in the last one. Error under 2 ulp.
 *
 * x = 2^k m with m in [sqrt(1/2), sqrt(2)), and log m = 2 artanh(s) with s = (m - 1) / (m + 1) <= 0.1716,
 * whose series s^3/3 + s^5/5 + ... is cut at s^21, below 2^-55 of the sum.
 */
export function log(x: number): number {
  if (!(x > 0) || x === Number.POSITIVE_INFINITY)
    return x === 0 ? Number.NEGATIVE_INFINITY : x > 0 ? x : Number.NaN;
  let k = 0;
  if (x < 2 ** -1022) {
    x *= 2 ** 54;
    k = -54;
  }
  bytes.setFloat64(0, x);
  const high = bytes.getUint32(0);
  k += (high >>> 20) - 1023;
  bytes.setUint32(0, (high & 0xfffff) | 0x3ff00000);
  let m = bytes.getFloat64(0);
  if (m >= Math.SQRT2) {
    m *= 0.5;
    k += 1;
  }
  const f = m - 1;
  const s = f / (2 + f);
  const z = s * s;
  let series = 0;
  for (let odd = 21; odd >= 3; odd -= 2) series = z * (1 / odd + series);
  // 2 artanh(s) = 2s + 2s series, where 2s = f - s f: f is exact, the rest is small.
  return k * LN2_HIGH + (f - (s * (f - 2 * series) - k * LN2_LOW));
}

// ln 2 in two parts, the first with 21 zero bits at its end, so that k * LN2_HIGH is exact (Cody and Waite 1980).
const LN2_HIGH = 0.6931471803691238;
const LN2_LOW = 1.9082149292705877e-10;

const bytes = new DataView(new ArrayBuffer(8));
