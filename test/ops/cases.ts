import { parseGraph } from '../../src/graph/parse.js';
import { type Attrs, isBody } from '../../src/ops/op.js';
import { type DType, numel } from '../../src/shape.js';
import { convolutionCases, overlapCases, windowCases } from './convolutions.js';
import {
  BROADCAST,
  JOINED,
  PADDED,
  PAIRS,
  REDUCED,
  RESHAPED,
  SHAPES,
  SLICED,
  TABLES,
  TRANSPOSED,
} from './shapes.js';

export interface CaseInput {
  shape: readonly number[];
  dtype: DType;
  /** Values are in [low, high); from -2 to 2 unless given, for integers from -9 to 9. */
  low?: number;
  high?: number;
  /** Ids: integers in [0, size). */
  size?: number;
}

export interface OpCase {
  inputs: CaseInput[];
  attrs: Attrs;
}

/** The same values for the same seed, everywhere: f32 values are exact in float32; bool is 0 or 1. */
export function fill({ shape, dtype, low, high, size }: CaseInput, seed: number): Float32Array | Int32Array {
  const n = numel(shape);
  const at = (i: number) => uniform(i, seed);
  if (dtype === 'bool') return Int32Array.from({ length: n }, (_, i) => (at(i) < 0.5 ? 0 : 1));
  if (dtype === 'i32') {
    const [from, to] = size === undefined ? [low ?? -9, high ?? 9] : [0, size];
    return Int32Array.from({ length: n }, (_, i) => Math.floor(from + at(i) * (to - from)));
  }
  const [from, to] = [low ?? -2, high ?? 2];
  return Float32Array.from({ length: n }, (_, i) => from + at(i) * (to - from));
}

/** In [0, 1); the finalizer of MurmurHash3 over a counter. */
function uniform(i: number, seed: number): number {
  let x = (i + 1 + Math.imul(seed + 1, 0x9e3779b1)) >>> 0;
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  return ((x ^ (x >>> 16)) >>> 0) / 2 ** 32;
}

type Range = Pick<CaseInput, 'low' | 'high'>;

const f32 = (shape: number[], range: Range = {}): CaseInput => ({ shape, dtype: 'f32', ...range });
const i32 = (shape: number[], range: Range = {}): CaseInput => ({ shape, dtype: 'i32', ...range });
const bool = (shape: number[]): CaseInput => ({ shape, dtype: 'bool' });
const ids = (shape: number[], size: number): CaseInput => ({ shape, dtype: 'i32', size });
const none: Attrs = {};
const positive = { low: 0.25, high: 4 };

/** Every shape in a range where the op is smooth, and one tensor over a wide range. */
function unary(range: Range, wide: Range, integers = false): OpCase[] {
  const inputs = [...SHAPES.map((shape) => f32(shape, range)), f32([67], wide)];
  if (integers) inputs.push(i32([31]), i32([3, 5]), i32([0]), i32([33], { low: -2e9, high: 2e9 }));
  return inputs.map((input) => ({ inputs: [input], attrs: none }));
}

function binary(second: Range = {}, integers = true): OpCase[] {
  const floats = PAIRS.map(([a, b]) => ({ inputs: [f32(a), f32(b, second)], attrs: none }));
  if (!integers) return floats;
  const narrow = { low: -3, high: 3 };
  return [
    ...floats,
    ...PAIRS.slice(5).map(([a, b]) => ({ inputs: [i32(a, narrow), i32(b, narrow)], attrs: none })),
    { inputs: [i32([33], { low: -2e9, high: 2e9 }), i32([33], { low: -2e9, high: 2e9 })], attrs: none },
  ];
}

const WHERE: OpCase[] = [
  ...PAIRS.map(([a, b]) => ({ inputs: [bool(a), f32(a), f32(b)], attrs: none })),
  { inputs: [bool([5, 1]), f32([7]), f32([])], attrs: none },
  { inputs: [bool([]), f32([5, 7]), f32([7])], attrs: none },
  { inputs: [bool([2, 1, 3]), i32([4, 1]), i32([4, 3])], attrs: none },
];

const CLAMPS: OpCase[] = [
  ...PAIRS.map(([a, b]) => ({
    inputs: [f32(a), f32(b, { low: -1, high: 0 }), f32([], { low: 0.5, high: 1 })],
    attrs: none,
  })),
  { inputs: [f32([33]), f32([5, 1], { low: -1, high: 0 }), f32([33], { low: 0, high: 1 })], attrs: none },
  { inputs: [i32([31]), i32([], { low: -5, high: 0 }), i32([31], { low: 0, high: 5 })], attrs: none },
];

const CASTS: OpCase[] = [
  [f32([33], { low: -9, high: 9 }), 'i32'],
  [f32([5, 7], { low: -4e9, high: 4e9 }), 'i32'],
  [f32([31]), 'bool'],
  [i32([33]), 'f32'],
  [i32([7], { low: -2e9, high: 2e9 }), 'f32'],
  [i32([31], { low: -1, high: 2 }), 'bool'],
  [bool([33]), 'f32'],
  [bool([5, 7]), 'i32'],
  [f32([5]), 'f32'],
  [f32([]), 'i32'],
  [bool([0]), 'f32'],
].map(([input, to]) => ({ inputs: [input as CaseInput], attrs: { to: to as string } }));

/** Places, a step and a key: of any size, and of one element, as a model draws them. */
const words = { low: -(2 ** 31), high: 2 ** 31 };
const RANDOM: OpCase[] = [
  ...SHAPES.map((shape) => ({ inputs: [i32(shape, words), i32([], words), i32([], words)], attrs: none })),
  ...PAIRS.slice(14).map(([a, b]) => ({
    inputs: [i32(a, words), i32(b, words), i32([], words)],
    attrs: none,
  })),
  { inputs: [i32([]), i32([33, 1], words), i32([5], words)], attrs: none },
];

function reductions(empty: boolean): OpCase[] {
  const list = empty
    ? [
        ...REDUCED,
        [[0], [0]],
        [[4, 0], [1]],
        [
          [0, 3],
          [0, 1],
        ],
      ]
    : REDUCED;
  const low = { low: -2e9, high: -1 };
  return [
    ...list.map(([shape, axes]) => ({ inputs: [f32(shape)], attrs: { axes } })),
    { inputs: [f32([7, 33], { low: -9, high: -3 })], attrs: { axes: [1] } },
    { inputs: [i32([5, 7])], attrs: { axes: [0] } },
    { inputs: [i32([5, 33], low)], attrs: { axes: [1] } },
    { inputs: [i32([31], low)], attrs: { axes: [0] } },
  ];
}

function matmuls(): OpCase[] {
  const sizes = [
    [1, 1, 1],
    [3, 4, 5],
    [4, 8, 4],
    [5, 7, 3],
    [1, 33, 31],
    [33, 1, 5],
    [7, 5, 1],
    [31, 33, 4],
    [33, 31, 33],
    [32, 27, 200],
    [0, 5, 3],
    [5, 0, 3],
    [5, 3, 0],
  ];
  const leading: [number[], number[]][] = [
    [[3], [3]],
    [[2], [1]],
    [[], [4]],
    [[4], []],
    [
      [2, 1],
      [1, 3],
    ],
    [[5, 2], [2]],
    [[0], [1]],
  ];
  return [false, true].flatMap((transposeA) =>
    [false, true].flatMap((transposeB) => {
      const product = (m: number, n: number, k: number, a: number[] = [], b: number[] = []): OpCase => ({
        inputs: [
          f32([...a, ...(transposeA ? [k, m] : [m, k])]),
          f32([...b, ...(transposeB ? [n, k] : [k, n])]),
        ],
        attrs: { transposeA, transposeB },
      });
      return [
        ...sizes.map(([m, n, k]) => product(m, n, k)),
        ...leading.map(([a, b]) => product(5, 3, 7, a, b)),
      ];
    }),
  );
}

/** c' = tanh(c s) + x, n' = n + 1, y = c x. */
const STEP = parseGraph(`graph step(c0: f32[3], c1: i32[], x0: f32[3], s0: f32[1]) {
  %c = input "c0" : f32[3]
  %n = input "c1" : i32[]
  %x = input "x0" : f32[3]
  %s = input "s0" : f32[1]
  %cs = mul %c, %s : f32[3]
  %t = tanh %cs : f32[3]
  %next = add %t, %x : f32[3]
  %one = constant 1 : i32[]
  %count = add %n, %one : i32[]
  %y = mul %c, %x : f32[3]
  return y0 = %next
  return y1 = %count
  return y2 = %y
}`);

/** For every op what it must be tried on: in float64, in float32 and compiled; values and gradients. */
export const cases: Record<string, OpCase[]> = {
  expm1: unary({}, { low: -60, high: 60 }),
  log1p: unary({ low: -0.75, high: 3 }, { low: -0.9, high: 1e6 }),
  softplus: unary({}, { low: -60, high: 60 }),
  floor: unary({}, { low: -1e6, high: 1e6 }),
  ceil: unary({}, { low: -1e6, high: 1e6 }),
  round: unary({}, { low: -1e6, high: 1e6 }),
  sign: unary({}, { low: -1e6, high: 1e6 }, true),
  neg: unary({}, { low: -1e6, high: 1e6 }, true),
  exp: unary({}, { low: -80, high: 80 }),
  log: unary(positive, { low: 1e-6, high: 1e6 }),
  sqrt: unary(positive, { low: 1e-6, high: 1e6 }),
  rsqrt: unary(positive, { low: 1e-3, high: 1e6 }),
  tanh: unary({}, { low: -12, high: 12 }),
  gelu: unary({}, { low: -8, high: 8 }),
  gelu_tanh: unary({}, { low: -8, high: 8 }),
  silu: unary({}, { low: -60, high: 60 }),
  sigmoid: unary({}, { low: -60, high: 60 }),
  relu: unary({}, { low: -1e6, high: 1e6 }),
  abs: unary({}, { low: -1e6, high: 1e6 }, true),
  erf: unary({}, { low: -5, high: 5 }),
  sin: unary({}, { low: -50, high: 50 }),
  cos: unary({}, { low: -50, high: 50 }),
  contiguous: unary({}, { low: -1e6, high: 1e6 }),
  stop_gradient: unary({}, { low: -1e6, high: 1e6 }, true),

  add: binary(),
  sub: binary(),
  mul: binary(),
  div: [
    ...binary({ low: 0.5, high: 3 }, false),
    { inputs: [f32([33]), f32([33], { low: -3, high: -0.5 })], attrs: none },
  ],
  pow: [
    ...PAIRS.map(([a, b]) => ({ inputs: [f32(a, positive), f32(b, { low: -3, high: 3 })], attrs: none })),
    { inputs: [f32([67], { low: 1e-3, high: 1e3 }), f32([67], { low: -9, high: 9 })], attrs: none },
  ],
  clamp: CLAMPS,
  maximum: binary(),
  minimum: binary(),

  equal: binary(),
  not_equal: binary(),
  less: binary(),
  less_equal: binary(),
  greater: binary(),
  greater_equal: binary(),
  where: WHERE,
  cast: CASTS,

  sum: reductions(true),
  max: reductions(false),
  nanmax: reductions(false),
  max_with_index: [
    ...REDUCED.flatMap(([shape, axes]) => axes.map((axis) => ({ inputs: [f32(shape)], attrs: { axis } }))),
    ...[0, 1, 2].map((axis) => ({ inputs: [i32([5, 7, 3], { low: -2, high: 2 })], attrs: { axis } })),
    { inputs: [i32([33], { low: -2e9, high: -1 })], attrs: { axis: 0 } },
    { inputs: [f32([3, 0, 2])], attrs: { axis: 0 } },
  ],
  top_k: [
    ...[1, 3, 5].map((k) => ({ inputs: [f32([4, 5])], attrs: { axis: 1, k } })),
    ...[0, 1, 2].map((axis) => ({ inputs: [f32([5, 7, 3])], attrs: { axis, k: 2 } })),
    ...[0, 1].map((axis) => ({ inputs: [i32([6, 33], { low: -2, high: 2 })], attrs: { axis, k: 4 } })),
    { inputs: [i32([33], { low: -2e9, high: -1 })], attrs: { axis: 0, k: 3 } },
    { inputs: [f32([2, 0, 4])], attrs: { axis: 2, k: 2 } },
  ],

  reshape: [
    ...RESHAPED.map(([from, shape]) => ({ inputs: [f32(from)], attrs: { shape } })),
    { inputs: [i32([6])], attrs: { shape: [3, 2] } },
  ],
  transpose: [
    ...TRANSPOSED.map(([shape, perm]) => ({ inputs: [f32(shape)], attrs: { perm } })),
    { inputs: [i32([5, 7])], attrs: { perm: [1, 0] } },
  ],
  broadcast: [
    ...BROADCAST.map(([from, shape]) => ({ inputs: [f32(from)], attrs: { shape } })),
    { inputs: [bool([5, 1])], attrs: { shape: [5, 7] } },
    { inputs: [i32([7])], attrs: { shape: [3, 7] } },
  ],
  slice: [
    ...SLICED.map(([shape, starts, sizes]) => ({ inputs: [f32(shape)], attrs: { starts, sizes } })),
    { inputs: [i32([5, 7])], attrs: { starts: [1, 1], sizes: [4, 5] } },
  ],
  pad: [
    ...PADDED.map(([shape, before, after]) => ({ inputs: [f32(shape)], attrs: { before, after } })),
    { inputs: [i32([5])], attrs: { before: [2], after: [1] } },
  ],
  concat: [
    ...JOINED.map(([shapes, axis]) => ({ inputs: shapes.map((shape) => f32(shape)), attrs: { axis } })),
    { inputs: [i32([3, 2]), i32([3, 5])], attrs: { axis: 1 } },
  ],

  split: [
    { inputs: [f32([7])], attrs: { axis: 0, sizes: [3, 4] } },
    { inputs: [f32([5, 33])], attrs: { axis: 1, sizes: [1, 31, 0, 1] } },
    { inputs: [f32([4, 3, 5])], attrs: { axis: 1, sizes: [1, 1, 1] } },
    { inputs: [f32([4, 3])], attrs: { axis: 0, sizes: [4] } },
    { inputs: [f32([0, 3])], attrs: { axis: 0, sizes: [0, 0] } },
    { inputs: [i32([6, 2])], attrs: { axis: 0, sizes: [2, 4] } },
  ],

  scan: [1, 2, 5].flatMap((length) =>
    [false, true].map((reverse) => ({
      inputs: [f32([3]), i32([]), f32([length, 3]), f32([1])],
      attrs: { body: STEP, length, carries: 2, scanned: 1, reverse },
    })),
  ),

  random: RANDOM,
  iota: [0, 1, 3, 4, 5, 31, 33].map((size) => ({ inputs: [], attrs: { size } })),
  index: SHAPES.map((shape) => ({ inputs: [ids(shape, 7)], attrs: { size: 7, what: 'gather' } })),
  gather: [
    ...TABLES.map(([table, shape]) => ({ inputs: [f32(table), ids(shape, table[0])], attrs: none })),
    { inputs: [i32([7, 5]), ids([4], 7)], attrs: none },
  ],
  scatter_add: TABLES.map(([table, shape]) => ({
    inputs: [f32(table), ids(shape, table[0]), f32([...shape, ...table.slice(1)])],
    attrs: none,
  })),
  sum_repeats: TABLES.map(([table, shape]) => ({
    inputs: [ids(shape, table[0]), f32([...shape, ...table.slice(1)])],
    attrs: none,
  })),
  matmul: matmuls(),
  window: windowCases,
  overlap_add: overlapCases,
  ...convolutionCases,
};

/** A case in a few words, for the names of tests. */
export function describeCase({ inputs, attrs }: OpCase): string {
  const types = inputs.map(({ dtype, shape, low, high }) => {
    return `${dtype}[${shape}]${low === undefined ? '' : ` in ${low}..${high}`}`;
  });
  const text = (value: Attrs[string]) => (isBody(value) ? value.name : String(value));
  return [...types, ...Object.entries(attrs).map(([key, value]) => `${key}=${text(value)}`)].join(' ');
}
