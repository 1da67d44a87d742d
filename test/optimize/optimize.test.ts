import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { evaluateGraph } from '../../src/graph/evaluate.js';
import { expandAll } from '../../src/graph/expand.js';
import { type Graph, inputAttrs } from '../../src/graph/graph.js';
import { printGraph } from '../../src/graph/print.js';
import { f32, sum, type Tensor, trace } from '../../src/index.js';
import * as nn from '../../src/nn/index.js';
import { crossEntropy } from '../../src/ops/index.js';
import * as optim from '../../src/optim/index.js';
import { optimize, passes } from '../../src/optimize/index.js';
import { numel } from '../../src/shape.js';
import { i32, StepDefinition, type Tensors, type Types } from '../../src/train/step.js';
import { randomGraph } from '../graph/random.js';
import { programOf } from '../property/fuzz.js';
import { traceProgram } from '../property/program.js';

const without = [[], ...passes.map((pass) => [pass.name])];

describe('optimize', () => {
  it('keeps every result of every graph, with each pass switched off in turn', () => {
    fc.assert(
      fc.property(randomGraph(), ({ graph, inputs, variables }) => {
        const expected = numbers(evaluateGraph(graph, inputs, variables, 'float64'));
        const probes = graph.nodes.map((node, i) => ({ name: String(i), node }));
        const steps = numbers(evaluateGraph({ ...graph, outputs: probes }, inputs, variables, 'float64'));
        fc.pre(steps.every((value) => Math.abs(value) < 2 ** 24));
        for (const names of without) {
          const optimized = optimize(graph, { without: names });
          expect(numbers(evaluateGraph(optimized, inputs, variables, 'float64'), graph, variables)).toEqual(
            expected,
          );
        }
      }),
      { numRuns: 300 },
    );
  });

  it('has nothing left to do on what it made', () => {
    fc.assert(
      fc.property(randomGraph(), ({ graph }) => {
        const once = optimize(graph);
        expect(printGraph(optimize(once))).toBe(printGraph(once));
      }),
      { numRuns: 200 },
    );
  });

  it('makes no graph larger, whatever stands in chains', () => {
    for (const [name, graph] of Object.entries(chains)) {
      const before = graph.nodes.length;
      expect(before, name).toBeGreaterThan(200);
      for (const names of without) {
        const after = optimize(graph, { without: names }).nodes.length;
        // Reshapes that nothing joins pile up, though not without bound.
        const most = names.includes('simplify-movement') ? 3 * before : before;
        expect(after, `${name} without ${names}`).toBeLessThanOrEqual(most);
      }
    }
    for (let seed = 0; seed < 60; seed++) {
      const graph = expandAll(traceProgram(programOf(seed)));
      // x + x needs a 2 as x * 2, and an update of rows a node more than one of the whole table.
      expect(optimize(graph).nodes.length).toBeLessThanOrEqual(1.1 * graph.nodes.length + 4);
    }
  });

  it('refuses the name of a pass that does not exist', () => {
    expect(() => optimize(names('none', optim.sgd()), { without: ['fold'] })).toThrow(
      /^there is no pass fold: the passes are expand-composites, loop-bodies, drop-markers, fold-constants, /,
    );
  });
});

describe('optimize on training steps', () => {
  const optimizers = {
    sgd: optim.sgd(),
    momentum: optim.sgd({ momentum: 0.9, nesterov: true, weightDecay: 0.01 }),
    adamW: optim.adamW(),
  };
  for (const norm of ['none', 'batch', 'layer'] as const) {
    for (const [name, optimizer] of Object.entries(optimizers)) {
      it(`keeps loss, parameters and state with norm ${norm} and ${name}, whatever pass is off`, () => {
        const graph = names(norm, optimizer);
        const { inputs, variables } = data(graph);
        const expected = numbers(evaluateGraph(graph, inputs, variables, 'float64'));
        for (const off of without) {
          const got = numbers(evaluateGraph(optimize(graph, { without: off }), inputs, variables, 'float64'));
          expect(got.length).toBe(expected.length);
          // Folded constants are rounded to float32.
          const worst = Math.max(
            ...got.map((value, i) => Math.abs(value - expected[i]) / (1e-2 + Math.abs(expected[i]))),
          );
          expect(worst).toBeLessThan(1e-6);
        }
      });
    }
  }

  it('leaves no broadcast, no marker, and no dense gradient of the embedding', () => {
    const ops = optimize(names('batch', optim.sgd())).nodes.map((node) => node.op.name);
    expect(ops.filter((op) => ['broadcast', 'stop_gradient', 'index', 'transpose'].includes(op))).toEqual([]);
    expect(printGraph(optimize(names('none', optim.sgd(), 127)))).toMatch(
      /(%\d+) = parameter "model\.layers\.0\.weight"[\s\S]*scatter_add \1, /,
    );
  });

  it('sums the gradient once for scale, shift and input of a batch norm', () => {
    const graph = optimize(names('batch', optim.sgd()));
    const columns = graph.nodes.filter((node) => node.op.name === 'sum' && node.shape.join() === '1,20');
    // Mean and variance; then g, g times the centred input, and the centred input.
    expect(columns.length).toBe(5);
  });
});

type Link = (x: Tensor, s: Tensor, i: number) => Tensor;

/** Two hundred ops in a chain, with sums over what they make; x: [6, 4], s: [4]. */
function chain(link: Link, every = 10): Graph {
  return trace('chain', { x: f32(6, 4), s: f32(4) }, ({ x, s }) => {
    const sums: Tensor[] = [];
    let at = x;
    for (let i = 1; sums.length * every < 100; i++) {
      at = link(at, s, i);
      if (i % every === 0) sums.push(sum(at, 0));
    }
    return { at, sums: sums.reduce((a, b) => a.add(b)) };
  });
}

const chains: Record<string, Graph> = {
  'sums of products': chain((x, s, i) => x.mul(s).add(x.mul(s.add(i)))),
  'differences of products': chain((x, s) => x.mul(s).sub(x.div(s))),
  signs: chain((x, s, i) => (i % 2 ? x.neg().mul(s) : s.sub(x.neg()))),
  constants: chain((x, _, i) => x.mul(2 ** (i % 50)).add(x.div(8))),
  reshapes: chain((x, s, i) => x.reshape(i % 2 ? [2, 3, 4] : [6, 4]).add(s.mul(i)), 2),
  transposes: chain((x, s) =>
    x
      .transpose()
      .matmul(x)
      .add(s.reshape([1, 4]))
      .transpose()
      .add(s)
      .add(x.sum(0))
      .slice([0, 0], [1, 4])
      .add(x),
  ),
  slices: chain((x, s) => x.slice([0, 0], [3, 4]).sum(0).mul(s).add(x)),
};

function names(norm: 'none' | 'batch' | 'layer', optimizer: optim.Optimizer, vocabulary = 27): Graph {
  const between = { none: [], batch: [nn.batchNorm1d(20)], layer: [nn.layerNorm(20)] }[norm];
  const model = nn.sequential(
    nn.embedding(vocabulary, 5),
    nn.flatten(),
    nn.linear(15, 20, { bias: norm === 'none' }),
    ...between,
    nn.tanh(),
    nn.linear(20, 27),
  );
  const batch = { x: i32(8, 3), y: i32(8) };
  const loss = (m: { model: nn.Module }, { x, y }: Tensors<typeof batch>) => crossEntropy(m.model(x), y);
  return new StepDefinition<{ model: nn.Module }, typeof batch, Types>({
    name: 'names',
    model: { model },
    batch,
    loss,
    optimizer,
  }).program().entries.train;
}

/** Values for the inputs and variables of a graph; state is kept positive, as a running variance is. */
function data(graph: Graph) {
  let seed = 1;
  const random = () => {
    seed = Math.imul(seed, 1103515245) + 12345;
    return ((seed >>> 8) & 0xffff) / 0x10000;
  };
  const inputs: Record<string, number[]> = {};
  const variables: Record<string, number[]> = {};
  for (const node of graph.inputs) {
    const { name, role, dtype } = inputAttrs(node);
    const element = () =>
      dtype === 'i32' ? Math.floor(random() * 27) : role === 'parameter' ? random() - 0.5 : random() + 0.1;
    (role === 'input' ? inputs : variables)[name] = Array.from({ length: numel(node.shape) }, element);
  }
  return { inputs, variables };
}

/** All results in one list; an update that was dropped kept the variable. Zeros lose their sign. */
function numbers(
  { outputs, updates }: ReturnType<typeof evaluateGraph>,
  graph?: Graph,
  variables: Record<string, number[]> = {},
): number[] {
  const kept = (graph?.updates ?? [])
    .map(({ variable }) => inputAttrs(variable).name)
    .filter((name) => !(name in updates));
  const all = { ...Object.fromEntries(kept.map((name) => [name, { data: variables[name] }])), ...updates };
  return [...Object.values(outputs), ...Object.values(all)].flatMap(({ data }) =>
    Array.from(data, (value) => value + 0),
  );
}
