import { constantValue, type Node, rewrite } from '../graph/graph.js';
import { broadcast, build, is, padShape, reshape } from './build.js';
import type { Pass } from './pass.js';

// Takes factors that are the same for all summands out of a sum: sum(x * c) = sum(x) * c, also term by term
// where every term has one. Less work inside of loops, and sums that differ only in such factors become one.
// True of numbers; in float32 the last bits differ, as with any other order of summation.
export const factorSums: Pass = {
  name: 'factor-sums',
  run: (graph) =>
    rewrite(graph, (node) => {
      if (!is(node, 'sum') || node.dtype !== 'f32') return node;
      const sum = summed(node, node.inputs[0]);
      return sum ? broadcast(sum, node.shape, node.where) : node;
    }),
};

/** What a product varies in along the summed axes, and what happens to its sum afterwards. */
interface Product {
  readonly rest: Node;
  readonly after: readonly Factor[];
}

type Factor = { readonly op: 'mul' | 'div'; readonly by: Node } | { readonly op: 'neg' };

/** The sum of x over the node's axes from its parts, if there is something to take out. */
function summed(node: Node, x: Node): Node | undefined {
  const { rest, after } = factored(node, x, new Map());
  const inner = byTerms(node, rest);
  if (after.length === 0) return inner;
  return after.reduce<Node>(
    (sum, factor) => build(factor.op, factor.op === 'neg' ? [sum] : [sum, factor.by], {}, node.where),
    inner ?? plainSum(node, rest),
  );
}

/** sum(a + b) as sum(a) + sum(b), if both have a factor of their own to take out. */
function byTerms(node: Node, x: Node): Node | undefined {
  if (!is(x, 'add') && !is(x, 'sub')) return undefined;
  const terms = x.inputs.map((term) =>
    spans(node, term) && hasFactor(node, term) ? summed(node, term) : undefined,
  );
  return terms[0] && terms[1] ? build(x.op.name, [terms[0], terms[1]], {}, node.where) : undefined;
}

function hasFactor(node: Node, x: Node): boolean {
  const { rest, after } = factored(node, x, new Map());
  if (after.some(isWorthIt)) return true;
  return (
    (is(rest, 'add') || is(rest, 'sub')) &&
    rest.inputs.every((term) => spans(node, term) && hasFactor(node, term))
  );
}

function factored(node: Node, x: Node, seen: Map<Node, Product>): Product {
  let product = seen.get(x);
  if (!product) {
    product = split(node, x, seen);
    seen.set(x, product);
  }
  return product;
}

function split(node: Node, x: Node, seen: Map<Node, Product>): Product {
  const [a, b] = x.inputs;
  if (is(x, 'neg')) {
    const { rest, after } = factored(node, a, seen);
    return { rest, after: [...after, { op: 'neg' }] };
  }
  if (is(x, 'div') && invariant(node, b)) {
    const { rest, after } = factored(node, a, seen);
    return { rest, after: [...after, { op: 'div', by: b }] };
  }
  if (is(x, 'mul')) {
    for (const [varying, fixed] of [
      [a, b],
      [b, a],
    ]) {
      if (!invariant(node, fixed)) continue;
      const { rest, after } = factored(node, varying, seen);
      return { rest, after: [...after, { op: 'mul', by: fixed }] };
    }
    const [left, right] = [factored(node, a, seen), factored(node, b, seen)];
    const after = [...left.after, ...right.after];
    if (after.some(isWorthIt)) return { rest: build('mul', [left.rest, right.rest], {}, x.where), after };
  }
  return { rest: x, after: [] };
}

/** A sign or a constant costs nothing inside of a loop; it is taken out only on the way. */
function isWorthIt(factor: Factor): boolean {
  return factor.op !== 'neg' && constantValue(factor.by) === undefined;
}

function plainSum(node: Node, x: Node): Node {
  const full = reshape(x, padShape(x.shape, node.shape.length), node.where);
  return build('sum', [full], node.attrs, node.where);
}

/** Whether x is the same all along the summed axes: it has size 1 there. */
function invariant(node: Node, x: Node): boolean {
  const shape = padShape(x.shape, node.shape.length);
  return (
    axesOf(node).every((axis) => shape[axis] === 1) &&
    !axesOf(node).every((axis) => node.inputs[0].shape[axis] === 1)
  );
}

/** Whether x has all that the sum runs over, rather than being repeated along some of it. */
function spans(node: Node, x: Node): boolean {
  const shape = padShape(x.shape, node.shape.length);
  return axesOf(node).every((axis) => shape[axis] === node.inputs[0].shape[axis]);
}

function axesOf(node: Node): readonly number[] {
  return node.attrs.axes as readonly number[];
}
