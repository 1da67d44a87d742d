import { GraphError } from '../errors.js';
import { opTable } from '../ops/index.js';
import { type ConstantAttrs, constantOp } from '../ops/leaf.js';
import type { Attrs, Op } from '../ops/op.js';
import { type DType, formatType, sameShape, type TensorType } from '../shape.js';
import { type Graph, inputAttrs, isInput, makeInput, makeNode, type Node } from './graph.js';
import { impliedAttrs } from './print.js';

/** Reads what printGraph writes. Nodes may have any name (%x, %hidden.1); types are checked against the ops. */
export function parseGraph(text: string): Graph {
  const parser = new Parser();
  text.split('\n').forEach((line, i) => {
    try {
      parser.line(new Line(line));
    } catch (error) {
      throw new GraphError(`line ${i + 1}: ${error instanceof Error ? error.message : error}`);
    }
  });
  return parser.finish();
}

const TOKEN =
  /\s*(?:("(?:[^"\\]|\\.)*")|(%[\w.]+)|(-?(?:\d+(?:\.\d+)?(?:e[+-]?\d+)?|Infinity)\b|NaN\b)|([A-Za-z_][\w.]*)|(#.*)|(\S))/y;

type Kind = 'string' | 'node' | 'number' | 'word' | 'comment' | 'mark' | 'end';
const KINDS: Kind[] = ['string', 'node', 'number', 'word', 'comment', 'mark'];

/** The tokens of one line, read from the left. */
class Line {
  private readonly tokens: { kind: Kind; text: string }[] = [];
  private at = 0;

  constructor(text: string) {
    TOKEN.lastIndex = 0;
    for (let match = TOKEN.exec(text); match; match = TOKEN.exec(text)) {
      const kind = match.slice(1).findIndex((group) => group !== undefined);
      this.tokens.push({ kind: KINDS[kind], text: match[kind + 1] });
    }
  }

  get next(): { kind: Kind; text: string } {
    return this.tokens[this.at] ?? { kind: 'end', text: 'the end of the line' };
  }

  /** Reads this mark or word if it stands here. */
  skip(text: string): boolean {
    const here = (this.next.kind === 'mark' || this.next.kind === 'word') && this.next.text === text;
    if (here) this.at++;
    return here;
  }

  expect(text: string): void {
    if (!this.skip(text)) throw new GraphError(`expected ${text}, got ${this.next.text}`);
  }

  take(kind: Kind, what: string): string {
    const { next } = this;
    if (next.kind !== kind) throw new GraphError(`expected ${what}, got ${next.text}`);
    this.at++;
    return next.text;
  }

  name(): string {
    return this.next.kind === 'string' ? this.string() : this.take('word', 'a name');
  }

  string(): string {
    return JSON.parse(this.take('string', 'a quoted name'));
  }

  number(): number {
    return Number(this.take('number', 'a number'));
  }

  numbers(): number[] {
    const list: number[] = [];
    this.expect('[');
    if (this.skip(']')) return list;
    do list.push(this.number());
    while (this.skip(','));
    this.expect(']');
    return list;
  }

  type(): TensorType {
    const dtype = this.take('word', 'a dtype');
    if (dtype !== 'f32' && dtype !== 'i32' && dtype !== 'bool')
      throw new GraphError(`${dtype} is no dtype: f32, i32 or bool`);
    return { dtype: dtype as DType, shape: this.numbers() };
  }

  value(): Attrs[string] {
    if (this.next.kind === 'string') return this.string();
    if (this.next.text === '[') return this.numbers();
    if (this.skip('true')) return true;
    return this.skip('false') ? false : this.number();
  }

  /** The comment at the end, without its mark; nothing else may stand there. */
  comment(): string {
    const text = this.next.kind === 'comment' ? this.take('comment', '').slice(1).trim() : '';
    if (this.next.kind !== 'end') throw new GraphError(`expected the end of the line, got ${this.next.text}`);
    return text;
  }
}

class Parser {
  private name: string | undefined;
  private closed = false;
  private readonly signature: string[] = [];
  private readonly named = new Map<string, Node>();
  private readonly outputs: { name: string; node: Node }[] = [];
  private readonly updates: { variable: Node; value: Node }[] = [];

  line(line: Line): void {
    if (line.next.kind === 'end' || line.next.kind === 'comment') return;
    if (this.closed) throw new GraphError(`nothing may follow the closing brace, got ${line.next.text}`);
    if (this.name === undefined) this.header(line);
    else if (line.skip('}')) this.closed = true;
    else if (line.skip('return')) this.outputs.push({ name: line.name(), node: this.target(line) });
    else if (line.skip('update'))
      this.updates.push({ variable: this.variable(line.string()), value: this.target(line) });
    else this.node(line);
    line.comment();
  }

  finish(): Graph {
    if (!this.closed) throw new GraphError('the text ends before the closing brace');
    const nodes = [...this.named.values()];
    const inputs = nodes.filter(isInput);
    const data = inputs.map(inputAttrs).filter((input) => input.role === 'input');
    const found = data.map((input) => `${input.name}: ${formatType(input)}`).join(', ');
    if (found !== this.signature.join(', ')) {
      throw new GraphError(
        `line 1: the signature (${this.signature.join(', ')}) is not that of the inputs (${found})`,
      );
    }
    return { name: this.name!, inputs, nodes, outputs: this.outputs, updates: this.updates };
  }

  private header(line: Line): void {
    line.expect('graph');
    this.name = line.name();
    line.expect('(');
    if (!line.skip(')')) {
      do {
        const name = line.name();
        line.expect(':');
        this.signature.push(`${name}: ${formatType(line.type())}`);
      } while (line.skip(','));
      line.expect(')');
    }
    line.expect('{');
  }

  private node(line: Line): void {
    const name = line.take('node', 'a node such as %0');
    if (this.named.has(name)) throw new GraphError(`${name} is defined twice`);
    line.expect('=');
    const op = line.take('word', 'an op');
    let make: (type: TensorType, where: string) => Node;
    if (op === 'input' || op === 'parameter' || op === 'state') {
      const input = line.string();
      make = ({ shape, dtype }, where) => ({ ...makeInput(input, op, shape, dtype), where });
    } else if (op === 'constant') {
      const values = line.next.text === '[' ? line.numbers() : [line.number()];
      make = ({ shape, dtype }, where) =>
        makeNode(constantOp as unknown as Op, [], { values, shape, dtype } satisfies ConstantAttrs, where);
    } else {
      make = this.applied(op, line);
    }
    line.expect(':');
    const type = line.type();
    const node = make(type, line.comment());
    if (node.dtype !== type.dtype || !sameShape(node.shape, type.shape)) {
      throw new GraphError(`${op} gives ${formatType(node)}, the text says ${formatType(type)}`);
    }
    this.named.set(name, node);
  }

  private applied(name: string, line: Line): (type: TensorType, where: string) => Node {
    const op = opTable().get(name);
    if (!op) throw new GraphError(`there is no op ${name}`);
    const inputs: Node[] = [];
    while (line.next.kind === 'node') {
      inputs.push(this.reference(line));
      if (!line.skip(',')) break;
    }
    const attrs: Record<string, Attrs[string]> = {};
    while (line.next.kind === 'word') attrs[line.name()] = line.skip('=') ? line.value() : true;
    return (type, where) => makeNode(op, inputs, { ...impliedAttrs(name, type), ...attrs }, where);
  }

  private target(line: Line): Node {
    line.expect('=');
    return this.reference(line);
  }

  private reference(line: Line): Node {
    const name = line.take('node', 'a node such as %0');
    const node = this.named.get(name);
    if (!node) throw new GraphError(`${name} is not defined above`);
    return node;
  }

  private variable(name: string): Node {
    const found = [...this.named.values()].find(
      (n) => isInput(n) && inputAttrs(n).role !== 'input' && inputAttrs(n).name === name,
    );
    if (!found) throw new GraphError(`no parameter or state is called ${JSON.stringify(name)}`);
    return found;
  }
}
