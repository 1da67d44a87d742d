import { GraphError } from '../errors.js';
import { opTable } from '../ops/index.js';
import { type ConstantAttrs, constantOp } from '../ops/leaf.js';
import type { Attr, Op } from '../ops/op.js';
import {
  type DType,
  formatResults,
  formatType,
  type ResultType,
  sameResults,
  severalResults,
  type TensorType,
} from '../shape.js';
import { type Graph, inputAttrs, isInput, makeInput, makeNode, type Node } from './graph.js';

/** Reads what printGraph writes. Nodes may have any name (%x, %hidden.1); types are checked against the ops. */
export function parseGraph(text: string): Graph {
  const reader = new Reader(text);
  try {
    reader.skipBlank();
    const graph = new Parser().graph(reader);
    reader.comment();
    reader.skipBlank();
    if (!reader.done) throw new GraphError(`nothing may follow the closing brace, got ${reader.next.text}`);
    return graph;
  } catch (error) {
    if (reader.done) throw new GraphError('the text ends before the closing brace');
    throw new GraphError(`line ${reader.line}: ${error instanceof Error ? error.message : error}`);
  }
}

const TOKEN =
  /\s*(?:("(?:[^"\\]|\\.)*")|(%[\w.]+)|(-?(?:\d+(?:\.\d+)?(?:e[+-]?\d+)?|Infinity)\b|NaN\b)|([A-Za-z_][\w.]*)|(#.*)|(\S))/y;

type Kind = 'string' | 'node' | 'number' | 'word' | 'comment' | 'mark' | 'end';
const KINDS: Kind[] = ['string', 'node', 'number', 'word', 'comment', 'mark'];

/** The tokens of a text, line by line, each read from the left. */
class Reader {
  private readonly lines: readonly string[];
  private tokens: { kind: Kind; text: string }[] = [];
  private at = 0;
  /** Number of the line that is read. */
  line = 0;

  constructor(text: string) {
    this.lines = text.split('\n');
    this.nextLine();
  }

  /** Whether everything was read. */
  get done(): boolean {
    return this.line > this.lines.length;
  }

  /** Goes on to the line below, whatever is left of this one. */
  nextLine(): void {
    this.tokens = [];
    this.at = 0;
    const text = this.lines[this.line++] ?? '';
    TOKEN.lastIndex = 0;
    for (let match = TOKEN.exec(text); match; match = TOKEN.exec(text)) {
      const kind = match.slice(1).findIndex((group) => group !== undefined);
      this.tokens.push({ kind: KINDS[kind], text: match[kind + 1] });
    }
  }

  /** Goes on to the next line that says something, from the end of one. */
  skipBlank(): void {
    while (!this.done && (this.next.kind === 'end' || this.next.kind === 'comment')) this.nextLine();
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

  /** One type, or several in parentheses. */
  results(): ResultType {
    if (!this.skip('(')) return this.type();
    const list: TensorType[] = [];
    do list.push(this.type());
    while (this.skip(','));
    this.expect(')');
    return severalResults(list);
  }

  value(): Attr {
    if (this.next.kind === 'string') return this.string();
    if (this.next.text === '[') return this.numbers();
    if (this.next.kind === 'word' && this.next.text === 'graph') return new Parser().graph(this);
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

/** Reads one graph; those inside of its nodes have parsers, and names, of their own. */
class Parser {
  private name = '';
  private readonly signature: string[] = [];
  private readonly named = new Map<string, Node>();
  private readonly outputs: { name: string; node: Node }[] = [];
  private readonly updates: { variable: Node; value: Node }[] = [];

  /** From the word `graph` to the closing brace. */
  graph(line: Reader): Graph {
    const first = line.line;
    this.header(line);
    line.comment();
    for (line.skipBlank(); !line.skip('}'); line.skipBlank()) {
      this.statement(line);
      line.comment();
    }
    return this.finish(line, first);
  }

  private statement(line: Reader): void {
    if (line.skip('return')) this.outputs.push({ name: line.name(), node: this.target(line) });
    else if (line.skip('update'))
      this.updates.push({ variable: this.variable(line.string()), value: this.target(line) });
    else this.node(line);
  }

  private finish(line: Reader, first: number): Graph {
    const nodes = [...this.named.values()];
    const inputs = nodes.filter(isInput);
    const data = inputs.map(inputAttrs).filter((input) => input.role === 'input');
    const found = data.map((input) => `${input.name}: ${formatType(input)}`).join(', ');
    if (found !== this.signature.join(', ')) {
      line.line = first;
      throw new GraphError(
        `the signature (${this.signature.join(', ')}) is not that of the inputs (${found})`,
      );
    }
    return { name: this.name, inputs, nodes, outputs: this.outputs, updates: this.updates };
  }

  private header(line: Reader): void {
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

  private node(line: Reader): void {
    const name = line.take('node', 'a node such as %0');
    if (this.named.has(name)) throw new GraphError(`${name} is defined twice`);
    line.expect('=');
    const op = line.take('word', 'an op');
    let make: (type: ResultType, where: string) => Node;
    if (op === 'input' || op === 'parameter' || op === 'state') {
      const input = line.string();
      make = ({ shape, dtype }, where) => ({ ...makeInput(input, op, shape, dtype), where });
    } else if (op === constantOp.name) {
      const values = line.next.text === '[' ? line.numbers() : [line.number()];
      make = ({ shape, dtype }, where) =>
        makeNode(constantOp as unknown as Op, [], { values, shape, dtype } satisfies ConstantAttrs, where);
    } else {
      make = this.applied(op, line);
    }
    line.expect(':');
    const type = line.results();
    const node = make(type, line.comment());
    if (!sameResults(node, type)) {
      throw new GraphError(`${op} gives ${formatResults(node)}, the text says ${formatResults(type)}`);
    }
    this.named.set(name, node);
  }

  private applied(name: string, line: Reader): (type: ResultType, where: string) => Node {
    const op = opTable().get(name);
    if (!op) throw new GraphError(`there is no op ${name}`);
    const inputs: Node[] = [];
    while (line.next.kind === 'node') {
      inputs.push(this.reference(line));
      if (!line.skip(',')) break;
    }
    const attrs: Record<string, Attr> = {};
    while (line.next.kind === 'word') attrs[line.name()] = line.skip('=') ? line.value() : true;
    return (type, where) => makeNode(op, inputs, { ...op.implied?.(type), ...attrs }, where);
  }

  private target(line: Reader): Node {
    line.expect('=');
    return this.reference(line);
  }

  private reference(line: Reader): Node {
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
