import fc from 'fast-check';
import { fromRoots, type Graph, makeInput, makeNode, type Node } from '../../src/graph/graph.js';
import { opTable } from '../../src/ops/index.js';
import type { Attrs } from '../../src/ops/op.js';
import { numel, type Shape } from '../../src/shape.js';

export interface RandomGraph {
  graph: Graph;
  inputs: Record<string, number[]>;
  variables: Record<string, number[]>;
}

/**
 * Graphs of ops that compute exactly on small whole numbers and halves, with such numbers as data, so that
 * any right order of computation gives the same result.
 */
export function randomGraph(): fc.Arbitrary<RandomGraph> {
  const step = fc.record({ op: fc.nat(), picks: fc.array(fc.nat(), { minLength: 8, maxLength: 8 }) });
  return fc
    .record({
      steps: fc.array(step, { minLength: 1, maxLength: 24 }),
      values: fc.infiniteStream(fc.integer({ min: -2, max: 2 })),
    })
    .map(({ steps, values }) => {
      const [a, b, row, scalar] = [[4, 3], [4, 3], [3], []].map((shape, i) =>
        makeInput(`x${i}`, 'input', shape, 'f32'),
      );
      const ids = makeInput('ids', 'input', [2, 2], 'i32');
      const w = makeInput('w', 'parameter', [4, 3], 'f32');
      const leaves = [a, b, row, scalar, ids, w];
      const pool = [...leaves, ...[0, 1, -1, 2, 0.5, 3].map((v) => constant(v, []))];
      for (const { op, picks } of steps) {
        const node = tryStep(op, picks, pool, ids);
        if (node && numel(node.shape) <= 96) pool.push(node);
      }
      const last = pool.slice(leaves.length).slice(-4);
      const update = pool.findLast((node) => node.shape.join() === '4,3' && node.dtype === 'f32')!;
      const graph = fromRoots({
        name: 'random',
        inputs: leaves,
        outputs: last.map((node, i) => ({ name: `y${i}`, node })),
        updates: [{ variable: w, value: update }],
      });
      const fill = (node: Node) =>
        Array.from({ length: numel(node.shape) }, () => values.next().value as number);
      return {
        graph,
        inputs: {
          ...Object.fromEntries([a, b, row, scalar].map((node, i) => [`x${i}`, fill(node)])),
          ids: fill(ids)
            .map((v) => v + 2)
            .map((v) => Math.min(v, 3)),
        },
        variables: { w: fill(w) },
      };
    });
}

const UNARY = ['neg', 'abs', 'relu', 'stop_gradient', 'neg'];
const BINARY = ['add', 'sub', 'mul', 'add', 'mul', 'maximum', 'minimum'];
const COMPARISONS = ['equal', 'less', 'greater_equal'];

function make(op: string, inputs: Node[], attrs: Attrs = {}): Node {
  return makeNode(opTable().get(op)!, inputs, attrs);
}

function constant(value: number, shape: Shape): Node {
  return make('constant', [], { values: [value], shape, dtype: 'f32' });
}

/** One more node, if the picked operands go together. */
function tryStep(kind: number, picks: number[], pool: Node[], ids: Node): Node | undefined {
  // Recent nodes are picked more often, so that ops stand in chains.
  const floats = pool.filter((node) => node.dtype === 'f32');
  const pick = (i: number) =>
    floats[floats.length - 1 - (picks[i] % Math.min(floats.length, picks[i + 1] % 2 ? 3 : 100))];
  const [x, y] = [pick(0), pick(2)];
  const n = picks[4];
  const axes = [...x.shape.keys()].filter((axis) => (n >> axis) & 1);
  try {
    switch (kind % 22) {
      case 20: {
        const axis = n % Math.max(1, x.shape.length);
        const most = make('max_with_index', [x], { axis });
        const place = make('cast', [make('result', [most], { index: 1 })], { to: 'f32' });
        return make('add', [make('result', [most], { index: 0 }), place]);
      }
      case 21: {
        const axis = n % Math.max(1, x.shape.length);
        const first = n % (x.shape[axis] + 1);
        const parts = make('split', [x], { axis, sizes: [first, x.shape[axis] - first] });
        return make('result', [parts], { index: n & 1 });
      }
      case 0:
        return make(UNARY[n % UNARY.length], [x]);
      case 1:
      case 2:
      case 3:
        return make(BINARY[n % BINARY.length], [x, y]);
      case 4:
        return make('where', [make(COMPARISONS[n % 3], [x, y]), pick(5), x]);
      case 5:
      case 6:
        return axes.length ? make(n % 3 ? 'sum' : 'max', [x], { axes }) : undefined;
      case 7:
        return make('reshape', [x], { shape: reshapeOf(x.shape, n) });
      case 8:
        return make('transpose', [x], { perm: permutation(x.shape.length, n) });
      case 9:
        return make('broadcast', [x], {
          shape: n % 2 ? [2, ...x.shape] : x.shape.map((size) => (size === 1 ? 3 : size)),
        });
      case 10: {
        const sizes = x.shape.map((size, axis) => Math.max(1, size - ((n >> axis) & 1)));
        return make('slice', [x], { starts: x.shape.map((size, axis) => size - sizes[axis]), sizes });
      }
      case 11:
        return padOrJoin(x, n);
      case 12:
        return make('concat', [x, y], { axis: n % Math.max(1, x.shape.length) });
      case 13:
        return make('matmul', [x, y], { transposeA: n % 2 > 0, transposeB: n % 4 > 1 });
      case 14:
        if (!(x.shape[0] >= 4)) return undefined;
        return make('gather', [x, make('index', [ids], { size: 4, what: 'gather' })]);
      case 15: {
        if (axes.length === 0) return undefined;
        // A product with something that is the same along the summed axes, plus another.
        const row = make('slice', [y], {
          starts: y.shape.map(() => 0),
          sizes: y.shape.map((size, i) => ((n >> i) & 1 ? 1 : size)),
        });
        const terms = [make('mul', [x, row]), make(n % 3 ? 'mul' : 'sub', [row, pick(5)])];
        return make('sum', [make(n % 2 ? 'add' : 'mul', terms)], { axes });
      }
      case 16:
        return make(BINARY[n % BINARY.length], [make('reshape', [x], { shape: reshapeOf(x.shape, n) }), y]);
      case 17: {
        const turn = (t: Node) => make('transpose', [t], { perm: swapLast(t.shape.length) });
        const flags = { transposeA: n % 4 > 1, transposeB: n % 8 > 3 };
        const product = make('matmul', n % 2 ? [turn(x), y] : [x, turn(y)], flags);
        return n % 3 ? product : turn(product);
      }
      case 18: {
        // A step of gradient descent on a table.
        const step = make('mul', [
          scatter(constant(0, [4, 3]), ids, x),
          floats.find((node) => numel(node.shape) === 1)!,
        ]);
        return make(n % 2 ? 'sub' : 'add', [
          pool.find((node) => node.shape.join() === '4,3')!,
          n % 3 ? step : make('neg', [step]),
        ]);
      }
      default: {
        const base = n % 2 ? constant(0, [4, 3]) : pool.find((node) => node.shape.join() === '4,3')!;
        return scatter(base, ids, x);
      }
    }
  } catch {
    return undefined;
  }
}

function scatter(base: Node, ids: Node, x: Node): Node {
  const rows = x.shape.join() === '2,2,3' ? x : make('broadcast', [x], { shape: [2, 2, 3] });
  return make('scatter_add', [base, ids, rows]);
}

function swapLast(rank: number): number[] {
  return [...Array(rank).keys()].map((axis) => (axis < rank - 2 ? axis : 2 * rank - 3 - axis));
}

function reshapeOf(shape: Shape, n: number): number[] {
  const options = [
    [numel(shape)],
    [1, ...shape],
    [...shape, 1],
    shape.filter((size) => size !== 1),
    [...shape].reverse(),
  ];
  if (shape.length && shape[0] % 2 === 0) options.push([2, shape[0] / 2, ...shape.slice(1)]);
  if (shape.length > 1) options.push([shape[0] * shape[1], ...shape.slice(2)]);
  return [...options[n % options.length]];
}

function permutation(rank: number, n: number): number[] {
  const axes = [...Array(rank).keys()];
  const order: number[] = [];
  for (let rest = n; axes.length; rest = Math.floor(rest / 7))
    order.push(...axes.splice(rest % axes.length, 1));
  return order;
}

/** A pad, or the sum of the pads that put two halves of x together again. */
function padOrJoin(x: Node, n: number): Node {
  const zeros = x.shape.map(() => 0);
  const axis = n % Math.max(1, x.shape.length);
  const half = Math.floor(x.shape[axis] / 2);
  const along = (value: number) => zeros.map((_, i) => (i === axis ? value : 0));
  if (n % 2 || half === 0) return make('pad', [x], { before: along(1), after: along(n % 3) });
  const sizes = (size: number) => x.shape.map((s, i) => (i === axis ? size : s));
  const head = make('slice', [x], { starts: zeros, sizes: sizes(half) });
  const tail = make('slice', [x], { starts: along(half), sizes: sizes(x.shape[axis] - half) });
  return make('add', [
    make('pad', [tail], { before: along(half), after: zeros }),
    make('pad', [make('neg', [head])], { before: zeros, after: along(x.shape[axis] - half) }),
  ]);
}
