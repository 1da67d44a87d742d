import fc from 'fast-check';

/** Ops that are defined for all numbers, made of those that a Value has; both operands may be the same. */
export const RULES = {
  add: <T extends Calculus<T>>(a: T, b: T) => a.add(b),
  sub: <T extends Calculus<T>>(a: T, b: T) => a.sub(b),
  mul: <T extends Calculus<T>>(a: T, b: T) => a.mul(b),
  div: <T extends Calculus<T>>(a: T, b: T) => a.div(b.mul(b).add(0.5)),
  addNumber: <T extends Calculus<T>>(a: T) => a.add(-1.25),
  subNumber: <T extends Calculus<T>>(a: T) => a.sub(0.75),
  mulNumber: <T extends Calculus<T>>(a: T) => a.mul(1.5),
  divNumber: <T extends Calculus<T>>(a: T) => a.div(-1.75),
  neg: <T extends Calculus<T>>(a: T) => a.neg(),
  exp: <T extends Calculus<T>>(a: T) => a.tanh().exp(),
  log: <T extends Calculus<T>>(a: T) => a.mul(a).add(0.5).log(),
  tanh: <T extends Calculus<T>>(a: T) => a.tanh(),
  relu: <T extends Calculus<T>>(a: T) => a.relu(),
  square: <T extends Calculus<T>>(a: T) => a.pow(2),
  cube: <T extends Calculus<T>>(a: T) => a.pow(3),
  fifth: <T extends Calculus<T>>(a: T) => a.tanh().pow(5),
  root: <T extends Calculus<T>>(a: T) => a.mul(a).add(0.5).pow(0.5),
  inverse: <T extends Calculus<T>>(a: T) => a.mul(a).add(0.5).pow(-1),
  fraction: <T extends Calculus<T>>(a: T) => a.mul(a).add(0.5).pow(-1.3),
  power: <T extends Calculus<T>>(a: T, b: T) => a.mul(a).add(0.5).pow(b.tanh()),
};

/** What can compute a program: a Value, a plain number in a coat, a tensor. */
export interface Calculus<T> {
  add(other: T | number): T;
  sub(other: T | number): T;
  mul(other: T | number): T;
  div(other: T | number): T;
  neg(): T;
  pow(exponent: T | number): T;
  exp(): T;
  log(): T;
  tanh(): T;
  relu(): T;
}

export interface ScalarProgram {
  leaves: number[];
  /** Operands are places among the leaves and the results so far, counted from the end. */
  steps: { rule: keyof typeof RULES; a: number; b: number }[];
}

/** Runs a program; the result depends on the last few values, so that hardly any is dead. */
export function runProgram<T extends Calculus<T>>({ steps }: ScalarProgram, leaves: readonly T[]): T {
  const values = [...leaves];
  for (const { rule, a, b } of steps) {
    const from = (i: number) => values[values.length - 1 - (i % values.length)];
    values.push(RULES[rule]<T>(from(a), from(b)));
  }
  return values.slice(-4).reduce((sum, value, i) => sum.add(value.mul(i + 0.5)), values[0].mul(0));
}

export const scalarProgram: fc.Arbitrary<ScalarProgram> = fc.record({
  leaves: fc.array(fc.double({ min: -2, max: 2, noNaN: true }), { minLength: 1, maxLength: 4 }),
  steps: fc.array(
    fc.record({
      rule: fc.constantFrom(...(Object.keys(RULES) as (keyof typeof RULES)[])),
      a: fc.nat({ max: 6 }),
      b: fc.nat({ max: 6 }),
    }),
    { minLength: 1, maxLength: 14 },
  ),
});

/** A number that computes by itself, without any of the code under test; notes how near to a kink it came. */
export class Plain implements Calculus<Plain> {
  constructor(
    readonly x: number,
    readonly seen: { kink: number; largest: number },
  ) {
    seen.largest = Math.max(seen.largest, Math.abs(x));
  }
  private of(x: number) {
    return new Plain(x, this.seen);
  }
  add = (o: Plain | number) => this.of(this.x + number(o));
  sub = (o: Plain | number) => this.of(this.x - number(o));
  mul = (o: Plain | number) => this.of(this.x * number(o));
  div = (o: Plain | number) => this.of(this.x / number(o));
  pow = (o: Plain | number) => this.of(this.x ** number(o));
  neg = () => this.of(-this.x);
  exp = () => this.of(Math.exp(this.x));
  log = () => this.of(Math.log(this.x));
  tanh = () => this.of(Math.tanh(this.x));
  relu() {
    this.seen.kink = Math.min(this.seen.kink, Math.abs(this.x));
    return this.of(Math.max(this.x, 0));
  }
}

const number = (o: Plain | number) => (typeof o === 'number' ? o : o.x);
