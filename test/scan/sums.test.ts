import { describe, expect, it } from 'vitest';
import { evaluateGraph } from '../../src/graph/evaluate.js';
import type { Graph } from '../../src/graph/graph.js';
import {
  broadcastTo,
  f32,
  gather,
  gelu,
  gradients,
  i32,
  scan,
  type Tensor,
  tensor,
  trace,
} from '../../src/index.js';
import { optimize } from '../../src/optimize/index.js';
import { schedule } from '../../src/schedule/schedule.js';
import { uniform } from './data.js';

const zeros = (...shape: number[]) => broadcastTo(tensor(0), shape);
const [T, B, N] = [9, 4, 3];

/** The gradient by `w` of a loss of the last state, where a step is h, x, w => h. */
function gradientOf(w: number[], step: (h: Tensor, x: Tensor, w: Tensor) => Tensor): Graph {
  return trace('g', { xs: f32(T, B, N), w: f32(...w), go: f32() }, ({ xs, w, go }) => {
    const { carry } = scan((h: Tensor, x: Tensor) => ({ carry: step(h, x, w) }), {
      carry: zeros(B, N),
      inputs: xs,
    });
    return { g: gradients(carry.square().sum().mul(go), [w])[0]! };
  });
}

const loops = (graph: Graph) => graph.nodes.filter(({ op }) => op.name === 'scan').map(({ attrs }) => attrs);

describe('the gradient of what all steps multiply by', () => {
  const weights: [string, number[], (h: Tensor, x: Tensor, w: Tensor) => Tensor][] = [
    ['one product', [N, N], (h, x, w) => h.matmul(w).add(x).tanh()],
    ['a turned matrix', [N, N], (h, x, w) => h.matmul(w.transpose()).add(x).tanh()],
    [
      'parts of a matrix',
      [N, 2 * N],
      (h, x, w) => {
        const part = (at: number) => w.slice([0, at], [N, N]);
        return h
          .matmul(part(0))
          .add(x.matmul(part(N)))
          .tanh();
      },
    ],
    ['one that is used twice', [N, N], (h, x, w) => h.matmul(w).add(x).tanh().matmul(w)],
    ['one on the left', [B, B], (h, x, w) => w.matmul(h).add(x).tanh()],
  ];
  it.each(weights)('is one product behind the loop: %s', (_, shape, step) => {
    const graph = gradientOf(shape, step);
    const [, back] = loops(optimize(graph));
    // The cotangent of the state is all that is carried.
    expect(back.carries).toBe(1);
    const { kernels } = schedule(optimize(graph));
    expect(
      kernels.some(({ name }) =>
        new RegExp(`^gemm_.._.*x(${(T - 1) * B}|${(T - 1) * N}|${T * B}|${T * N})`).test(name),
      ),
    ).toBe(true);
    const values = { xs: uniform([T, B, N], 1), go: [1], w: uniform(shape, 2) };
    const at = (w: Float64Array) =>
      evaluateGraph(
        trace('f', { xs: f32(T, B, N), w: f32(...shape) }, ({ xs, w }) => ({
          y: scan((h: Tensor, x: Tensor) => ({ carry: step(h, x, w) }), { carry: zeros(B, N), inputs: xs })
            .carry.square()
            .sum(),
        })),
        { xs: values.xs, w },
        {},
        'float64',
      ).outputs.y.data[0];
    const { g } = evaluateGraph(graph, values, {}, 'float64').outputs;
    for (let i = 0; i < g.data.length; i++) {
      const moved = (by: number) => Float64Array.from(values.w, (v, k) => (k === i ? v + by : v));
      expect(g.data[i]).toBeCloseTo((at(moved(1e-5)) - at(moved(-1e-5))) / 2e-5, 4);
    }
  });

  it('is one sum of rows of a table, and of a bias one sum', () => {
    const graph = trace('g', { ids: i32(T, B), table: f32(50, N), b: f32(N), u: f32(N, N) }, (of) => {
      const { carry } = scan(
        (h: Tensor, id: Tensor) => ({
          carry: h.matmul(of.u).add(of.b).add(gather(of.table, id)).tanh(),
        }),
        { carry: zeros(B, N), inputs: of.ids },
      );
      const [table, b, u] = gradients(carry.square().sum(), [of.table, of.b, of.u]);
      return { table: table!, b: b!, u: u! };
    });
    const [, back] = loops(optimize(graph));
    expect(back.carries).toBe(1);
    const names = schedule(optimize(graph)).kernels.map(({ name }) => name);
    expect(names.filter((name) => name.startsWith('scatter_add_50'))).not.toEqual([]);
  });

  it('is carried where steps add something else', () => {
    const [, back] = loops(optimize(gradientOf([N], (h, x, w) => h.mul(w).add(x).tanh())));
    expect(back.carries).toBe(2);
  });

  it('needs no product of the first scan again', () => {
    const graph = gradientOf([N, N], (h, x, w) => h.matmul(w).add(x).tanh());
    const { kernels } = schedule(optimize(graph));
    const inLoops = kernels.flatMap((kernel) => (kernel.kind === 'loop' ? [kernel.body] : []));
    const products = inLoops.map((body) => body.kernels.filter(({ kind }) => kind === 'gemm').length);
    expect(products).toEqual([1, 1]);
    const without = schedule(optimize(graph, { without: ['common-steps'] })).kernels;
    expect(
      without
        .flatMap((kernel) => (kernel.kind === 'loop' ? [kernel.body.kernels] : []))
        .map((list) => list.filter(({ kind }) => kind === 'gemm').length),
    ).toEqual([1, 2]);
  });

  it('puts the gradients of what steps walk along where they belong', () => {
    const graph = trace('g', { xs: f32(T, B, N), u: f32(N, N) }, ({ xs, u }) => {
      const { carry, outputs } = scan(
        (h: Tensor, x: Tensor) => {
          const next = h.matmul(u).add(x).tanh();
          return { carry: next, outputs: next };
        },
        { carry: zeros(B, N), inputs: xs },
      );
      expect(carry.shape).toEqual([B, N]);
      return { g: gradients((outputs as Tensor).square().sum(), [xs])[0]! };
    });
    // The last step is taken by itself, and the loop makes the others beside it.
    const names = schedule(optimize(graph)).kernels.map(({ name }) => name);
    expect(names.filter((name) => name.startsWith('concat'))).toEqual([]);
  });

  it('of a gradient shares steps with both loops before it, under names of their own', () => {
    const graph = trace('g', { xs: f32(T, B, N), w: f32(N, N) }, ({ xs, w }) => {
      const step = (h: Tensor, x: Tensor) => {
        const next = gelu(h.matmul(w).add(x));
        return { carry: next, outputs: next };
      };
      const { carry, outputs } = scan(step, { carry: zeros(B, N), inputs: xs });
      const loss = (outputs as Tensor).square().sum().add(carry.sum());
      const [g] = gradients(loss, [xs]);
      return { g: g!, again: gradients(g!.square().sum(), [xs])[0]! };
    });
    const values = { xs: uniform([T, B, N], 1), w: uniform([N, N], 2) };
    const [plain, shared] = [graph, optimize(graph)].map(
      (of) => evaluateGraph(of, values, {}, 'float64').outputs,
    );
    for (const name of ['g', 'again'])
      shared[name].data.forEach((x, i) => {
        expect(x).toBeCloseTo(plain[name].data[i], 6);
      });
  });
});
