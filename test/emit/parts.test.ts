import { describe, expect, it } from 'vitest';
import { uniform } from '../../bench/golden/hash.js';
import { compileProgram } from '../../src/emit/compile.js';
import { evaluateGraph } from '../../src/graph/evaluate.js';
import { f32, i32, scatterAdd, type Tensor, trace } from '../../src/index.js';
import { nanmax } from '../../src/ops/reduce.js';
import { CompiledEngine } from '../../src/run/engine.js';
import { readLibrary, spawnWorker } from '../../src/run/node.js';
import { numel, type Shape, type TensorType } from '../../src/shape.js';

// What is made in parts, or shared by columns or rows: the bits are those of one thread, of kernels that are not fused, and
// of poisoned memory; the error is that of a short sum.

type Given = Record<string, Tensor>;
type Data = Record<string, Float32Array | Int32Array>;
type Outputs = Record<string, ArrayLike<number>>;

const WAYS: readonly CompileWay[] = [{}, { without: ['fuse'] }, { poison: true }];

type CompileWay = { readonly without?: readonly string[]; readonly poison?: boolean };

/** What a function gives with one to four threads, compiled in several ways, which must be the same. */
async function allWays(
  types: Record<string, TensorType>,
  f: (given: Given) => Record<string, Tensor>,
  data: Data,
  ways = WAYS,
) {
  const graph = trace('parts', types, f);
  let out: Outputs | undefined;
  let text = '';
  for (const way of ways) {
    const module = await compileProgram(
      { name: 'parts', variables: [], entries: { call: graph } },
      { library: await readLibrary(), level: 1, threadShare: 0, ...way },
    );
    text ||= await module.text('schedule');
    for (const threads of [1, 2, 3, 4]) {
      const engine = await CompiledEngine.start({
        ...{ wasm: module.wasm, layout: module.plan, shared: true, threads, seed: 0 },
        initial: new Map(),
        spawn: spawnWorker,
      });
      const got = engine.invoke('call', data) as Outputs;
      out ??= Object.fromEntries(Object.entries(got).map(([name, values]) => [name, Array.from(values)]));
      for (const [name, values] of Object.entries(got)) {
        const want: ArrayLike<number> = out[name];
        const off = Array.from(values).findIndex((x, i) => !Object.is(x, want[i]));
        if (off >= 0)
          expect.fail(
            `${name}[${off}], ${threads} threads, ${JSON.stringify(way)}: ${values[off]}, not ${want[off]}`,
          );
      }
      await engine.close();
    }
  }
  return { out: out!, text, exact: () => evaluateGraph(graph, data, {}, 'float64').outputs };
}

/** The largest error of all elements, NaN if one is; an `expect` for each would take longer than to compute them. */
function largest(want: ArrayLike<number>, errorOf: (x: number, i: number) => number): number {
  return Array.from(want).reduce((most, x, i) => Math.max(most, errorOf(x, i)), 0);
}

/** The largest error as a part of the largest sum of absolute terms. */
const worst = (got: ArrayLike<number>, want: ArrayLike<number>, mass: number) =>
  largest(want, (x, i) => Math.abs(got[i] - x) / mass);

/** The largest error relative to the element itself. */
const relative = (got: ArrayLike<number>, want: ArrayLike<number>) =>
  largest(want, (x, i) => Math.abs(got[i] / x - 1));

const UNIT = 2 ** -24;

describe('a long reduction to few values', () => {
  const shapes: readonly [shape: Shape, axes: readonly number[]][] = [
    [[40_003], [0]],
    [[32_768], [0]],
    [[131_071], [0]],
    [[33_001, 3], [0]],
    [[20_000, 17], [0]],
    [
      [211, 307],
      [0, 1],
    ],
    [[2, 200_003], [1]],
    [
      [2, 100_001, 3],
      [0, 1],
    ],
    [
      [301, 2, 401],
      [0, 2],
    ],
    [
      [5, 2, 90_001],
      [0, 2],
    ],
    [
      [90_001, 2, 5],
      [0, 2],
    ],
    [
      [3, 1, 100_000, 1],
      [0, 2],
    ],
  ];

  it('is made in parts, with the same bits in all ways and the error of a short one', async () => {
    const types: Record<string, TensorType> = {};
    const data: Data = {};
    shapes.forEach(([shape], i) => {
      types[`x${i}`] = f32(...shape);
      // Over many magnitudes.
      data[`x${i}`] = uniform(numel(shape), 1, i).map((x, k) => x * 2 ** ((k * 7) % 23));
    });
    const { out, text, exact } = await allWays(
      types,
      (given) =>
        Object.fromEntries(
          shapes.flatMap(([, axes], i) => {
            const x = given[`x${i}`];
            const sum = x.sum([...axes], { keepDims: true });
            return [
              [`sum${i}`, sum],
              [
                `fused${i}`,
                x
                  .mul(0.5)
                  .square()
                  .add(1)
                  .sum([...axes])
                  .sqrt(),
              ],
              [`most${i}`, x.max([...axes]).add(nanmax(x, [...axes]))],
              [
                `after${i}`,
                x
                  .sub(sum.mul(1e-9))
                  .abs()
                  .sum([...axes]),
              ],
            ];
          }),
        ),
      data,
    );
    expect(text.match(/reduce in \d+ parts/g)!.length).toBeGreaterThanOrEqual(2 * shapes.length);
    const want = exact();
    shapes.forEach(([shape], i) => {
      const mass = Math.max(...(want[`after${i}`].data as Float64Array));
      expect(worst(out[`sum${i}`], want[`sum${i}`].data, mass), `${shape}`).toBeLessThan(4 * UNIT);
      expect(worst(out[`after${i}`], want[`after${i}`].data, mass), `${shape}`).toBeLessThan(8 * UNIT);
      for (const name of ['fused', 'most'])
        expect(relative(out[`${name}${i}`], want[`${name}${i}`].data), `${name} of ${shape}`).toBeLessThan(
          8 * UNIT,
        );
    });
  });

  it('has the error of a block for ten million terms', async () => {
    const n = 10_000_000;
    const x = uniform(n, 0.5, 1).map((v) => v + 0.5);
    const { out, exact } = await allWays(
      { x: f32(n) },
      ({ x }) => ({ sum: x.sum(), columns: x.reshape([n / 5, 5]).sum(0) }),
      { x },
      [{}],
    );
    for (const [name, { data }] of Object.entries(exact()))
      expect(relative(out[name], data), name).toBeLessThan(2 * UNIT);
  });

  it('is Infinity or NaN where its terms are, in whatever part', async () => {
    const n = 50_000;
    const row = (...at: [number, number][]) => {
      const x = new Float32Array(n).fill(1);
      for (const [place, value] of at) x[place] = value;
      return x;
    };
    const { POSITIVE_INFINITY: inf, NaN: nan } = Number;
    const rows = [
      row([49_999, inf]),
      row([0, -inf]),
      row([3, inf], [40_000, -inf]),
      row([30_000, nan]),
      row([9, 3e38], [49_000, -3e38]),
    ];
    const types: Record<string, TensorType> = {};
    const data: Data = {};
    rows.forEach((x, i) => {
      types[`x${i}`] = f32(n);
      types[`y${i}`] = f32(n, 2);
      data[`x${i}`] = x;
      data[`y${i}`] = Float32Array.from({ length: 2 * n }, (_, k) => x[k >> 1]);
    });
    const { out } = await allWays(
      types,
      (given) =>
        Object.fromEntries(
          rows.flatMap((_, i) => {
            const [x, y] = [given[`x${i}`], given[`y${i}`]];
            return [
              [`sum${i}`, x.sum()],
              [`columns${i}`, y.sum(0)],
              [`numbers${i}`, nanmax(x)],
              [`most${i}`, x.max()],
            ];
          }),
        ),
      data,
      [{}],
    );
    rows.forEach((_, i) => {
      const want = [inf, -inf, nan, nan, null][i];
      for (const value of [out[`sum${i}`][0], out[`columns${i}`][0], out[`columns${i}`][1]])
        if (want === null) expect(Number.isFinite(value)).toBe(true);
        else expect(value).toBe(want);
      expect(out[`numbers${i}`][0]).toBe([inf, 1, inf, 1, Math.fround(3e38)][i]);
      expect(out[`most${i}`][0]).toBe([inf, 1, inf, nan, Math.fround(3e38)][i]);
    });
  });

  it('stands among values of its own loops, and before those that need it', async () => {
    const [n, c] = [30_001, 4];
    const { out, exact } = await allWays(
      { x: f32(n, c), gain: f32(c) },
      ({ x, gain }) => {
        // Batch norm: each stage needs the sums of the one before.
        const mean = x.mean(0);
        const centred = x.sub(mean);
        const scale = centred.square().mean(0).add(1e-5).rsqrt().mul(gain);
        const y = centred.mul(scale);
        // Exponentials take the place of what they are made from.
        const bent = x.tanh();
        const exps = bent.sub(bent.max()).exp();
        return {
          y,
          mean,
          spread: y.square().mean(0),
          softmax: exps.div(exps.sum()),
        };
      },
      { x: uniform(n * c, 3, 5), gain: uniform(c, 1, 6) },
    );
    for (const [name, { data }] of Object.entries(exact()))
      expect(
        largest(data, (want, i) => Math.abs(out[name][i] - want) / Math.max(1, Math.abs(want))),
        name,
      ).toBeLessThan(2e-6);
  });

  it('of integers is exact', async () => {
    const n = 70_001;
    const x = Int32Array.from({ length: n }, (_, i) => (i * 2_654_435_761) | 0);
    const { out, exact } = await allWays({ x: i32(n) }, ({ x }) => ({ sum: x.sum(), most: x.max() }), { x });
    for (const [name, { data }] of Object.entries(exact())) expect(out[name][0]).toBe(data[0]);
  });
});

describe('a product with a long k and few elements', () => {
  const sizes = [
    [1, 1, 500_003],
    [10, 10, 20_003],
    [3, 5, 100_000],
    [28, 7, 20_001],
    [1, 60, 30_011],
    [20, 1, 110_021],
    [28, 112, 2_003],
  ];
  it('is made in parts, which are added in pairs', async () => {
    const types: Record<string, TensorType> = {};
    const data: Data = {};
    sizes.forEach(([m, n, k], i) => {
      Object.assign(types, {
        ...{ [`a${i}`]: f32(m, k), [`at${i}`]: f32(k, m), [`b${i}`]: f32(k, n) },
        [`bias${i}`]: f32(n),
      });
      data[`a${i}`] = uniform(m * k, 0.5, i).map((x) => x + 0.5);
      data[`at${i}`] = uniform(k * m, 1, 2);
      data[`b${i}`] = uniform(k * n, 0.5, 3).map((x) => x + 0.5);
      data[`bias${i}`] = uniform(n, 1, 4);
    });
    const { out, text, exact } = await allWays(
      types,
      (given) =>
        Object.fromEntries(
          sizes.flatMap((_, i) => {
            const [a, at, b, bias] = ['a', 'at', 'b', 'bias'].map((name) => given[`${name}${i}`]);
            return [
              [`c${i}`, a.matmul(b)],
              [`after${i}`, at.transpose().matmul(b).mul(1e-3).add(bias).tanh()],
            ];
          }),
        ),
      data,
    );
    for (const [m, n] of sizes)
      expect(text).toMatch(new RegExp(`gemm_t?n?n_\\d+x${m}x${n}x\\d+\\n    fuses  matmul\\n`));
    const want = exact();
    sizes.forEach((_, i) => {
      expect(relative(out[`c${i}`], want[`c${i}`].data)).toBeLessThan(16 * UNIT);
      expect(worst(out[`after${i}`], want[`after${i}`].data, 1)).toBeLessThan(1e-5);
    });
  });
});

describe('rows added to a table', () => {
  const tables = [
    // Rows of the table, indices, columns: chained or not, by rows or by columns, with and without a rest.
    [50, 1000, 1],
    [50, 1000, 5],
    [13, 900, 31],
    [50, 1000, 33],
    [50, 1000, 70],
    [3000, 400, 7],
    [3000, 400, 66],
    [40, 200, 30],
    [7, 600, 3],
    [1, 300, 2],
  ];
  it('have the same bits whoever adds them, also where one index has most of them', async () => {
    const types: Record<string, TensorType> = {};
    const data: Data = {};
    tables.forEach(([rows, count, width], i) => {
      types[`table${i}`] = f32(rows, width);
      types[`ids${i}`] = i32(count);
      types[`hot${i}`] = i32(count);
      types[`rows${i}`] = f32(count, width);
      data[`table${i}`] = uniform(rows * width, 1, i);
      data[`ids${i}`] = Int32Array.from({ length: count }, (_, k) => (k * k * 7 + (k >> 1)) % rows);
      data[`hot${i}`] = Int32Array.from({ length: count }, (_, k) => (k % 5 ? rows >> 1 : k % rows));
      data[`rows${i}`] = uniform(count * width, 1, -i);
    });
    const { out, exact } = await allWays(
      types,
      (given) =>
        Object.fromEntries(
          tables.flatMap((_, i) => {
            const [table, rows] = [given[`table${i}`], given[`rows${i}`]];
            return [
              [`onto${i}`, scatterAdd(table, given[`ids${i}`], rows)],
              [`hot${i}`, scatterAdd(table.mul(0), given[`hot${i}`], rows.mul(2))],
            ];
          }),
        ),
      data,
    );
    for (const [name, { data: want }] of Object.entries(exact()))
      expect(worst(out[name], want, 1), name).toBeLessThan(2e-5);
  });
});
