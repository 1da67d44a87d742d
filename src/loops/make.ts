import type { BinaryOp, Expression, LibraryFunction, LoadAs, Loop, Scalar, Statement } from './program.js';

// Short words for building programs.

/** A sum without what is zero; its first term may be that. */
export function sum(base: Expression, ...terms: readonly Expression[]): Expression {
  const all = [base, ...terms.filter((term) => term !== 0)].flatMap((term) =>
    typeof term === 'object' && term.kind === 'sum' ? term.terms : [term],
  );
  return all.length === 1 ? all[0] : { kind: 'sum', terms: all };
}

export function binary(a: Expression, op: BinaryOp, b: Expression): Expression {
  return { kind: 'binary', op, a, b };
}

export function times(of: Expression, by: Expression): Expression {
  return by === 1 ? of : binary(of, '*', by);
}

export function min(a: Expression, b: Expression): Expression {
  return { kind: 'bound', which: 'min', a, b };
}

export function max(a: Expression, b: Expression): Expression {
  return { kind: 'bound', which: 'max', a, b };
}

export function cast(to: Scalar, of: Expression): Expression {
  return { kind: 'cast', to, of };
}

export function float(value: number): Expression {
  return { kind: 'float', value };
}

export function load(as: LoadAs, from: Expression, offset = 0, lanes = 4): Expression {
  return { kind: 'load', as, from, offset, lanes };
}

export function instruction(name: string, ...args: readonly Expression[]): Expression {
  return { kind: 'instruction', name, args };
}

export function library(name: LibraryFunction, ...args: readonly Expression[]): Expression {
  return { kind: 'library', name, args };
}

export function act(call: Expression): Statement {
  return { kind: 'do', call };
}

export function define(name: string, value: Expression, type?: Scalar): Statement {
  return { kind: 'let', name, value, type };
}

export function block(...body: readonly Statement[]): Statement {
  return { kind: 'block', body };
}

export function when(test: Expression, ...body: readonly Statement[]): Statement {
  return { kind: 'if', test, body };
}

/** A loop over `index` while it is below `to`. */
export function range(
  index: string,
  from: Expression,
  to: Expression,
  step: number,
  body: readonly Statement[],
): Loop {
  return { kind: 'loop', index, from, test: binary(index, '<', to), step, body };
}

/** A loop over `index` from 0 in steps, in bytes or units; a loop of one turn is a constant. */
export function loop(
  index: string,
  end: Expression,
  step: number,
  body: readonly Statement[],
): readonly Statement[] {
  return end === step ? [define(index, 0, 'usize'), ...body] : [range(index, 0, end, step, body)];
}
