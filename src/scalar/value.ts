import { shown } from '../check.js';
import { OptionError } from '../errors.js';
import { type ScalarOp, type ScalarOpName, scalarOps } from './ops.js';

/** What a value was computed from. */
export interface ScalarCreator {
  readonly op: ScalarOp;
  /** The operands; plain numbers are constants. */
  readonly inputs: readonly (Value | number)[];
  /** The numbers that the operands were at the time, so that changing a leaf later does not mix with this. */
  readonly operands: readonly number[];
}

/**
 * A number that remembers what it was computed from, so that `backward` can say how it depends on that. Every
 * Value is finite: an op that would leave the finite numbers throws and names its operands.
 * @example
 * ```ts
 * import { Value } from '2headgrad';
 * const x = new Value(3, 'x');
 * const y = x.mul(x).add(1);
 * y.backward();
 * console.log(y.data, x.grad); // 10 6
 * ```
 */
export class Value {
  /** The derivative of what `backward` was called on, by this: summed over all calls since `zeroGrad`. */
  grad = 0;
  data: number;

  constructor(
    data: number,
    /** A name for pictures, errors and compiled code. */
    public label = '',
    /** Null for leaves. */
    readonly creator: ScalarCreator | null = null,
  ) {
    if (typeof data !== 'number' || !Number.isFinite(data)) {
      throw new OptionError(`Value: expected a finite number, got ${describe(data)}`);
    }
    this.data = data;
  }

  add(other: Value | number): Value {
    return apply('add', this, other);
  }
  sub(other: Value | number): Value {
    return apply('sub', this, other);
  }
  mul(other: Value | number): Value {
    return apply('mul', this, other);
  }
  div(other: Value | number): Value {
    return apply('div', this, other);
  }
  neg(): Value {
    return apply('neg', this);
  }
  /** This to a power: any number; a Value where this is above 0, as x^y then is exp(y log x). */
  pow(exponent: Value | number): Value {
    if (exponent instanceof Value && this.data <= 0) {
      throw new OptionError(
        `pow: a Value as exponent needs a base above 0, got ${named(this)}; a plain number as exponent takes any base`,
      );
    }
    return apply('pow', this, exponent);
  }
  exp(): Value {
    return apply('exp', this);
  }
  log(): Value {
    return apply('log', this);
  }
  tanh(): Value {
    return apply('tanh', this);
  }
  /** max(x, 0); its derivative at 0 is 0. */
  relu(): Value {
    return apply('relu', this);
  }

  /**
   * Reverse mode: adds the derivative of this by every value that it was computed from to that value's `grad`
   * (to its own: 1). A value that is used in several places gets the sum over them. Calls add up, as in
   * PyTorch: call `zeroGrad` before the next one.
   */
  backward(): void {
    // What has to be added in this call; grad itself may hold the sums of earlier calls, which must not flow on.
    const cotangents = new Map<Value, number>([[this, 1]]);
    const order = topological(this);
    for (let i = order.length - 1; i >= 0; i--) {
      const value = order[i];
      const cotangent = cotangents.get(value)!;
      value.grad += cotangent;
      if (!value.creator) continue;
      const { op, inputs, operands } = value.creator;
      const derivatives = op.derivatives(operands, value.data);
      inputs.forEach((input, k) => {
        if (!(input instanceof Value)) return;
        cotangents.set(input, (cotangents.get(input) ?? 0) + cotangent * derivatives[k]);
      });
    }
  }

  /** Sets the gradient of this and of everything that it was computed from back to 0. */
  zeroGrad(): void {
    for (const value of topological(this)) value.grad = 0;
  }

  toString(): string {
    const name = this.label ? `${this.label}: ` : '';
    return `Value(${name}data=${this.data}, grad=${this.grad})`;
  }

  /** `a * b` would be a number that has forgotten what it was computed from. */
  [Symbol.toPrimitive](hint: 'string' | 'number' | 'default'): string {
    if (hint === 'string') return this.toString();
    throw new OptionError(
      `${this} is not a number of JavaScript: write a.add(b) for a + b, a.mul(2) for a * 2, a.data < b.data for a < b`,
    );
  }
}

/** Everything that `root` was computed from, and itself as the last: each value once, after its operands. */
export function topological(root: Value): Value[] {
  const order: Value[] = [];
  const seen = new Set<Value>([root]);
  // A stack of our own: a chain of values may be longer than the stack of calls.
  const stack = [{ value: root, next: 0 }];
  while (stack.length > 0) {
    const top = stack[stack.length - 1];
    const inputs = top.value.creator?.inputs ?? [];
    if (top.next === inputs.length) {
      order.push(top.value);
      stack.pop();
      continue;
    }
    const input = inputs[top.next++];
    if (!(input instanceof Value) || seen.has(input)) continue;
    seen.add(input);
    stack.push({ value: input, next: 0 });
  }
  return order;
}

function apply(name: ScalarOpName, ...inputs: (Value | number)[]): Value {
  const op = scalarOps[name];
  const operands = inputs.map((input) => {
    if (input instanceof Value) return input.data;
    if (typeof input === 'number' && Number.isFinite(input)) return input;
    throw new OptionError(`${name}: expected a Value or a finite number, got ${describe(input)}`);
  });
  const data = op.value(...operands);
  if (Number.isFinite(data)) return new Value(data, '', { op, inputs, operands });
  const given = inputs.map((input) => (input instanceof Value ? named(input) : String(input)));
  throw new OptionError(`${name}: the result for ${given.join(' and ')} is ${data}, not a finite number`);
}

function named({ label, data }: Value): string {
  return label ? `${label} = ${data}` : String(data);
}

function describe(x: unknown): string {
  return x instanceof Value ? 'a Value' : shown(x);
}
