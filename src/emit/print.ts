import {
  type Expression,
  elementwise,
  type Loop,
  type LoopProgram,
  type Name,
  reduction,
  type Statement,
  type TileFunction,
} from '../loops/program.js';
import { numberText } from '../number-text.js';

/** What the text of a program calls that the program knows by number. */
export interface Names {
  /** What the names of its functions begin with. */
  readonly stem: string;
  /** A constant, what stands before it in the buffer, or a parameter. */
  address(buffer: number): string;
  /** What the names of values begin with that come from a buffer. */
  stemOf(buffer: number): string;
  /** Those of some buffers' addresses that are parameters. */
  parameters(buffers: readonly number[]): readonly string[];
}

/** A program as AssemblyScript: the lines of a function's body, and the functions that it calls. */
export interface Body {
  readonly lines: readonly string[];
  readonly functions: readonly (readonly string[])[];
}

export function printProgram(program: LoopProgram, names: Names): Body {
  return new Printer(program, names).print();
}

/** How tightly operators bind. */
const BINDS = { '*': 5, '/': 5, '%': 5, '-': 4, '>>': 3, '<': 2, '<=': 2, '==': 1, '!=': 1, '&': 0 } as const;
const SUM = 4;
const ATOM = 6;

class Printer {
  private readonly functions: ReadonlyMap<string, TileFunction>;

  constructor(
    private readonly program: LoopProgram,
    private readonly names: Names,
  ) {
    this.functions = new Map(program.functions.map((f) => [f.name, f]));
  }

  print(): Body {
    return {
      lines: this.body(this.program.body),
      functions: this.program.functions.map((f) => this.tileFunction(f)),
    };
  }

  private tileFunction({ name, parameters, buffers, body }: TileFunction): string[] {
    const typed = [...parameters, ...this.names.parameters(buffers)].map((p) => `${p}: usize`);
    return [`function ${this.names.stem}_${name}(${typed.join(', ')}): void {`, ...this.body(body), '}'];
  }

  private body(statements: readonly Statement[]): string[] {
    return statements.flatMap((statement) => this.statement(statement));
  }

  private statement(statement: Statement): string[] {
    switch (statement.kind) {
      case 'let': {
        const type = statement.type ? `: ${statement.type}` : '';
        const word = statement.mutable ? 'let' : 'const';
        return [`${word} ${this.name(statement.name)}${type} = ${this.text(statement.value)};`];
      }
      case 'set':
        return [`${this.name(statement.name)} = ${this.text(statement.value)};`];
      case 'advance':
        return [`${step(this.name(statement.name), statement.by)};`];
      case 'accumulate': {
        const into = this.name(statement.into);
        const taken = reduction(statement.op).combine(into, this.text(statement.value), statement.dtype);
        return [`${into} = ${taken};`];
      }
      case 'store': {
        const at = statement.offset ? `, ${statement.offset}` : '';
        return [`v128.store(${this.text(statement.to)}, ${this.text(statement.value)}${at});`];
      }
      case 'storeLane': {
        const args = [statement.to, statement.value].map((e) => this.text(e));
        return [`v128.store32_lane(${args.join(', ')}, ${statement.lane});`];
      }
      case 'loop':
        return [`for (${this.head(statement)}) {`, ...this.body(statement.body), '}'];
      case 'repeat':
        return ['do {', ...this.body(statement.body), `} while (${this.text(statement.while)});`];
      case 'block':
        return ['{', ...this.body(statement.body), '}'];
      case 'if': {
        const otherwise = statement.otherwise ? ['} else {', ...this.body(statement.otherwise)] : [];
        return [`if (${this.text(statement.test)}) {`, ...this.body(statement.body), ...otherwise, '}'];
      }
      case 'tile': {
        const { buffers } = this.functions.get(statement.name)!;
        const args = [...statement.args.map((e) => this.text(e)), ...this.names.parameters(buffers)];
        return [`${this.names.stem}_${statement.name}(${args.join(', ')});`];
      }
      case 'do':
        return [`${this.text(statement.call)};`];
    }
  }

  private head({ index, from, test, step: by, along }: Loop): string {
    const starts = [
      [index, from],
      [along?.name, along?.from ?? null],
    ] as const;
    const declared = starts.flatMap(([name, start]) =>
      start === null ? [] : [`${name}: usize = ${this.text(start)}`],
    );
    const steps = [step(index, by), ...(along ? [step(along.name, along.by)] : [])];
    const start = declared.length ? `let ${declared.join(', ')}` : '';
    return `${start}; ${this.text(test)}; ${steps.join(', ')}`;
  }

  private name(name: Name): string {
    return typeof name === 'string' ? name : `${this.names.stemOf(name.buffer)}${name.stem}`;
  }

  /** An expression, in parentheses if it binds less than what stands around it. */
  private text(expression: Expression, around = 0): string {
    if (typeof expression === 'number') return String(expression);
    if (typeof expression === 'string') return expression;
    const list = (args: readonly Expression[]) => args.map((e) => this.text(e)).join(', ');
    switch (expression.kind) {
      case 'local':
        return this.name(expression);
      case 'buffer':
        return this.names.address(expression.buffer);
      case 'float':
        return float(expression.value);
      case 'sum':
        return within(around, SUM, expression.terms.map((term) => this.text(term, SUM + 1)).join(' + '));
      case 'binary':
        return this.binary(expression, around);
      case 'cast':
        return `<${expression.to}>${this.text(expression.of, ATOM)}`;
      case 'bound':
        return `${expression.which}<usize>(${list([expression.a, expression.b])})`;
      case 'load': {
        const { as, from, offset } = expression;
        const load = { vector: 'v128.load', splat: 'v128.load32_splat', i32: 'load<i32>', u8: 'load<u8>' }[
          as
        ];
        return `${load}(${this.text(from)}${offset ? `, ${offset}` : ''})`;
      }
      case 'apply':
        return elementwise(expression.op).emit(
          expression.args.map((e) => this.text(e)),
          expression.from,
          expression.to,
        );
      case 'identity':
        return reduction(expression.op).identity(expression.dtype);
      case 'combine': {
        const { op, a, b, dtype } = expression;
        return reduction(op).combine(this.text(a), this.text(b), dtype);
      }
      case 'horizontal':
        return `${reduction(expression.op).horizontal(expression.dtype)}(${this.text(expression.of)})`;
      case 'instruction':
      case 'library':
        return `${expression.name}(${list(expression.args)})`;
    }
  }

  private binary({ op, a, b }: Extract<Expression, { kind: 'binary' }>, around: number): string {
    const binds = BINDS[op];
    // Of what binds as tightly, only the left side stands without parentheses, and none of a remainder or of bits.
    const left = this.text(a, op === '%' || op === '&' ? ATOM : binds);
    // All bits but some, as what it is.
    const right = op === '&' && typeof b === 'number' && b < 0 ? `~${~b}` : this.text(b, binds + 1);
    return within(around, binds, `${left} ${op} ${right}`);
  }
}

function within(around: number, binds: number, text: string): string {
  return binds < around ? `(${text})` : text;
}

function step(name: string, by: number): string {
  if (Math.abs(by) === 1) return by > 0 ? `${name}++` : `${name}--`;
  return `${name} += ${by}`;
}

/** A literal that is exactly this number in f32. */
function float(value: number): string {
  if (Number.isNaN(value)) return 'NaN';
  if (!Number.isFinite(value)) return value > 0 ? 'Infinity' : '-Infinity';
  const text = numberText(Math.fround(value));
  return /[.e]/.test(text) ? text : `${text}.0`;
}
