import { Tensor } from '../ops/tensor.js';
import type { DType, Shape, TensorType } from '../shape.js';
import type { Node } from './graph.js';

/** A node of a graph in the hands of ops. */
export abstract class NodeTensor extends Tensor {
  constructor(readonly node: Node) {
    super();
  }
  override get shape(): Shape {
    return this.node.shape;
  }
  override get dtype(): DType {
    return this.node.dtype;
  }
  override get results(): readonly TensorType[] | undefined {
    return this.node.results;
  }
}
