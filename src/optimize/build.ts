import { makeNode, type Node } from '../graph/graph.js';
import { opTable } from '../ops/index.js';
import { constantOp } from '../ops/leaf.js';
import type { Attrs, Op } from '../ops/op.js';
import { numel, type Shape, sameShape, type TensorType } from '../shape.js';

/** A node of the op with this name. */
export function build(op: string, inputs: readonly Node[], attrs: Attrs, where: string): Node {
  return makeNode(opTable().get(op)!, inputs, attrs, where);
}

/** A constant of this type whose every element is `value`. */
export function fill(value: number, { shape, dtype }: TensorType, where: string): Node {
  return makeNode(constantOp as unknown as Op, [], { values: [value], shape, dtype }, where);
}

/** x repeated to `shape`, or x itself where it has that shape. */
export function broadcast(x: Node, shape: Shape, where: string): Node {
  return sameShape(x.shape, shape) ? x : build('broadcast', [x], { shape }, where);
}

/** x under another shape, or x itself where it has that shape. */
export function reshape(x: Node, shape: Shape, where: string): Node {
  return sameShape(x.shape, shape) ? x : build('reshape', [x], { shape }, where);
}

/** Whether the node is of this op. */
export function is(node: Node, op: string): boolean {
  return node.op.name === op;
}

export function isElementwise(node: Node): boolean {
  return node.op.lower.kind === 'elementwise';
}

export function isScalar(node: Node): boolean {
  return numel(node.shape) === 1;
}

/** The shape with outer axes of size 1, up to `rank` axes. */
export function padShape(shape: Shape, rank: number): Shape {
  return shape.length >= rank ? shape : [...new Array<number>(rank - shape.length).fill(1), ...shape];
}
