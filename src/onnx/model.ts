import type { OnnxAttributes, OnnxType } from '../ops/onnx.js';
import type { Shape } from '../shape.js';

// A model of ONNX as plain data, before it is encoded.

/** The size that may be any. */
export const ROWS = 'rows';

export interface OnnxValue {
  readonly name: string;
  readonly type: OnnxType;
  readonly shape: readonly (number | string)[];
}

export interface OnnxTensor extends OnnxValue {
  readonly shape: Shape;
  readonly data: ArrayLike<number>;
}

export interface OnnxNode {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: OnnxAttributes;
  /** The user's file and line, or ''. */
  readonly where: string;
}

export interface OnnxGraph {
  readonly name: string;
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  readonly tensors: readonly OnnxTensor[];
  readonly nodes: readonly OnnxNode[];
}

/** The version of the operator set that ops are written in; Attention and RMSNormalization came with it. */
export const OPSET = 23;
/** The version of the file format that came with that. */
export const IR_VERSION = 11;
