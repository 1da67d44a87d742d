import { describe, expect, it } from 'vitest';
import type { Graph } from '../../src/graph/graph.js';
import { printGraph } from '../../src/graph/print.js';
import { verifyGraph } from '../../src/graph/verify.js';
import { parseCase, printCase } from './failures.js';
import { programOf } from './fuzz.js';
import { traceProgram } from './program.js';
import { reduceGraph } from './reduce.js';

const uses = (graph: Graph, op: string) => graph.nodes.filter((node) => node.op.name === op).length;

describe('a failing program', () => {
  it('shrinks to the part that fails', async () => {
    const graph = Array.from({ length: 100 }, (_, i) => traceProgram(programOf(i))).find(
      (g) => uses(g, 'matmul') > 1 && uses(g, 'tanh') > 1 && g.updates.length > 1,
    )!;
    // As if one matmul among whatever other ops were wrong.
    let tried = 0;
    const fails = async (g: Graph) => {
      tried++;
      verifyGraph(g, 'shrinking');
      return uses(g, 'matmul') > 0;
    };
    const smallest = await reduceGraph(graph, fails, 60_000);
    expect(tried).toBeGreaterThan(5);
    expect(uses(smallest, 'matmul')).toBe(1);
    expect(smallest.nodes.length).toBeLessThanOrEqual(3);
    expect(smallest.outputs.length + smallest.updates.length).toBe(1);
  });

  it('is read back from its text as it was', () => {
    for (let seed = 200; seed < 230; seed++) {
      const program = programOf(seed);
      const graph = traceProgram(program);
      const about = 'about it\nin two lines';
      const text = printCase({ graph, data: program.data }, { poison: true }, about);
      const back = parseCase(text);
      expect(back.data).toBe(program.data);
      expect(back.settings).toEqual({ poison: true });
      expect(printCase(back, back.settings, about)).toBe(text);
      expect(printGraph(back.graph).split('\n').length).toBe(printGraph(graph).split('\n').length);
    }
  });
});
