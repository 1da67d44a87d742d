import { expect, it } from 'vitest';
import { uniform } from '../../bench/golden/hash.js';
import { compileProgram } from '../../src/emit/compile.js';
import type { Graph } from '../../src/graph/graph.js';
import { f32, type Tensor, trace } from '../../src/index.js';
import { nanmax } from '../../src/ops/reduce.js';
import { passes } from '../../src/optimize/index.js';
import { CompiledEngine } from '../../src/run/engine.js';
import { readLibrary, spawnWorker } from '../../src/run/node.js';
import { numel, type Shape } from '../../src/shape.js';

// A reduction has the same bits whatever shares its kernel, however its operand lies, and whoever computes it.

interface Case {
  readonly shape: Shape;
  readonly axes: readonly number[];
  /** What the second operand of the producer has of the shape; 1 elsewhere. */
  readonly second: Shape;
  readonly reduce: (x: Tensor, axes: readonly number[]) => Tensor;
}

type Given = Record<string, Tensor>;
type Surroundings = (c: Case, given: Given) => Record<string, Tensor>;

const total = (x: Tensor, axes: readonly number[]) => x.sum([...axes], { keepDims: true });
const largest = (x: Tensor, axes: readonly number[]) => nanmax(x, axes, { keepDims: true });
const produce = ({ x, b }: Given) => x.mul(b).tanh();
const reversed = (rank: number) => Array.from({ length: rank }, (_, i) => rank - 1 - i);

/** Each gives the reduction of the same numbers as `y`, among other things. */
const surroundings: Record<string, Surroundings> = {
  'of a stored operand': (c, { v }) => ({ y: c.reduce(v, c.axes) }),
  'with its producer': (c, given) => ({ y: c.reduce(produce(given), c.axes) }),
  'whose producer is wanted too': (c, given) => {
    const v = produce(given);
    return { v, y: c.reduce(v, c.axes), w: v.add(1) };
  },
  'beside a dozen values': (c, given) => crowded(c, given, 12),
  'beside forty values': (c, given) => crowded(c, given, 40),
  'that is read in the same loops': (c, given) => {
    const v = produce(given);
    const y = c.reduce(v, c.axes);
    return { y, centred: v.sub(y.mul(0.01)), squares: c.reduce(v.sub(y).square(), c.axes) };
  },
  'beside other reductions': (c, given) => {
    const v = produce(given);
    const { x } = given;
    return { most: v.max([...c.axes]), x: x.sum([...c.axes]), y: c.reduce(v, c.axes), all: v.sum() };
  },
  'beside reads that cut its loops': (c, { v, ...given }) => ({
    z: v.add(given.b).mul(given.cut),
    y: c.reduce(v, c.axes),
  }),
  'of an operand that lies the other way round': (c, { t }) => ({
    y: c.reduce(t.transpose(reversed(c.shape.length)), c.axes),
  }),
  'of a part of an operand': (c, { padded }) => ({
    y: c.reduce(
      padded.slice(
        c.shape.map(() => 1),
        [...c.shape],
      ),
      c.axes,
    ),
  }),
};

/** The reduction among elementwise values that its kernel takes in. */
function crowded(c: Case, given: Given, count: number) {
  const v = produce(given);
  const others = Array.from({ length: count }, (_, i) => v.mul(i + 2).add(given.x));
  return { y: c.reduce(v, c.axes), sum: others.reduce((a, b) => a.sub(b)) };
}

/** Sizes around vectors, steps and blocks. */
const LONG = [3, 5, 15, 16, 17, 30, 33, 48, 64, 100, 511, 513, 1023, 1025, 2500];
const SHORT = [1, 2, 3, 5, 9];

function randomCase(seed: number): Case {
  const numbers = uniform(32, 0.5, seed).map((x) => x + 0.5);
  let next = 0;
  const below = (n: number) => Math.min(n - 1, Math.floor(numbers[next++] * n));
  const rank = 1 + below(4);
  const long = below(rank);
  const shape = Array.from({ length: rank }, (_, i) =>
    i === long ? LONG[below(LONG.length)] : SHORT[below(SHORT.length)],
  );
  const axes = shape.map((_, i) => i).filter((i) => i === long || below(3) > 0);
  const second = shape.map((size) => (below(2) ? size : 1));
  return { shape, axes, second, reduce: below(5) === 0 ? largest : total };
}

/** Shapes of which one is likely to go wrong where the order depends on loops. */
const KNOWN: readonly Case[] = [
  { shape: [40, 27], axes: [0, 1], second: [1, 27], reduce: total },
  { shape: [40, 27], axes: [0, 1], second: [40, 1], reduce: largest },
  { shape: [40, 48], axes: [0, 1], second: [1, 48], reduce: total },
  { shape: [1000, 3], axes: [0], second: [1000, 1], reduce: total },
  { shape: [20, 30, 5], axes: [0, 1], second: [1, 30, 5], reduce: total },
  { shape: [20, 3, 50], axes: [0, 2], second: [20, 1, 1], reduce: total },
  { shape: [3, 2500], axes: [1], second: [3, 1], reduce: total },
  // In parts.
  { shape: [40_003], axes: [0], second: [40_003], reduce: total },
  { shape: [150, 300], axes: [0, 1], second: [1, 300], reduce: total },
  { shape: [160, 256], axes: [0, 1], second: [160, 1], reduce: largest },
  { shape: [20_001, 3], axes: [0], second: [1, 3], reduce: total },
  { shape: [300, 2, 400], axes: [0, 2], second: [1, 2, 1], reduce: total },
];

function graphOf(name: string, c: Case, around: Surroundings): Graph {
  const types = {
    x: f32(...c.shape),
    b: f32(...c.second),
    v: f32(...c.shape),
    t: f32(...[...c.shape].reverse()),
    padded: f32(...c.shape.map((size) => size + 2)),
    cut: f32(...c.shape.map((size, i) => (i % 2 ? size : 1))),
  };
  return trace(name, types, (given: Given) => around(c, given));
}

/** Index of each element of `shape` in a larger tensor, `edge` from its corner, with its axes reversed or not. */
function placed(shape: Shape, edge: number, reverse: boolean): number[] {
  const outer = shape.map((size) => size + 2 * edge);
  return Array.from({ length: numel(shape) }, (_, i) => {
    let rest = i;
    const index = [...shape].reverse().map((size) => {
      const at = rest % size;
      rest = Math.floor(rest / size);
      return at + edge;
    });
    if (!reverse) index.reverse();
    const sizes = reverse ? [...outer].reverse() : outer;
    return index.reduce((at, k, axis) => at * sizes[axis] + k, 0);
  });
}

function spread(v: ArrayLike<number>, places: readonly number[], length: number): Float32Array {
  const out = new Float32Array(length).fill(7);
  places.forEach((at, i) => {
    out[at] = v[i];
  });
  return out;
}

/** Inputs that the producer alone does not read. */
const UNUSED = { v: [], t: [], padded: [] };

interface Setting {
  readonly title: string;
  readonly without: readonly string[];
  readonly seed: number;
  readonly poison?: boolean;
}

const algebra = ['simplify-arithmetic'];
const settings: readonly Setting[] = [
  { title: 'as shipped', without: algebra, seed: 1000 },
  { title: 'with memory poisoned', without: algebra, seed: 2000, poison: true },
  { title: 'without any pass', without: passes.map((pass) => pass.name), seed: 3000 },
];

it.each(settings)(
  'a reduction has the same bits in all surroundings, $title',
  async ({ seed, without, poison }) => {
    const cases = [...KNOWN, ...Array.from({ length: 8 }, (_, i) => randomCase(seed + i))];
    const names = Object.keys(surroundings);
    const entries: Record<string, Graph> = {};
    for (const [i, c] of cases.entries()) {
      entries[`p${i}`] = graphOf(`p${i}`, c, (_, given) => ({ v: produce(given) }));
      for (const [s, name] of names.entries())
        entries[`c${i}s${s}`] = graphOf(`c${i}s${s}`, c, surroundings[name]);
    }
    const module = await compileProgram(
      { name: 'sums', variables: [], entries },
      { library: await readLibrary(), level: 0, threadShare: 0, without, poison },
    );
    const first = new Map<number, Float32Array>();
    const problems: string[] = [];
    for (const threads of [1, 2, 3, 4]) {
      const engine = await CompiledEngine.start({
        ...{ wasm: module.wasm, layout: module.plan, shared: true, threads, seed: 0 },
        initial: new Map(),
        spawn: spawnWorker,
      });
      for (const [i, c] of cases.entries()) {
        const data: Record<string, Float32Array> = {
          x: uniform(numel(c.shape), 1, seed + i).map((x, k) => (c.reduce === largest && k % 3 ? 0 * x : x)),
          b: uniform(numel(c.second), 1, seed - i),
          cut: uniform(numel(c.shape.map((size, k) => (k % 2 ? size : 1))), 1, i),
        };
        const v = Float32Array.from(engine.invoke(`p${i}`, { ...data, ...UNUSED }).v);
        const outer = numel(c.shape.map((size) => size + 2));
        Object.assign(data, {
          v,
          t: spread(v, placed(c.shape, 0, true), v.length),
          padded: spread(v, placed(c.shape, 1, false), outer),
        });
        for (const [s, name] of names.entries()) {
          const { y } = engine.invoke(`c${i}s${s}`, data);
          const want = first.get(i) ?? Float32Array.from(y);
          first.set(i, want);
          const off = want.findIndex((w, k) => !Object.is(w, y[k]));
          if (off >= 0)
            problems.push(
              `[${c.shape}] over [${c.axes}] ${name}, ${threads} threads: [${off}] ${y[off]}, not ${want[off]}`,
            );
        }
      }
      await engine.close();
    }
    expect(problems).toEqual([]);
  },
  300_000,
);
