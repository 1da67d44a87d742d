import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import {
  add,
  broadcastTo,
  cast,
  clamp,
  concat,
  crossEntropy,
  DataError,
  DTypeError,
  equal,
  GraphError,
  gather,
  greater,
  greaterEqual,
  iota,
  leakyRelu,
  less,
  lessEqual,
  logSoftmax,
  matmul,
  max,
  maximum,
  mean,
  meanSquaredError,
  minimum,
  mul,
  nn,
  notEqual,
  OptionError,
  pad,
  pick,
  reshape,
  ShapeError,
  scatterAdd,
  slice,
  softmax,
  sub,
  sum,
  type Tensor,
  tensor,
  trace,
  transpose,
  variance,
  where,
} from '../../src/index.js';

const file = fileURLToPath(import.meta.url);

/** What `f` throws: the class, and the message without the place at its end, which must be in this file. */
function thrown(f: () => unknown): { type: unknown; message: string } {
  try {
    f();
  } catch (error) {
    const { message } = error as Error;
    const place = / \(errors\.test\.ts:(\d+)\)$/;
    expect(message).toMatch(place);
    expect(message).not.toContain('\n');
    return { type: (error as Error).constructor, message: message.replace(place, '') };
  }
  throw new Error('nothing was thrown');
}

const f = (...shape: number[]) => broadcastTo(tensor(1), shape);
const i = (...shape: number[]) => broadcastTo(tensor(0, { dtype: 'i32' }), shape);

const shapeErrors: [string, () => unknown][] = [
  ['add: shapes do not broadcast: [3, 4] and [3]', () => f(3, 4).add(f(3))],
  ['where: shapes do not broadcast: [2] and [3] and []', () => where(f(2).less(0), f(3), f())],
  ['matmul: inner sizes differ: [32, 30] x [27, 200]', () => matmul(f(32, 30), f(27, 200))],
  ['matmul: inner sizes differ: [2, 4, 5] x [2, 4, 5]', () => matmul(f(2, 4, 5), f(2, 4, 5))],
  ['matmul: operands need two axes or more: [3] x [3, 4] (use reshape)', () => matmul(f(3), f(3, 4))],
  ['matmul: shapes do not broadcast: [2] and [3]', () => matmul(f(2, 4, 5), f(3, 5, 4))],
  ['reshape: [3, 4] has 12 elements, [5] has 5', () => reshape(f(3, 4), [5])],
  ['reshape: [3, 4] does not divide into [5, -1]', () => reshape(f(3, 4), [5, -1])],
  ['reshape: [1.5] is not a shape: sizes are whole numbers from 0', () => reshape(f(3), [1.5])],
  ['clamp: shapes do not broadcast: [3] and [4]', () => f(3).clamp(f(4), 1)],
  ['pow: shapes do not broadcast: [3] and [4]', () => f(3).pow(f(4))],
  ['transpose: axis 2 is out of range for a tensor of 2 axes', () => transpose(f(3, 4), [0, 2])],
  ['transpose: [0, 0] is no order of the 2 axes of [3, 4]', () => transpose(f(3, 4), [0, 0])],
  ['transpose: [0] is no order of the 2 axes of [3, 4]', () => transpose(f(3, 4), [0])],
  ['broadcast: [3] does not broadcast to [1]', () => broadcastTo(f(3), [1])],
  ['broadcast: shapes do not broadcast: [3] and [4]', () => broadcastTo(f(3), [4])],
  ['slice: from [2, 0] by [2, 4] is outside of [3, 4]', () => slice(f(3, 4), [2, 0], [2, 4])],
  ['slice: from [0] by [3] is outside of [3, 4]', () => slice(f(3, 4), [0], [3])],
  [
    'concat: tensors must agree but for axis 1: f32 [3, 4] and f32 [2, 4]',
    () => concat([f(3, 4), f(2, 4)], 1),
  ],
  ['concat: tensors must agree but for axis 0: f32 [3] and i32 [3]', () => concat([f(3), i(3)])],
  ['concat: needs at least one tensor', () => concat([])],
  ['sum: axis 2 is out of range for a tensor of 2 axes', () => sum(f(3, 4), 2)],
  ['sum: an axis is named twice in [1,1]', () => sum(f(3, 4), [1, -1])],
  ['max: there is nothing to reduce over axes [0] of [0, 4]', () => max(f(0, 4), 0)],
  ['mean: there are no elements along the axes of [0, 4]', () => mean(f(0, 4), 0)],
  ['variance: an unbiased estimate needs at least two elements', () => variance(f(1), 0, { unbiased: true })],
  ['softmax: axis -1 is out of range for a tensor of 0 axes', () => softmax(5)],
  ['logSoftmax: axis 2 is out of range for a tensor of 2 axes', () => logSoftmax(f(3, 4), 2)],
  ['gather: the table needs at least one axis', () => gather(f(), i(2))],
  ['scatter_add: updates must be [2, 3] for ids [2], not [2, 4]', () => scatterAdd(f(5, 3), i(2), f(2, 4))],
  ['pick: ids [3] must be one per row of [2, 3]', () => pick(f(2, 3), i(3))],
];

const optionErrors: [string, () => unknown][] = [
  ['clamp: give a lower bound, an upper one, or both, as in clamp(x, 0, 1)', () => f(3).clamp()],
  [
    'clamp: give a lower bound, an upper one, or both, as in clamp(x, 0, 1)',
    () => clamp(f(3), null, undefined),
  ],
  ['clamp: the lower bound is NaN', () => f(3).clamp(Number.NaN, 1)],
  ['clamp: the upper bound is NaN', () => f(3).clamp(0, Number.NaN)],
];

const dtypeErrors: [string, () => unknown][] = [
  ['add: dtypes differ: f32 and i32 (convert with cast)', () => add(f(3), i(3))],
  ["div: takes f32, not i32[3]: convert with cast(x, 'f32')", () => i(3).div(2)],
  ["exp: takes f32, not i32[3]: convert with cast(x, 'f32')", () => i(3).exp()],
  ["mean: takes f32, not i32[3]: convert with cast(x, 'f32')", () => i(3).mean()],
  ["mean: takes f32, not bool[3]: convert with cast(x, 'f32')", () => mean(i(3).less(2))],
  ["variance: takes f32, not i32[3]: convert with cast(x, 'f32')", () => i(3).variance()],
  ["neg: takes f32 or i32, not bool[3]: convert with cast(x, 'f32')", () => i(3).less(2).neg()],
  ["less: takes f32 or i32, not bool[2]: convert with cast(x, 'f32')", () => i(2).less(1).less(i(2).less(1))],
  ["sum: takes f32 or i32, not bool[3]: convert with cast(x, 'f32')", () => sum(i(3).less(2))],
  ["matmul: takes f32, not i32[3,4]: convert with cast(x, 'f32')", () => matmul(i(3, 4), f(4, 5))],
  ["softmax: takes f32, not i32[3]: convert with cast(x, 'f32')", () => softmax(i(3))],
  ["silu: takes f32, not i32[3]: convert with cast(x, 'f32')", () => i(3).silu()],
  ["softplus: takes f32, not i32[3]: convert with cast(x, 'f32')", () => i(3).softplus()],
  ["floor: takes f32, not i32[3]: convert with cast(x, 'f32')", () => i(3).floor()],
  ["pow: takes f32, not i32[3]: convert with cast(x, 'f32')", () => i(3).pow(2)],
  ["pow: takes f32, not i32[3]: convert with cast(x, 'f32')", () => i(3).pow(i(3))],
  ['pow: dtypes differ: f32 and i32 (convert with cast)', () => f(3).pow(i(3))],
  ['clamp: dtypes differ: f32 and i32 (convert with cast)', () => f(3).clamp(0, i(3))],
  ['where: takes bool, not f32[3]', () => where(f(3), f(3), f(3))],
  ['where: dtypes differ: f32 and i32 (convert with cast)', () => where(i(3).less(1), f(3), i(3))],
  ['gather: takes i32, not f32[2]', () => gather(f(3, 4), f(2))],
  ['pick: takes i32, not f32[2]', () => pick(f(2, 3), f(2))],
  ["scatter_add: takes f32, not i32[3]: convert with cast(x, 'f32')", () => scatterAdd(i(3), i(2), i(2))],
];

describe('a shape error', () => {
  it.each(shapeErrors)('reads: %s', (message, f) => {
    expect(thrown(f)).toEqual({ type: ShapeError, message });
  });

  it('names pads and iotas of sizes below 0', () => {
    expect(() => pad(f(3), [-1], [0])).toThrow('is not a shape: sizes are whole numbers from 0');
    expect(() => iota(-1)).toThrow('iota: [-1] is not a shape: sizes are whole numbers from 0');
  });
});

describe('an option error', () => {
  it.each(optionErrors)('reads: %s', (message, f) => {
    expect(thrown(f)).toEqual({ type: OptionError, message });
  });
});

describe('a dtype error', () => {
  it.each(dtypeErrors)('reads: %s', (message, f) => {
    expect(thrown(f)).toEqual({ type: DTypeError, message });
  });
});

const fraction = (x: number | string) =>
  `${x} is no i32, and stands beside a tensor that is: convert that with cast(x, 'f32')`;

/** Where a number may stand beside integers. */
const besideIntegers: [string, (x: Tensor, y: number) => Tensor][] = [
  ...[add, sub, mul, maximum, minimum, equal, notEqual, less, lessEqual, greater, greaterEqual].map(
    (op): [string, (x: Tensor, y: number) => Tensor] => [op.name || 'op', (x, y) => op(x, y)],
  ),
  ['where, second', (x, y) => where(x.less(1), x, y)],
  ['where, first', (x, y) => where(x.less(1), y, x)],
  ['a number on the left', (x, y) => sub(y, x)],
  ['leakyRelu', (x, y) => leakyRelu(x, y)],
];

describe('a number beside integers', () => {
  it.each(besideIntegers)('%s: is refused if it is none itself', (_, op) => {
    for (const x of [0.5, -1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31, 1e300]) {
      expect(thrown(() => op(i(3), x))).toEqual({ type: DTypeError, message: fraction(x) });
      const types = { x: { shape: [3], dtype: 'i32' } } as const;
      const traced = () => trace('t', types, ({ x: t }) => ({ y: op(t, x) }));
      expect(thrown(traced)).toEqual({ type: DTypeError, message: fraction(x) });
    }
    for (const x of [0, -0, 2, -(2 ** 31), 2 ** 31 - 1]) expect(op(i(3), x).shape).toEqual([3]);
  });

  it('and one beyond float32 is refused in a trace, and in a tensor of float32', () => {
    const types = { x: { shape: [3], dtype: 'f32' } } as const;
    const scaled = (by: number) => () => trace('t', types, ({ x }) => ({ y: x.mul(by) }));
    expect(thrown(scaled(1e300)).message).toBe(
      '1e+300 is beyond float32, whose largest number is 3.4e38; write Infinity if that is meant',
    );
    expect(scaled(Number.POSITIVE_INFINITY)).not.toThrow();
    expect(thrown(() => tensor([1, 1e39])).message).toContain('tensor: 1e+39 is beyond float32');
    expect(tensor([1e39], { precision: 'float64' }).data[0]).toBe(1e39);
  });

  it.each<[string, () => unknown]>([
    ['tensor: 0.5 is no i32: leave dtype out for f32', () => tensor([1, 0.5], { dtype: 'i32' })],
    ['tensor: 2147483648 is no i32: leave dtype out for f32', () => tensor(2 ** 31, { dtype: 'i32' })],
    ['tensor: 2 is no bool: leave dtype out for f32', () => tensor([[1], [2]], { dtype: 'bool' })],
  ])('%s', (message, make) => {
    expect(thrown(make)).toEqual({ type: DTypeError, message });
  });
});

describe('a loss', () => {
  it.each<[string, () => unknown]>([
    [
      'meanSquaredError: the prediction is [4, 1], the target [4]: reshape one, as in target.reshape([4, 1])',
      () => meanSquaredError(f(4, 1), f(4)),
    ],
    [
      'meanSquaredError: the prediction is [4], the target [4, 1]: reshape one, as in target.reshape([4])',
      () => meanSquaredError(f(4), f(4, 1)),
    ],
    ['meanSquaredError: the prediction is [4, 3], the target [3]', () => meanSquaredError(f(4, 3), f(3))],
    ['meanSquaredError: the prediction is [4], the target []', () => meanSquaredError(f(4), f())],
    [
      'meanSquaredError: the prediction is [4, 3], the target [1, 3]',
      () => meanSquaredError(f(4, 3), f(1, 3)),
    ],
    [
      'crossEntropy: targets must be the number of a class for each row of [4, 5], i32[4], not [4, 1]',
      () => crossEntropy(f(4, 5), i(4, 1)),
    ],
    [
      'crossEntropy: targets must be the number of a class for each row of [4, 5], i32[4], not [1]',
      () => crossEntropy(f(4, 5), i(1)),
    ],
    [
      'crossEntropy: targets must be the number of a class for each row of [], i32[], not []',
      () => crossEntropy(f(), i()),
    ],
  ])('%s', (message, loss) => {
    expect(thrown(loss)).toEqual({ type: ShapeError, message });
  });

  it.each<[string, () => unknown]>([
    [
      'crossEntropy: targets must be the number of a class for each row of [4, 5], i32[4], not f32[4,5]',
      () => crossEntropy(f(4, 5), f(4, 5)),
    ],
    [
      'crossEntropy: takes (logits, targets), and logits are f32, not i32[4]',
      () => crossEntropy(i(4), f(4, 5)),
    ],
    [
      'crossEntropy: targets must be a tensor, the number of a class for each row of [4, 5], i32[4], not undefined',
      () => crossEntropy(f(4, 5), undefined as unknown as Tensor),
    ],
    ['meanSquaredError: takes f32, not i32[4]', () => meanSquaredError(i(4), i(4))],
  ])('%s', (message, loss) => {
    const error = thrown(loss);
    expect(error.type).toBe(DTypeError);
    expect(error.message).toContain(message);
  });

  it('takes shapes that are the same, and a number for all', () => {
    expect(meanSquaredError(f(4, 1), f(4, 1)).shape).toEqual([]);
    expect(meanSquaredError(f(4, 1), 2).shape).toEqual([]);
    expect(crossEntropy(f(2, 4, 5), i(2, 4)).shape).toEqual([]);
  });
});

describe('the place at the end of an error', () => {
  const lineOf = (marker: string) =>
    readFileSync(file, 'utf8')
      .split('\n')
      .findIndex((line) => line.includes(`// ${marker}.`)) + 1;

  it('is the line of the user that applied the op, on the tape', () => {
    const model = (x: Tensor, w: Tensor) => x.matmul(w); // here: on the tape.
    const line = lineOf('here: on the tape');
    expect(() => model(f(32, 30), f(27, 200))).toThrow(
      expect.objectContaining({
        message: `matmul: inner sizes differ: [32, 30] x [27, 200] (errors.test.ts:${line})`,
      }),
    );
  });

  it('is the line of the user while tracing', () => {
    const types = { x: { shape: [3], dtype: 'f32' }, y: { shape: [4], dtype: 'f32' } } as const;
    const model = ({ x, y }: Record<string, Tensor>) => ({
      z: x.add(y), // here: in a trace.
    });
    const line = lineOf('here: in a trace');
    expect(() => trace('wrong', types, model)).toThrow(
      expect.objectContaining({
        message: `add: shapes do not broadcast: [3] and [4] (errors.test.ts:${line})`,
      }),
    );
  });

  it('of a layer is where the layer is applied, not inside the library', () => {
    const layer = nn.linear(3, 4);
    const x = () => f(2, 5);
    const line = lineOf('here: a layer');
    const model = () => trace('wrong', {}, () => ({ y: layer(x()) })); // here: a layer.
    expect(model).toThrow(ShapeError);
    expect(model).toThrow(`(errors.test.ts:${line})`);
  });
});

describe('an index outside of its table', () => {
  it.each([
    [3, 'gather: index 3 at position 1 is outside of 0 to 2'],
    [-1, 'gather: index -1 at position 1 is outside of 0 to 2'],
  ])('%i is a data error that names it, and the line', (id, text) => {
    const ids = tensor([0, id], { dtype: 'i32' });
    const message = expect.stringMatching(new RegExp(`^${text} \\(errors\\.test\\.ts:\\d+\\)$`));
    const wrong = () => gather(f(3, 4), ids);
    expect(wrong).toThrow(expect.objectContaining({ message, name: 'DataError' }));
    expect(wrong).toThrow(DataError);
  });

  it('is found by scatterAdd and pick as well', () => {
    const ids = tensor([0, 5], { dtype: 'i32' });
    expect(() => scatterAdd(f(3), ids, f(2))).toThrow(
      'scatter_add: index 5 at position 1 is outside of 0 to 2',
    );
    expect(() => pick(f(2, 3), ids)).toThrow('pick: index 5 at position 1 is outside of 0 to 2');
  });
});

describe('something that is not a tensor', () => {
  it.each<[string, unknown, string]>([
    ['undefined', undefined, 'expected a tensor or a number, got undefined'],
    ['null', null, 'expected a tensor or a number, got null'],
    ['a string', '3', 'expected a tensor or a number, got a string'],
    ['an array (use tensor(...))', [1, 2], 'expected a tensor or a number, got an array (use tensor(...))'],
    [
      'an array (use tensor(...))',
      new Float32Array(2),
      'expected a tensor or a number, got an array (use tensor(...))',
    ],
    ['a promise', Promise.resolve(f(3)), 'expected a tensor or a number, got a promise'],
    ['a function', () => f(3), 'expected a tensor or a number, got a function'],
    ['3n', 3n, 'expected a tensor or a number, got 3n'],
    ['true', true, 'expected a tensor or a number, got true'],
  ])('as in add(x, ...) is named: %s', (_, x, message) => {
    expect(thrown(() => add(f(3), x as Tensor))).toEqual({ type: GraphError, message });
  });

  it('as rows of different lengths is refused', () => {
    expect(() => tensor([[1, 2], [3]])).toThrow('tensor: a row has 1 elements, not 2');
    expect(() => tensor([[1], 2])).toThrow('tensor: the rows differ in depth');
    expect(() => tensor([1, [2]])).toThrow('tensor: the rows differ in depth');
    // biome-ignore lint/suspicious/noSparseArray: what a user may pass
    expect(() => tensor([1, , 3] as number[])).toThrow('tensor: expected a number, got undefined');
    expect(() => tensor(['1'] as unknown as number[])).toThrow('tensor: expected a number or an array');
    expect(() => tensor([1, 2], { dtyp: 'i32' } as object)).toThrow(
      'tensor: there is no option dtyp: did you mean dtype?',
    );
  });

  it('cannot be cast into a number by item unless it has one element', () => {
    expect(() => tensor([1, 2]).item()).toThrow('item: needs one element, not f32[2]');
    expect(cast(tensor([2.7]), 'i32').reshape([])).toHaveProperty('shape', []);
  });
});
