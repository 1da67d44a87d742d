import { parseGraph } from '../../src/graph/parse.js';
import { printGraph } from '../../src/graph/print.js';
import { verifyGraph } from '../../src/graph/verify.js';
import type { Pass } from '../../src/optimize/index.js';

/** The text of a graph after one run of a pass: the nodes that are left, without the inputs and the braces. */
export function after(pass: Pass, text: string): string {
  const graph = parseGraph(
    text.includes('graph ') ? text : `graph g() {\n${text}\n}`.replace('()', signature(text)),
  );
  verifyGraph(graph, 'parsing');
  const result = pass.run(graph);
  verifyGraph(result, pass.name);
  return printGraph(result)
    .split('\n')
    .slice(1, -2)
    .map((line) => line.trim())
    .filter((line) => !/= (input|parameter|state) /.test(line))
    .join('\n');
}

function signature(text: string): string {
  const inputs = [...text.matchAll(/= input "(\w+)" : (\w+\[[\d,]*\])/g)];
  return `(${inputs.map(([, name, type]) => `${name}: ${type}`).join(', ')})`;
}
