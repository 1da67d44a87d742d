import { isBody } from '../ops/op.js';
import { isResult } from '../ops/results.js';
import { forXml } from '../printable.js';
import { formatResults } from '../shape.js';
import { bodiesOf, constantValue, type Graph, inputAttrs, isInput, type Node } from './graph.js';
import { formatAttrs } from './print.js';

/** How each kind of node looks; widths and corners tell kinds apart without colour too. */
const STYLES = {
  input: 'style="filled" fillcolor="#e8e8e8" color="#555555"',
  parameter: 'style="filled" fillcolor="#ffe9b8" color="#8a6100" peripheries=2',
  state: 'style="filled" fillcolor="#fff6e0" color="#8a6100" peripheries=2',
  elementwise: 'fillcolor="#ffffff" color="#777777"',
  reduce: 'fillcolor="#d9ecff" color="#1f5f99" penwidth=1.6',
  matmul: 'fillcolor="#b9d7f5" color="#123f6b" penwidth=2.4',
  movement: 'style="rounded,filled,dashed" fillcolor="#f6f6f6" color="#999999"',
  gather: 'fillcolor="#dcf2dc" color="#2c6e2c" penwidth=1.6',
  output: 'style="filled" fillcolor="#333333" color="#000000" fontcolor="#ffffff"',
} as const;

/** Boxes and edges; a drawing of more would take Graphviz minutes if it looked for the best one. */
const MANY = 1500;
const QUICKLY = '  graph [nslimit=1 nslimit1=1 mclimit=0.1 splines=line]';

/** Of the frame around a graph inside of a node. */
const FRAME = '    style="rounded,dashed" color="#777777" fontname="Helvetica" fontsize=11';

/**
 * The graph as Graphviz DOT: a box for each op, data from top to bottom, dashed edges into the new values of
 * variables. Numbers, scalar inputs, and a variable in its own update stand in labels, without an edge. An edge from a
 * node of several results says which it is, from 0; a graph inside of a node stands in a frame beside it.
 */
export function graphToDot(graph: Graph): string {
  const lines = drawn(graph, '');
  return [
    `digraph ${JSON.stringify(graph.name)} {`,
    ...(lines.length > MANY ? [QUICKLY] : []),
    '  graph [rankdir=TB nodesep=0.18 ranksep=0.28 bgcolor="transparent"]',
    '  node [shape=box style="rounded,filled" fontname="Helvetica" fontsize=11 height=0.3 margin="0.13,0.05"]',
    '  edge [color="#555555" arrowsize=0.6 fontname="Helvetica" fontsize=9]',
    ...lines,
    '}',
    '',
  ].join('\n');
}

/** Boxes and edges of a graph; `prefix` keeps the names of those inside of others apart. */
function drawn(graph: Graph, prefix: string): string[] {
  const ids = new Map(graph.nodes.map((node, i) => [node, `${prefix}n${i}`]));
  const written = new Map(graph.updates.map(({ variable, value }) => [value, variable]));
  const operandsOf = (node: Node): Operand[] =>
    node.inputs.map((input) => {
      const source = behindMarkers(input);
      return inWords(source, written.get(node)) ?? input;
    });
  const edge = (from: Node, to: string, style = '') => {
    const which = resultOf(from);
    const words = [...(which === undefined ? [] : [`label="${which}"`]), ...(style ? [style] : [])];
    return `  ${ids.get(behindMarkers(from))} -> ${to}${words.length ? ` [${words.join(' ')}]` : ''}`;
  };
  const ends = [
    ...graph.outputs.map(({ name, node }, i) => ({
      id: `${prefix}out${i}`,
      name,
      node,
      look: STYLES.output,
      style: '',
    })),
    ...graph.updates.map(({ variable, value }, i) => {
      const { name, role } = inputAttrs(variable);
      return {
        id: `${prefix}update${i}`,
        name: `${name}'`,
        node: value,
        look: STYLES[role],
        style: 'style=dashed',
      };
    }),
  ];
  const lines: string[] = [];
  const read = new Set<Node>();
  for (const node of graph.nodes) {
    if (isInput(node) || isMarker(node) || constantValue(node) !== undefined) continue;
    const operands = operandsOf(node);
    lines.push(`  ${ids.get(node)} [label=<${label(node, operands)}> ${style(node)}]`);
    for (const operand of operands) {
      if (typeof operand === 'string') continue;
      const source = behindMarkers(operand);
      if (isInput(source)) read.add(source);
      lines.push(edge(operand, ids.get(node)!));
    }
    for (const [name, body] of bodiesOf(node)) {
      const own = `${ids.get(node)}_`;
      lines.push(
        `  subgraph cluster_${own} {`,
        `    label=<${escapeHtml(`${node.op.name} ${name}`)}>`,
        FRAME,
      );
      lines.push(...drawn(body, own).map((line) => `  ${line}`), '  }');
    }
  }
  for (const { id, name, node, look, style } of ends) {
    const source = behindMarkers(node);
    const words = inWords(source);
    lines.push(`  ${id} [label=<${escapeHtml(words === undefined ? name : `${name} = ${words}`)}> ${look}]`);
    if (words !== undefined) continue;
    lines.push(edge(node, id, style));
    if (isInput(source)) read.add(source);
  }
  return [
    ...[...read].map((node) => `  ${ids.get(node)} [label=<${label(node, [])}> ${style(node)}]`),
    ...lines,
  ];
}

/** A node that an edge comes from, or what the label says instead. */
type Operand = Node | string;

function inWords(node: Node, updated?: Node): string | undefined {
  const value = constantValue(node);
  if (value !== undefined) return String(Number(value.toPrecision(4)));
  return isInput(node) && (node === updated || node.shape.length === 0) ? inputAttrs(node).name : undefined;
}

/** Markers change no value, and a result is drawn as an edge. */
function isMarker(node: Node): boolean {
  return isResult(node.op) || node.op.marker === true;
}

/** Which of several results a node stands for, if it does. */
function resultOf(node: Node): number | undefined {
  let at = node;
  while (isMarker(at) && !isResult(at.op)) at = at.inputs[0];
  return isResult(at.op) ? (at.attrs.index as number) : undefined;
}

function behindMarkers(node: Node): Node {
  let at = node;
  while (isMarker(at)) at = at.inputs[0];
  return at;
}

function style(node: Node): string {
  if (isInput(node)) return STYLES[inputAttrs(node).role];
  switch (node.op.lower.kind) {
    case 'reduce':
      return STYLES.reduce;
    case 'matmul':
      return STYLES.matmul;
    case 'movement':
    case 'copy':
      return STYLES.movement;
    case 'gather':
    case 'scatter':
    case 'fold':
      return STYLES.gather;
    case 'leaf':
    case 'iota':
      return STYLES.input;
    default:
      return STYLES.elementwise;
  }
}

function label(node: Node, operands: readonly Operand[]): string {
  const inWords = operands.some((operand) => typeof operand === 'string');
  const list = operands.map((operand) => (typeof operand === 'string' ? operand : '_')).join(', ');
  const name = isInput(node)
    ? inputAttrs(node).name
    : `${node.op.name}${inWords ? `(${list})` : ''}${attributes(node)}`;
  return `${escapeHtml(name)}<br/><font point-size="9">${escapeHtml(formatResults(node))}</font>`;
}

/** The attributes that the type below the name does not tell. */
function attributes(node: Node): string {
  const told = new Set(['name', 'role', 'shape', 'sizes', 'size', 'to', 'values', 'dtype']);
  const entries = Object.entries(node.attrs).filter(
    ([key, value]) => value !== false && !told.has(key) && !isBody(value),
  );
  return formatAttrs(Object.fromEntries(entries))
    .map((text) => ` ${text}`)
    .join('');
}

/** Text as a label of Graphviz's HTML kind takes it. */
export function escapeHtml(text: string): string {
  const known = forXml(text);
  return known.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;');
}
