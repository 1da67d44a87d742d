import { describe, expect, it } from 'vitest';
import { rewrite } from '../../src/graph/graph.js';
import { parseGraph } from '../../src/graph/parse.js';
import { printGraph } from '../../src/graph/print.js';

const lines = (...body: string[]) =>
  `graph g(x: f32[3]) {\n  %0 = input "x" : f32[3]\n${body.join('\n')}\n}\n`;
const chain = lines('  %1 = neg %0 : f32[3]', '  %2 = exp %1 : f32[3]', '  return y = %2');

describe('rewrite', () => {
  it('gives back the same graph where no rule changes a node', () => {
    const graph = rewrite(parseGraph(chain), (node) => node);
    expect(rewrite(graph, (node) => node)).toBe(graph);
  });

  it('drops dead nodes also where no rule changes a node', () => {
    const graph = parseGraph(lines('  %1 = neg %0 : f32[3]', '  %2 = exp %0 : f32[3]', '  return y = %1'));
    const live = lines('  %1 = neg %0 : f32[3]', '  return y = %1');
    expect(printGraph(rewrite(graph, (node) => node))).toBe(live);
  });

  it('keeps nodes before the first change, and rebuilds those behind it on what stands for their inputs', () => {
    const graph = parseGraph(chain);
    const [x, neg] = graph.nodes;
    const without = rewrite(graph, (node) => (node === neg ? x : node));
    expect(without.nodes[0]).toBe(x);
    expect(printGraph(without)).toBe(lines('  %1 = exp %0 : f32[3]', '  return y = %1'));
  });

  it('shows a rule the node as it was, and with its new inputs', () => {
    const graph = parseGraph(chain);
    const [x, neg, exp] = graph.nodes;
    const seen: unknown[] = [];
    rewrite(graph, (node, before) => {
      if (before === exp) seen.push(node.inputs[0], before.inputs[0]);
      return node === neg ? x : node;
    });
    expect(seen).toEqual([x, neg]);
  });
});
