import { numberText } from '../number-text.js';
import type { Expression, LoopProgram, Name, Statement } from './program.js';

/**
 * A program as text: programs are equal if their texts are. Buffers are `buffer0`, ...; an address, in bytes, in brackets is
 * memory: `[a]` four elements from a on, `[a].2` if only two of them count, `[a].all` one for all lanes. Ops have their graph's names, with the dtype if it is
 * not f32; `s sum= x` takes x into the accumulator s of a sum, which begins as `sum.start` and ends as `sum(s).lanes`.
 */
export function printLoops({ body, functions, units }: LoopProgram): string {
  const lines = functions.flatMap(({ name, parameters, buffers, body: inner }) => [
    `tile ${name}(${[...parameters, ...buffers.map((b) => `buffer${b}`)].join(', ')})`,
    ...indented(inner),
  ]);
  return [`${units === 1 ? 'one unit' : `units begin to end of ${units}`}`, ...indented(body), ...lines].join(
    '\n',
  );
}

function indented(body: readonly Statement[]): string[] {
  return body.flatMap(statement).map((line) => `  ${line}`);
}

function statement(s: Statement): string[] {
  switch (s.kind) {
    case 'let':
      return [`${s.mutable ? 'var' : 'let'} ${name(s.name)} = ${text(s.value)}`];
    case 'set':
      return [`${name(s.name)} = ${text(s.value)}`];
    case 'advance':
      return [`${name(s.name)} += ${s.by}`];
    case 'accumulate':
      return [`${name(s.into)} ${typed(s.op.name, s.dtype)}= ${text(s.value)}`];
    case 'store':
      return [`${memory(s.to, s.offset)} = ${text(s.value)}`];
    case 'storeLane':
      return [`${memory(s.to)} = ${text(s.value)}.lane${s.lane}`];
    case 'loop': {
      const along = s.along
        ? `, ${s.along.name}${s.along.from === null ? '' : ` from ${text(s.along.from)}`} by ${s.along.by}`
        : '';
      const from = s.from === null ? '' : ` from ${text(s.from)}`;
      return [`for ${s.index}${from} while ${text(s.test)} by ${s.step}${along}`, ...indented(s.body)];
    }
    case 'repeat':
      return ['repeat', ...indented(s.body), `while ${text(s.while)}`];
    case 'block':
      return ['do', ...indented(s.body)];
    case 'if':
      return [
        `if ${text(s.test)}`,
        ...indented(s.body),
        ...(s.otherwise ? ['else', ...indented(s.otherwise)] : []),
      ];
    case 'tile':
      return [`${s.name}(${s.args.map(text).join(', ')})`];
    case 'do':
      return [text(s.call)];
  }
}

function name(of: Name): string {
  return typeof of === 'string' ? of : `buffer${of.buffer}${of.stem}`;
}

function memory(from: Expression, offset = 0): string {
  return `[${text(from)}${offset ? ` + ${offset}` : ''}]`;
}

function typed(op: string, dtype: string): string {
  return dtype === 'f32' ? op : `${op}.${dtype}`;
}

function text(e: Expression): string {
  if (typeof e === 'number') return String(e);
  if (typeof e === 'string') return e;
  const call = (to: string, args: readonly Expression[]) => `${to}(${args.map(text).join(', ')})`;
  switch (e.kind) {
    case 'local':
      return name(e);
    case 'buffer':
      return `buffer${e.buffer}`;
    case 'float':
      return `${numberText(Math.fround(e.value))}f`;
    case 'sum':
      return e.terms.map(operand).join(' + ');
    case 'binary':
      return `${operand(e.a)} ${e.op} ${operand(e.b)}`;
    case 'cast':
      return call(e.to, [e.of]);
    case 'bound':
      return call(e.which, [e.a, e.b]);
    case 'load':
      return `${memory(e.from, e.offset)}${{ vector: (e.lanes ?? 4) < 4 ? `.${e.lanes}` : '', splat: '.all', i32: '.i32', u8: '.u8' }[e.as]}`;
    case 'apply':
      return call(e.from === e.to ? typed(e.op.name, e.to) : `${e.op.name}.${e.from}.${e.to}`, e.args);
    case 'identity':
      return `${typed(e.op.name, e.dtype)}.start`;
    case 'combine':
      return call(typed(e.op.name, e.dtype), [e.a, e.b]);
    case 'horizontal':
      return `${call(typed(e.op.name, e.dtype), [e.of])}.lanes`;
    case 'instruction':
    case 'library':
      return call(e.name, e.args);
  }
}

function operand(e: Expression): string {
  const compound = typeof e === 'object' && (e.kind === 'sum' || e.kind === 'binary');
  return compound ? `(${text(e)})` : text(e);
}
