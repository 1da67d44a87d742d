import { describe, expect, it } from 'vitest';
import { instantiate } from '../../bench/ulp.js';
import { log } from '../../src/random/log.js';
import {
  normalQuantile,
  philox,
  philox2,
  philoxUniform,
  RandomStream,
  randomIndex,
  STREAMS,
  shuffle,
} from '../../src/random/philox.js';

type Key = [number, number];
type Counter = [number, number, number, number];

// kat_vectors of the Random123 distribution, rows philox4x32 10; the third is made of digits of pi.
const KNOWN: { counter: Counter; key: Key; words: Counter }[] = [
  { counter: [0, 0, 0, 0], key: [0, 0], words: [0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8] },
  {
    counter: [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
    key: [0xffffffff, 0xffffffff],
    words: [0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd],
  },
  {
    counter: [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
    key: [0xa4093822, 0x299f31d0],
    words: [0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1],
  },
];

const memory = new WebAssembly.Memory({ initial: 1 });
const compiled = await instantiate(`export { philox, philoxFirst, randomIndex } from './random';`, memory);
const random = new RandomStream(7, 99);
const wordAt = (i: number) => random.uint32(i);

describe('philox', () => {
  it('gives the published known answers', () => {
    for (const { counter, key, words } of KNOWN) expect([...philox(key, counter)]).toEqual(words);
  });

  it('gives the published known answers in AssemblyScript', () => {
    for (const { counter, key, words } of KNOWN) {
      compiled.philox(...key, ...counter, 64);
      expect([...new Uint32Array(memory.buffer, 64, 4)]).toEqual(words);
    }
  });

  it('gives the same words in AssemblyScript and TypeScript', () => {
    for (let i = 0; i < 2000; i++) {
      const [k0, k1, c0, c1, c2, c3] = Array.from({ length: 6 }, (_, word) => wordAt(6 * i + word));
      const words = philox([k0, k1], [c0, c1, c2, c3]);
      compiled.philox(k0, k1, c0, c1, c2, c3, 64);
      expect([...new Uint32Array(memory.buffer, 64, 4)]).toEqual([...words]);
      expect(compiled.philoxFirst(k0, k1, c0, c1, c2, c3) >>> 0).toBe(words[0]);
    }
  });
});

describe('philox of two words', () => {
  // kat_vectors of the Random123 distribution, rows philox2x32 10.
  it('gives the published known answers', () => {
    expect([...philox2(0, [0, 0])]).toEqual([0xff1dae59, 0x6cd10df2]);
    expect([...philox2(0xffffffff, [0xffffffff, 0xffffffff])]).toEqual([0x2c3f628b, 0xab4fd7ad]);
    expect([...philox2(0x13198a2e, [0x243f6a88, 0x85a308d3])]).toEqual([0xdd7ce038, 0xf62a4c12]);
  });

  it('is even, and independent of the neighbours in place, step and key', () => {
    const n = 1 << 16;
    const draws = [
      Float64Array.from({ length: n }, (_, i) => philoxUniform(5, i, 9)),
      Float64Array.from({ length: n }, (_, i) => philoxUniform(5, i + 1, 9)),
      Float64Array.from({ length: n }, (_, i) => philoxUniform(5, i, 10)),
      Float64Array.from({ length: n }, (_, i) => philoxUniform(6, i, 9)),
    ];
    const [a, ...others] = draws;
    const mean = a.reduce((x, y) => x + y) / n;
    const variance = a.reduce((x, y) => x + (y - mean) ** 2, 0) / n;
    // Five standard deviations of the estimates.
    expect(Math.abs(mean - 0.5)).toBeLessThan(5 * Math.sqrt(1 / 12 / n));
    expect(Math.abs(variance * 12 - 1)).toBeLessThan(5 * Math.sqrt(0.8 / n));
    for (const b of others) {
      const covariance = a.reduce((x, y, i) => x + (y - 0.5) * (b[i] - 0.5), 0) / n;
      expect(Math.abs(covariance * 12)).toBeLessThan(5 / Math.sqrt(n));
    }
  });
});

describe('randomIndex', () => {
  it('gives the same indices in AssemblyScript and TypeScript, below the bound', () => {
    for (const bound of [1, 2, 3, 27, 65_537, 0x80000001, 0xffffffff]) {
      for (let i = 0; i < 300; i++) {
        const index = randomIndex(0xdeadbeef, STREAMS.batch, 5, i, bound);
        expect(compiled.randomIndex(0xdeadbeef, STREAMS.batch, 5, i, bound) >>> 0).toBe(index);
        expect(index).toBeGreaterThanOrEqual(0);
        expect(index).toBeLessThan(bound);
      }
    }
  });

  it('is uniform: chi-square of 27 bins over 270,000 draws is within four deviations', () => {
    const counts = new Array(27).fill(0);
    for (let i = 0; i < 270_000; i++) counts[randomIndex(42, STREAMS.batch, i >> 5, i & 31, 27)]++;
    const chi = counts.reduce((sum, count) => sum + (count - 10_000) ** 2 / 10_000, 0);
    expect(Math.abs(chi - 26)).toBeLessThan(4 * Math.sqrt(52));
  });

  it('depends on seed, stream, step and position', () => {
    const base = randomIndex(1, 2, 3, 4, 2 ** 32 - 1);
    for (const [seed, stream, step, i] of [
      [2, 2, 3, 4],
      [1, 3, 3, 4],
      [1, 2, 4, 4],
      [1, 2, 3, 5],
    ]) {
      expect(randomIndex(seed, stream, step, i, 2 ** 32 - 1)).not.toBe(base);
    }
  });
});

describe('RandomStream', () => {
  const COUNT = 200_000;

  it('gives word 0 of counter (i, i / 2^32, stream, 1) under key (seed, 0)', () => {
    for (const i of [0, 1, 31, 2 ** 32 - 1, 2 ** 32, 2 ** 40 + 5]) {
      const words = philox([7, 0], [i % 2 ** 32, Math.floor(i / 2 ** 32), 99, 1]);
      expect(random.uint32(i)).toBe(words[0]);
    }
  });

  it('has uniforms strictly between 0 and 1, with mean 1/2 and variance 1/12', () => {
    const { mean, variance, min, max } = moments(COUNT, (i) => random.uniform(i));
    expect(min).toBeGreaterThan(0);
    expect(max).toBeLessThan(1);
    expect(mean).toBeCloseTo(1 / 2, 2);
    expect(variance).toBeCloseTo(1 / 12, 3);
  });

  it('has normals of mean 0, variance 1, no skew and kurtosis 3', () => {
    const normal = (i: number) => random.normal(i);
    const { mean, variance } = moments(COUNT, normal);
    // Four standard errors of each: 1, 2, 15 and 96 over the count.
    expect(Math.abs(mean)).toBeLessThan(4 * Math.sqrt(1 / COUNT));
    expect(Math.abs(variance - 1)).toBeLessThan(4 * Math.sqrt(2 / COUNT));
    expect(Math.abs(moments(COUNT, (i) => normal(i) ** 3).mean)).toBeLessThan(4 * Math.sqrt(15 / COUNT));
    expect(Math.abs(moments(COUNT, (i) => normal(i) ** 4).mean - 3)).toBeLessThan(4 * Math.sqrt(96 / COUNT));
  });

  it('gives draw i without the draws before it', () => {
    const forward = Array.from({ length: 10 }, (_, i) => random.normal(i));
    const backward = Array.from({ length: 10 }, (_, i) => random.normal(9 - i)).reverse();
    expect(backward).toEqual(forward);
  });

  it('keeps its bits: these normals are what every engine must give', () => {
    const stream = new RandomStream(42, STREAMS.init);
    for (const [i, normal] of PINNED) expect(stream.normal(i)).toBe(normal);
  });
});

// From an own Philox in Python and its statistics.NormalDist().inv_cdf, which is AS 241; draw 24 is in the tail.
const PINNED: [number, number][] = [
  [0, 0.703770469247211],
  [1, 0.011458358548101932],
  [2, 0.46902980965618973],
  [24, 1.9328024508347743],
];

describe('normalQuantile', () => {
  it('inverts the distribution function, solved with mpmath in 40 digits', () => {
    for (const [p, x] of QUANTILES) {
      expect(Math.abs(normalQuantile(p) - x) / Math.abs(x)).toBeLessThan(1e-15);
    }
    expect(normalQuantile(0.5)).toBe(0);
  });

  it('is odd about one half', () => {
    for (let i = 1; i < 512; i++) expect(normalQuantile(i / 1024)).toBe(-normalQuantile(1 - i / 1024));
  });
});

const QUANTILES: [number, number][] = [
  [0.25, -0.6744897501960817],
  [0.001, -3.0902323061678136],
  [0.01, -2.326347874040841],
  [0.0625, -1.5341205443525463],
  [0.4, -0.2533471031357997],
  [0.9, 1.2815515655446006],
  [0.975, 1.9599639845400538],
  [1e-10, -6.361340902404057],
  [1e-12, -7.034483825301132],
  [2 ** -53, -8.209536151601387],
];

describe('log', () => {
  it('is within 2 ulp of Math.log, from the smallest denormal to the largest number', () => {
    for (let i = 0; i < 200_000; i++) {
      const x = (1 + random.uniform(i)) * 2 ** ((i % 2098) - 1074);
      expectWithinUlp(log(x), Math.log(x), 2);
    }
  });

  it('keeps its relative accuracy around 1', () => {
    for (let i = 0; i < 100_000; i++) {
      const x = 1 + (random.uniform(i) - 0.5) * 2 ** -(i % 50);
      expectWithinUlp(log(x), Math.log(x), 2);
    }
  });

  it('answers special values as Math.log does', () => {
    for (const x of [0, -0, -1, 1, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      expect(log(x)).toBe(Math.log(x));
    }
  });
});

describe('shuffle', () => {
  const items = Array.from({ length: 100 }, (_, i) => i);

  it('returns a permutation and leaves the items alone', () => {
    const shuffled = shuffle(items, 1, STREAMS.split);
    expect(items).toEqual(Array.from({ length: 100 }, (_, i) => i));
    expect(shuffled).not.toEqual(items);
    expect([...shuffled].sort((a, b) => a - b)).toEqual(items);
  });

  it('depends on the seed and on the stream, and on nothing else', () => {
    const shuffled = shuffle(items, 1, STREAMS.split);
    expect(shuffle(items, 1, STREAMS.split)).toEqual(shuffled);
    expect(shuffle(items, 2, STREAMS.split)).not.toEqual(shuffled);
    expect(shuffle(items, 1, STREAMS.sample)).not.toEqual(shuffled);
  });

  it('reaches each order of three items about equally often', () => {
    const counts = new Map<string, number>();
    for (let seed = 0; seed < 6000; seed++) {
      const order = shuffle(['a', 'b', 'c'], seed, 1).join('');
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(counts.size).toBe(6);
    for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(4 * Math.sqrt(1000));
  });

  it('takes no items and one item', () => {
    expect(shuffle([], 1, 1)).toEqual([]);
    expect(shuffle(['a'], 1, 1)).toEqual(['a']);
  });
});

function moments(count: number, draw: (i: number) => number) {
  const values = Float64Array.from({ length: count }, (_, i) => draw(i));
  const mean = values.reduce((sum, value) => sum + value, 0) / count;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / count;
  return {
    mean,
    variance,
    min: values.reduce((a, b) => Math.min(a, b)),
    max: values.reduce((a, b) => Math.max(a, b)),
  };
}

function expectWithinUlp(got: number, want: number, bound: number): void {
  const exponent = Math.max(-1022, Math.floor(Math.log2(Math.abs(want) || 2 ** -1022)));
  // Plain comparison: an expect per value would take longer than the arithmetic.
  if (!(Math.abs(got - want) <= bound * 2 ** (exponent - 52))) expect(got).toBe(want);
}
