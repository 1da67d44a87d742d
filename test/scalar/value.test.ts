import { describe, expect, it } from 'vitest';
import { derivative, OptionError, Value } from '../../src/index.js';

const value = (x: number, label = '') => new Value(x, label);

describe('a Value', () => {
  const of = { x: 3, y: -2 };
  it.each<[string, (x: Value, y: Value) => Value, number, number, number]>([
    ['x + y', (x, y) => x.add(y), 1, 1, 1],
    ['x - y', (x, y) => x.sub(y), 5, 1, -1],
    ['x y', (x, y) => x.mul(y), -6, -2, 3],
    ['x / y', (x, y) => x.div(y), -1.5, -0.5, -0.75],
    ['-x', (x) => x.neg(), -3, -1, 0],
    ['x^2', (x) => x.pow(2), 9, 6, 0],
    ['y^3', (_, y) => y.pow(3), -8, 0, 12],
    ['y^-2', (_, y) => y.pow(-2), 0.25, 0, 0.25],
    ['x^0', (x) => x.pow(0), 1, 0, 0],
    ['x^1', (x) => x.pow(1), 3, 1, 0],
    ['x^y', (x, y) => x.pow(y), 1 / 9, (-2 / 3) * (1 / 9), Math.log(3) / 9],
    ['exp x', (x) => x.exp(), Math.exp(3), Math.exp(3), 0],
    ['log x', (x) => x.log(), Math.log(3), 1 / 3, 0],
    ['tanh y', (_, y) => y.tanh(), Math.tanh(-2), 0, 1 / Math.cosh(2) ** 2],
    ['relu x', (x) => x.relu(), 3, 1, 0],
    ['relu y', (_, y) => y.relu(), 0, 0, 0],
    ['x + 2, x - 2, x * 2, x / 2', (x) => x.add(2).sub(1).mul(4).div(8), 2, 0.5, 0],
  ])('computes %s and its derivatives', (_, f, want, dx, dy) => {
    const [x, y] = [value(of.x), value(of.y)];
    const z = f(x, y);
    z.backward();
    expect(z.data).toBeCloseTo(want, 14);
    expect(x.grad).toBeCloseTo(dx, 14);
    expect(y.grad).toBeCloseTo(dy, 14);
    expect(z.grad).toBe(1);
  });

  it('raises to fractions and to large powers as Math.pow does', () => {
    for (const n of [0.5, -0.5, 1.7, 10, -10, 63, 1e4]) {
      const x = value(1.01);
      const y = x.pow(n);
      y.backward();
      expect(y.data / 1.01 ** n).toBeCloseTo(1, 12);
      expect(x.grad / (n * 1.01 ** (n - 1))).toBeCloseTo(1, 12);
    }
  });

  it('has at 0 the power that the limit is', () => {
    const slopeAt0 = (n: number) => {
      const x = value(0);
      x.pow(n).backward();
      return x.grad;
    };
    expect([slopeAt0(1), slopeAt0(2), slopeAt0(1.5), slopeAt0(0), slopeAt0(0.5)]).toEqual([
      1,
      0,
      0,
      0,
      Infinity,
    ]);
  });

  it('has derivative 0 at the kink of relu', () => {
    const x = value(0);
    x.relu().backward();
    expect(x.grad).toBe(0);
  });
});

describe('backward', () => {
  it('sums over all places where a value is used', () => {
    const a = value(3);
    a.add(a).backward();
    expect(a.grad).toBe(2);
    const x = value(2);
    x.mul(x).mul(x).add(x).backward();
    expect(x.grad).toBe(13);
  });

  it('is not exponential where every value is used twice', () => {
    const x = value(1);
    let y = x;
    for (let i = 0; i < 200; i++) y = y.add(y).mul(0.75);
    y.backward();
    expect(x.grad / 1.5 ** 200).toBeCloseTo(1, 12);
  });

  it('visits a value only when all that follows from it is done', () => {
    // b is reached first through the short way, then through the long one.
    const a = value(2);
    const b = a.mul(3);
    const long = b.mul(b).add(1).mul(2);
    const out = b.add(long);
    out.backward();
    expect(b.grad).toBe(1 + 2 * 2 * 6);
    expect(a.grad).toBe(3 * b.grad);
  });

  it('adds up over calls exactly, for the values in the middle too, until zeroGrad', () => {
    const a = value(2);
    const b = a.mul(a);
    const c = b.mul(a);
    c.backward();
    expect([a.grad, b.grad, c.grad]).toEqual([12, 2, 1]);
    c.backward();
    expect([a.grad, b.grad, c.grad]).toEqual([24, 4, 2]);
    c.zeroGrad();
    expect([a.grad, b.grad, c.grad]).toEqual([0, 0, 0]);
    c.backward();
    expect([a.grad, b.grad, c.grad]).toEqual([12, 2, 1]);
  });

  it('adds up over two outputs that share values', () => {
    const a = value(3);
    const shared = a.mul(2);
    shared.mul(5).backward();
    shared.mul(7).backward();
    expect(a.grad).toBe(24);
    expect(shared.grad).toBe(12);
  });

  it('belongs to the numbers of the time when the ops ran', () => {
    const x = value(3);
    const y = x.mul(x);
    x.data = 100;
    y.backward();
    expect(x.grad).toBe(6);
  });

  it('walks a chain of 100,000 values, and zeroGrad does', () => {
    const x = value(1);
    let y = x;
    for (let i = 0; i < 100_000; i++) y = i % 2 ? y.add(1e-5) : y.mul(1);
    y.backward();
    expect(x.grad).toBe(1);
    y.zeroGrad();
    expect(x.grad).toBe(0);
  });

  it("gives the gradients of micrograd's neuron, as the differences of plain numbers do", () => {
    const [x1, x2, w1, w2, b] = [2, 0, -3, 1, 6.8813735870195432].map((x) => value(x));
    x1.mul(w1).add(x2.mul(w2)).add(b).tanh().backward();
    const f = (x1: number, x2: number, w1: number, w2: number) => Math.tanh(x1 * w1 + x2 * w2 + b.data);
    expect(x1.grad).toBeCloseTo(
      derivative((x) => f(x, 0, -3, 1), 2),
      8,
    );
    expect([x1.grad, w1.grad, x2.grad, w2.grad].map((g) => Number(g.toFixed(4)))).toEqual([-1.5, 1, 0.5, 0]);
  });
});

describe('what a Value refuses', () => {
  it.each<[() => unknown, string]>([
    [() => value(Number.NaN), 'Value: expected a finite number, got NaN'],
    [() => value(Number.POSITIVE_INFINITY), 'Value: expected a finite number, got Infinity'],
    [() => value('3' as unknown as number), 'Value: expected a finite number, got "3"'],
    [() => value(value(3) as unknown as number), 'Value: expected a finite number, got a Value'],
    [
      () => value(1).add(undefined as unknown as number),
      'add: expected a Value or a finite number, got undefined',
    ],
    [() => value(1).mul([2] as unknown as number), 'mul: expected a Value or a finite number, got an array'],
    [() => value(1).sub(Number.NaN), 'sub: expected a Value or a finite number, got NaN'],
    [() => value(-1, 'p').log(), 'log: the result for p = -1 is NaN, not a finite number'],
    [() => value(0).log(), 'log: the result for 0 is -Infinity'],
    [() => value(1).div(0), 'div: the result for 1 and 0 is Infinity'],
    [() => value(0).div(value(0, 'd')), 'div: the result for 0 and d = 0 is NaN'],
    [() => value(1000, 'logit').exp(), 'exp: the result for logit = 1000 is Infinity'],
    [() => value(-2).pow(0.5), 'pow: the result for -2 and 0.5 is NaN'],
    [() => value(0).pow(-1), 'pow: the result for 0 and -1 is Infinity'],
    [() => value(-2, 'a').pow(value(2)), 'pow: a Value as exponent needs a base above 0, got a = -2'],
  ])('%#', (call, message) => {
    expect(call).toThrow(OptionError);
    expect(call).toThrow(message);
  });
});

it('prints what it holds', () => {
  const x = value(2, 'x');
  x.mul(3).backward();
  expect(String(x)).toBe('Value(x: data=2, grad=3)');
});
