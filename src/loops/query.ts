import type { Expression, LoopProgram, Statement } from './program.js';
import { elementwise, FILES, reduction } from './program.js';

// What can be asked of a program.

/** Whether any statement names a variable that is called so. */
export function mentions(body: readonly Statement[], name: string): boolean {
  let found = false;
  visit(body, (expression) => {
    found ||= expression === name;
  });
  return found;
}

/** The functions of assembly/ that a program calls, each with its file. */
export function libraryOf({ functions, body }: LoopProgram): Map<string, string> {
  const calls = new Map<string, string>();
  const add = (names: Readonly<Record<string, string>> | undefined) => {
    for (const [name, file] of Object.entries(names ?? {})) calls.set(name, file);
  };
  const take = (expression: Expression) => {
    if (typeof expression !== 'object') {
      if (expression === 'scratch') calls.set('scratch', 'team');
    } else if (expression.kind === 'apply') add(elementwise(expression.op).library);
    else if (expression.kind === 'horizontal')
      calls.set(reduction(expression.op).horizontal(expression.dtype), 'lanes');
    else if (expression.kind === 'library') calls.set(expression.name, FILES.get(expression.name)!);
  };
  for (const part of [body, ...functions.map((f) => f.body)]) visit(part, take);
  return calls;
}

/** The expressions in statements, each before those that it consists of; where variables are set, their names too. */
export function visit(body: readonly Statement[], see: (expression: Expression) => void): void {
  for (const statement of body) {
    for (const expression of expressionsOf(statement)) visitExpression(expression, see);
    for (const inner of bodiesOf(statement)) visit(inner, see);
  }
}

export function visitExpression(expression: Expression, see: (expression: Expression) => void): void {
  see(expression);
  for (const part of partsOf(expression)) visitExpression(part, see);
}

export function expressionsOf(statement: Statement): readonly Expression[] {
  const given = (...list: readonly (Expression | null | undefined)[]) =>
    list.filter((e): e is Expression => e !== null && e !== undefined);
  switch (statement.kind) {
    case 'let':
      return [statement.value];
    case 'set':
      return [statement.name, statement.value];
    case 'accumulate':
      return [statement.into, statement.value];
    case 'advance':
      return [statement.name];
    case 'store':
    case 'storeLane':
      return [statement.to, statement.value];
    case 'loop':
      return given(statement.from, statement.test, statement.along?.from);
    case 'repeat':
      return [statement.while];
    case 'block':
      return [];
    case 'if':
      return [statement.test];
    case 'tile':
      return statement.args;
    case 'do':
      return [statement.call];
  }
}

export function bodiesOf(statement: Statement): readonly (readonly Statement[])[] {
  switch (statement.kind) {
    case 'loop':
    case 'repeat':
    case 'block':
      return [statement.body];
    case 'if':
      return [statement.body, statement.otherwise ?? []];
    default:
      return [];
  }
}

function partsOf(expression: Expression): readonly Expression[] {
  if (typeof expression !== 'object') return [];
  switch (expression.kind) {
    case 'sum':
      return expression.terms;
    case 'binary':
    case 'bound':
    case 'combine':
      return [expression.a, expression.b];
    case 'cast':
    case 'horizontal':
      return [expression.of];
    case 'load':
      return [expression.from];
    case 'apply':
    case 'instruction':
    case 'library':
      return expression.args;
    default:
      return [];
  }
}
