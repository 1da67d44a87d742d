/** Number i of stream `salt`, in [0, 1): the hash of test/golden/README.md. */
export function hash(i: number, salt: number): number {
  let x = (i + 1 + Math.imul(salt, 0x9e3779b1)) >>> 0;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return ((x ^ (x >>> 16)) >>> 0) / 2 ** 32;
}

/** `n` floats in [-scale, scale). */
export function uniform(n: number, scale: number, salt: number): Float32Array {
  return Float32Array.from({ length: n }, (_, i) => (2 * hash(i, salt) - 1) * scale);
}

/** `n` whole numbers in [0, high). */
export function ints(n: number, high: number, salt: number): Int32Array {
  return Int32Array.from({ length: n }, (_, i) => Math.floor(hash(i, salt) * high));
}
