import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { GraphError, nn, OptionError, type Tensor, tensor, trace, Value } from '../../src/index.js';

// biome-ignore lint/suspicious/noExplicitAny: what JavaScript lets pass
const any = (value: unknown): any => value;

const symbolic = (f: (x: Tensor) => void) =>
  trace('t', { x: { shape: [32, 3], dtype: 'f32' } }, ({ x }) => {
    f(x);
    return { x };
  });

const uses: [string, (a: Tensor) => unknown, string][] = [
  ['a + 1', (a) => any(a) + 1, 'a.add(b) for a + b'],
  ['a + a', (a) => any(a) + any(a), 'a.add(b) for a + b'],
  ['a - 1', (a) => any(a) - 1, 'a.sub(b), a.mul(2)'],
  ['2 * a', (a) => 2 * any(a), 'a.sub(b), a.mul(2)'],
  ['a / a', (a) => any(a) / any(a), 'a.mul(2)'],
  ['a ** 2', (a) => any(a) ** 2, 'a.mul(2)'],
  ['-a', (a) => -any(a), 'a.mul(2)'],
  ['a < 0', (a) => any(a) < 0, 'a.less(b)'],
  ['a >= a', (a) => any(a) >= any(a), 'a.less(b)'],
  // biome-ignore lint/suspicious/noDoubleEquals: what a user may write
  ['a == 1', (a) => any(a) == 1, 'a.equal(b) for a == b'],
  ['Math.exp(a)', (a) => Math.exp(any(a)), 'a.exp()'],
  ['a template', (a) => `${a}`, 't.toString()'],
  ['a list as text', (a) => [a].join(), 't.toString()'],
  ['a key', (a) => any({})[any(a)], 't.toString()'],
];

describe.each<[string, (f: (a: Tensor) => void) => void, string]>([
  ['of a trace', symbolic, 'Tensor f32[32, 3]'],
  ['of the tape', (f) => f(tensor([1, 2])), 'Tensor f32[2] [1, 2]'],
  ['that is a variable', (f) => f(nn.parameter([2, 3], () => [])), 'Tensor f32[2, 3] (parameter)'],
])('a tensor %s', (_, withTensor, text) => {
  it.each(uses)('in %s says what to write', (_, use, mend) => {
    withTensor((a) => {
      expect(() => use(a)).toThrow(GraphError);
      expect(() => use(a)).toThrow(text);
      expect(() => use(a)).toThrow(mend);
      expect(() => use(a)).toThrow(/\(conversions\.test\.ts:\d+\)$/);
    });
  });

  it('prints its type', () => {
    withTensor((a) => {
      expect(inspect(a)).toBe(text);
      expect(inspect({ a })).toBe(`{ a: ${text} }`);
      expect(String(a.toString())).toBe(text);
      expect(JSON.stringify({ a })).toBe(JSON.stringify({ a: text }));
    });
  });
});

describe('an eager tensor', () => {
  it.each<[Tensor, string]>([
    [tensor(3.5), 'Tensor f32[] 3.5'],
    [tensor([]), 'Tensor f32[0] []'],
    [
      tensor(
        [
          [1, 0],
          [0, 1],
        ],
        { dtype: 'bool' },
      ),
      'Tensor bool[2, 2] [1, 0, 0, 1]',
    ],
    [tensor([0.1, Number.NaN, 1e-30]), 'Tensor f32[3] [0.1, NaN, 1e-30]'],
    [
      tensor(Array.from({ length: 100 }, (_, i) => i)),
      'Tensor f32[100] [0, 1, 2, 3, 4, 5, 6, 7, ... 92 more]',
    ],
  ])('prints some of its values', (t, text) => {
    expect(inspect(t)).toBe(text);
  });
});

describe('a Value of one number', () => {
  it('has a text and no arithmetic of JavaScript', () => {
    const a = any(new Value(2, 'a'));
    expect(`${a}`).toBe('Value(a: data=2, grad=0)');
    for (const use of [() => a + 1, () => a * a, () => a < 3, () => -a, () => Math.exp(a)]) {
      expect(use).toThrow(OptionError);
      expect(use).toThrow('write a.add(b) for a + b');
    }
  });
});
