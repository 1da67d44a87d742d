import { numberText } from '../number-text.js';
import { type Attr, type Attrs, isBody } from '../ops/op.js';
import { printable, printableJson, shownName } from '../printable.js';
import { formatResults, formatType } from '../shape.js';
import { constantAttrs, type Graph, inputAttrs, isConstant, isInput, type Node } from './graph.js';

interface PrintOptions {
  /** With the lines of the user's model; by default yes. */
  readonly where?: boolean;
}

/** The graph as text, one node a line; parseGraph reads it back. A graph inside of a node stands there, indented. */
export function printGraph(graph: Graph, { where = true }: PrintOptions = {}): string {
  const names = nodeNames(graph);
  const data = graph.inputs.map(inputAttrs).filter((input) => input.role === 'input');
  const signature = data.map((input) => `${shownName(input.name)}: ${formatType(input)}`).join(', ');
  return [
    `graph ${shownName(graph.name)}(${signature}) {`,
    ...graph.nodes.map((node) => `  ${indented(printNode(node, names, { where }))}`),
    ...graph.outputs.map(({ name, node }) => `  return ${shownName(name)} = ${names.get(node) ?? '?'}`),
    ...graph.updates.map(({ variable, value }) => {
      const name = isInput(variable)
        ? printableJson(inputAttrs(variable).name)
        : (names.get(variable) ?? '?');
      return `  update ${name} = ${names.get(value) ?? '?'}`;
    }),
    '}',
    '',
  ].join('\n');
}

/** %0, %1, ... in the order of the nodes. */
export function nodeNames(graph: Graph): Map<Node, string> {
  return new Map(graph.nodes.map((node, i) => [node, `%${i}`]));
}

/** One line: `%5 = gather %3, %4 : f32[32,3,10]   # model.ts:12`. A node that has no name shows as ?. */
export function printNode(
  node: Node,
  names: ReadonlyMap<Node, string>,
  { where = true }: PrintOptions = {},
): string {
  const inputs = node.inputs.map((input) => names.get(input) ?? '?').join(', ');
  const words = [head(node), inputs, ...printedAttrs(node, where)].filter((word) => word !== '').join(' ');
  const line = where && node.where ? `   # ${printable(node.where)}` : '';
  return `${names.get(node) ?? '?'} = ${words} : ${formatResults(node)}${line}`;
}

/** What makes two nodes on the same inputs the same value: the op and every attribute, as text. */
export function formatAttrs(attrs: Attrs, where = false): string[] {
  return Object.entries(attrs).map(([key, value]) =>
    value === true ? key : `${key}=${formatValue(value, where)}`,
  );
}

/** The lines of a graph inside of a node, below it. */
function indented(text: string): string {
  return text.replaceAll('\n', '\n  ');
}

function head(node: Node): string {
  if (isInput(node)) {
    const { role, name } = inputAttrs(node);
    return `${role} ${printableJson(name)}`;
  }
  if (!isConstant(node)) return node.op.name;
  const { values } = constantAttrs(node);
  return `constant ${formatValue(values.length === 1 ? values[0] : values)}`;
}

/** The attributes that neither the head nor the type tells. */
function printedAttrs(node: Node, where: boolean): string[] {
  if (isInput(node) || isConstant(node)) return [];
  const implied: Attrs = node.op.implied?.(node) ?? {};
  const told = ([key, value]: [string, Attrs[string]]) =>
    key in implied && formatValue(value) === formatValue(implied[key]);
  return formatAttrs(Object.fromEntries(Object.entries(node.attrs).filter((entry) => !told(entry))), where);
}

function formatValue(value: Attr, where = false): string {
  if (typeof value === 'string') return printableJson(value);
  if (isBody(value)) return printGraph(value as Graph, { where }).trimEnd();
  if (typeof value === 'object') return `[${value.map(numberText).join(',')}]`;
  return typeof value === 'number' ? numberText(value) : String(value);
}
