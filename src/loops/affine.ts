import type { Expression, Name } from './program.js';

// Indices and addresses as sums of multiples of numbers that are known to lie between two others.

/** An index of a loop, or a number of which no more is known than this. */
export interface Unknown {
  readonly low: number;
  readonly high: number;
  /** Others that it does not exceed. */
  readonly limits?: readonly Affine[];
}

/** A number, or an address in a buffer, that is affine in indices. */
export interface Affine {
  /** The buffer whose address is in it. */
  readonly buffer: number | null;
  readonly terms: ReadonlyMap<Unknown, number>;
  readonly constant: number;
}

/** What names stand for at some place; what is not in it is not known. */
export type Scope = ReadonlyMap<string, Affine>;

export function constant(value: number): Affine {
  return { buffer: null, terms: new Map(), constant: value };
}

export function unknown(
  of: Unknown = { low: Number.NEGATIVE_INFINITY, high: Number.POSITIVE_INFINITY },
): Affine {
  return { buffer: null, terms: new Map([[of, 1]]), constant: 0 };
}

/** a + factor b; an address keeps its buffer. */
export function plus(a: Affine, b: Affine, factor = 1): Affine {
  const terms = new Map(a.terms);
  for (const [of, by] of b.terms) {
    const sum = (terms.get(of) ?? 0) + factor * by;
    if (sum === 0) terms.delete(of);
    else terms.set(of, sum);
  }
  return { buffer: a.buffer ?? b.buffer, terms, constant: a.constant + factor * b.constant };
}

/** The least and the largest value that it may have. */
export function rangeOf({ terms, constant: base }: Affine): Unknown {
  let [low, high] = [base, base];
  for (const [of, by] of terms) {
    low += by * (by > 0 ? of.low : of.high);
    high += by * (by > 0 ? of.high : of.low);
  }
  return { low, high };
}

/** How a name is kept in a scope. */
export function keyOf(name: Name): string {
  return typeof name === 'string' ? name : `buffer${name.buffer}${name.stem}`;
}

/** An expression as far as it is affine; what is not is unknown. */
export function affine(expression: Expression, scope: Scope): Affine {
  if (typeof expression === 'number') return constant(expression);
  if (typeof expression === 'string') return scope.get(expression) ?? unknown();
  switch (expression.kind) {
    case 'local':
      return scope.get(keyOf(expression)) ?? unknown();
    case 'buffer':
      return { ...constant(0), buffer: expression.buffer };
    case 'sum':
      return expression.terms.map((term) => affine(term, scope)).reduce((all, term) => plus(all, term));
    case 'binary': {
      const [a, b] = [affine(expression.a, scope), affine(expression.b, scope)];
      if (expression.op === '-') return plus(a, b, -1);
      if (expression.op === '*' && b.terms.size === 0) return plus(constant(0), a, b.constant);
      if (expression.op === '*' && a.terms.size === 0) return plus(constant(0), b, a.constant);
      if (a.terms.size === 0 && b.terms.size === 0) {
        if (expression.op === '/') return constant(Math.trunc(a.constant / b.constant));
        if (expression.op === '%') return constant(a.constant % b.constant);
      }
      return unknown();
    }
    case 'bound': {
      const limits = bounds(expression, scope, expression.which);
      if (expression.which === 'max') return unknown();
      const ranges = limits.map(rangeOf);
      const least = Math.min(...ranges.map((r) => r.low));
      return unknown({ low: least, high: Math.min(...ranges.map((r) => r.high)), limits });
    }
    default:
      return unknown();
  }
}

/** What an expression does not exceed (`min`), or is never less than (`max`): any of these. */
export function bounds(expression: Expression, scope: Scope, which: 'min' | 'max'): Affine[] {
  if (typeof expression === 'object' && expression.kind === 'bound' && expression.which === which)
    return [...bounds(expression.a, scope, which), ...bounds(expression.b, scope, which)];
  if (typeof expression === 'object' && expression.kind === 'binary' && expression.op === '*') {
    const { a, b } = expression;
    if (typeof b === 'number' && b > 0)
      return bounds(a, scope, which).map((bound) => plus(constant(0), bound, b));
  }
  const whole = affine(expression, scope);
  if (which === 'max') return [whole];
  // In place of a number that does not exceed others these stand.
  for (const [of, by] of whole.terms)
    if (of.limits && by > 0) return of.limits.map((limit) => plus(plus(whole, unknown(of), -by), limit, by));
  return [whole];
}
