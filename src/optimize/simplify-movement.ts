import { type Node, rewrite } from '../graph/graph.js';
import { numel, sameShape } from '../shape.js';
import { broadcast, build, is, padShape, reshape } from './build.js';
import type { Pass } from './pass.js';

// Joins movement after movement into one and drops what moves nothing, reductions over axes of size 1
// among it. The same elements arrive at the same places.
export const simplifyMovement: Pass = {
  name: 'simplify-movement',
  contract: {
    changes: 'signs of zeros',
    because: 'the same elements arrive at the same places; a sum of one element starts at 0, and 0 + -0 is 0',
  },
  run: (graph) => rewrite(graph, (node) => simplified(node) ?? node),
};

function simplified(node: Node): Node | undefined {
  return rules[node.op.name]?.(node, node.inputs[0]);
}

/** A reshape of a reshape as one of what was there first; undefined for any other node. */
export function joinedReshapes(node: Node): Node | undefined {
  const [x] = node.inputs;
  return is(node, 'reshape') && is(x, 'reshape') ? reshape(x.inputs[0], node.shape, node.where) : undefined;
}

type Rule = (node: Node, x: Node) => Node | undefined;

const rules: Record<string, Rule> = {
  reshape(node, x) {
    if (sameShape(x.shape, node.shape)) return x;
    return joinedReshapes(node) ?? (is(x, 'broadcast') ? outOfBroadcast(node, x) : undefined);
  },
  transpose(node, x) {
    const perm = node.attrs.perm as number[];
    if (isAscending(perm)) return x;
    if (is(x, 'transpose')) {
      const inner = x.attrs.perm as number[];
      return build('transpose', x.inputs, { perm: perm.map((axis) => inner[axis]) }, node.where);
    }
    // Where only axes of size 1 change places the elements stay in order.
    const moved = perm.filter((axis) => x.shape[axis] !== 1);
    return moved.every((axis, i) => i === 0 || axis > moved[i - 1])
      ? reshape(x, node.shape, node.where)
      : undefined;
  },
  broadcast(node, x) {
    if (is(x, 'broadcast')) return broadcast(x.inputs[0], node.shape, node.where);
    if (numel(x.shape) === numel(node.shape)) return reshape(x, node.shape, node.where);
    // Outer axes of size 1 come with the broadcast.
    return is(x, 'reshape') && sameShape(x.shape, padShape(x.inputs[0].shape, x.shape.length))
      ? broadcast(x.inputs[0], node.shape, node.where)
      : undefined;
  },
  slice(node, x) {
    if (sameShape(x.shape, node.shape)) return x;
    const starts = node.attrs.starts as number[];
    if (is(x, 'slice')) {
      const inner = x.attrs.starts as number[];
      return build(
        'slice',
        x.inputs,
        { starts: starts.map((s, i) => s + inner[i]), sizes: node.shape },
        node.where,
      );
    }
    const part = is(x, 'concat') ? partOf(node, x) : undefined;
    if (part) return part;
    const before = x.attrs.before as number[] | undefined;
    const undone = is(x, 'pad') && sameShape(node.shape, x.inputs[0].shape) && sameShape(starts, before!);
    return undone ? x.inputs[0] : undefined;
  },
  concat(node) {
    const { axis } = node.attrs;
    const flat = node.inputs.flatMap((x) => (is(x, 'concat') && x.attrs.axis === axis ? x.inputs : [x]));
    return flat.length > node.inputs.length ? build('concat', flat, { axis }, node.where) : undefined;
  },
  sum: reduction,
  max: reduction,
};

/** A slice that lies within one of the tensors that were joined, as a slice of that one. */
function partOf(node: Node, joined: Node): Node | undefined {
  const axis = joined.attrs.axis as number;
  const starts = node.attrs.starts as number[];
  let at = 0;
  for (const part of joined.inputs) {
    const end = at + part.shape[axis];
    if (starts[axis] >= at && starts[axis] + node.shape[axis] <= end && part.shape[axis] > 0)
      return build(
        'slice',
        [part],
        { starts: starts.with(axis, starts[axis] - at), sizes: node.shape },
        node.where,
      );
    at = end;
  }
  return undefined;
}

function reduction(node: Node, x: Node): Node | undefined {
  const axes = node.attrs.axes as number[];
  const real = axes.filter((axis) => x.shape[axis] !== 1);
  if (real.length === 0) return x;
  return real.length < axes.length ? build(node.op.name, [x], { axes: real }, node.where) : undefined;
}

/** A reshape that adds or drops axes of size 1 goes before the broadcast, where ops can see the repetition. */
function outOfBroadcast(node: Node, x: Node): Node | undefined {
  const source = padShape(x.inputs[0].shape, x.shape.length);
  const sizes = source.filter((_, i) => x.shape[i] !== 1);
  if (!sameShape(x.shape.filter(notOne), node.shape.filter(notOne))) return undefined;
  let next = 0;
  const before = node.shape.map((size) => (size === 1 ? 1 : sizes[next++]));
  return broadcast(reshape(x.inputs[0], before, node.where), node.shape, node.where);
}

const notOne = (size: number) => size !== 1;

function isAscending(perm: readonly number[]): boolean {
  return perm.every((axis, i) => axis === i);
}
