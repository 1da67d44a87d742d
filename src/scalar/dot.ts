import { escapeHtml } from '../graph/dot.js';
import { type ScalarCreator, topological, Value } from './value.js';

const STYLE = { leaf: '#ffe9b8', made: '#eef2f7', rise: '#d7ead9', fall: '#f8d9d0', flat: '#ffffff' };

/**
 * The values that `root` was computed from as Graphviz DOT, from left to right: a box for each with its name or op,
 * its data and its gradient (green above 0, red below), and on each edge the op's own derivative. A gradient is the
 * sum over the edges that leave to the right of the edge's number times the gradient at its end.
 */
export function valueToDot(root: Value): string {
  const order = topological(root);
  const ids = new Map(order.map((value, i) => [value, `v${i}`]));
  const edges = order.flatMap((value) => {
    if (!value.creator) return [];
    const { op, inputs, operands } = value.creator;
    const slopes = op.derivatives(operands, value.data);
    return inputs.flatMap((input, k) =>
      input instanceof Value
        ? [`  ${ids.get(input)} -> ${ids.get(value)} [label=" ${short(slopes[k])} "]`]
        : [],
    );
  });
  return [
    `digraph ${JSON.stringify(root.label || 'values')} {`,
    '  graph [rankdir=LR nodesep=0.16 ranksep=0.3 bgcolor="transparent"]',
    '  node [shape=plain fontname="Helvetica" fontsize=12]',
    '  edge [color="#6b7683" arrowsize=0.6 fontname="Helvetica" fontsize=10 fontcolor="#5b6673"]',
    ...order.map((value) => `  ${ids.get(value)} [label=<${box(value)}>]`),
    ...edges,
    '}',
    '',
  ].join('\n');
}

function box(value: Value): string {
  const { data, grad, creator } = value;
  const tint = grad > 0 ? STYLE.rise : grad < 0 ? STYLE.fall : STYLE.flat;
  return [
    '<table border="0" cellborder="1" cellspacing="0" cellpadding="4" color="#6b7683">',
    `<tr><td colspan="2" bgcolor="${creator ? STYLE.made : STYLE.leaf}">${title(value)}</td></tr>`,
    `<tr><td bgcolor="white">data ${number(data)}</td><td bgcolor="${tint}">grad ${number(grad)}</td></tr>`,
    '</table>',
  ].join('');
}

function title({ label, creator }: Value): string {
  const name = label ? `<b>${escapeHtml(label)}</b>` : '';
  if (!creator) return name || 'leaf';
  const formula = escapeHtml(minus(formulaOf(creator)));
  return name ? `${name} = ${formula}` : formula;
}

/** `a × b`, or `× 2` where the other operand has no name. */
function formulaOf({ op, inputs }: ScalarCreator): string {
  const names = inputs.map((input) => (input instanceof Value ? input.label : String(input)));
  if (names.length === 1)
    return names[0] && op.symbol !== '−' ? `${op.symbol}(${names[0]})` : op.symbol + names[0];
  if (names.every(Boolean)) return names.join(` ${op.symbol} `);
  return [op.symbol, ...inputs.filter((x) => typeof x === 'number')].join(' ');
}

/** Four digits after the point; as a power of ten where those would say little. */
function number(x: number): string {
  if (x === 0) return '0.0000';
  const size = Math.abs(x);
  return minus(size >= 1e-3 && size < 1e6 ? x.toFixed(4) : x.toExponential(2));
}

/** About three digits. */
function short(x: number): string {
  if (!Number.isFinite(x)) return Number.isNaN(x) ? '?' : x > 0 ? '∞' : '−∞';
  return minus(String(Number(x.toPrecision(3))));
}

function minus(text: string): string {
  return text.replaceAll('-', '−');
}
