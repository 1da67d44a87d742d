// Numbers of float32 of every kind: both zeros, denormals, all exponents, few and many digits, Infinity and NaN.

const bits = new Uint32Array(1);
const float = new Float32Array(bits.buffer);

/** The number with these bits. */
export function fromBits(pattern: number): number {
  bits[0] = pattern;
  return float[0];
}

/** Every sign and exponent with 128 leading parts of the fraction, each followed by zeros, by 1, and by ones. */
export function numbersOfEveryKind(): Float32Array {
  return Float32Array.from({ length: 3 << 16 }, (_, i) =>
    fromBits(((i & 0xffff) << 16) | [0, 1, 0xffff][i >> 16]),
  );
}

/** A finite number of any size, from 32 random bits: one in eight is a zero, a denormal, or next to the largest. */
export function finiteNumber(random: number): number {
  const sign = random & 0x80000000;
  const fraction = random & 0x7fffff;
  if ((random >>> 23) % 8 === 0) {
    const special = [0, fraction & 0xff, fraction, 0x7f7fffff - (fraction & 0xff)];
    return fromBits(sign | special[(random >>> 26) % 4]);
  }
  // Some with few digits, so that products are exact.
  const kept = random & 0x2000000 ? fraction : fraction & 0x780000;
  return fromBits(sign | ((1 + (mixed(random) % 254)) << 23) | kept);
}

/** Any number, Infinity and NaN too. */
export function anyNumber(random: number): number {
  const special = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN][(random >>> 8) & 3];
  return (random & 15) === 0 && special !== undefined ? special : finiteNumber(random);
}

function mixed(x: number): number {
  return Math.imul(x ^ (x >>> 15), 0x2c1b3c6d) >>> 8;
}
