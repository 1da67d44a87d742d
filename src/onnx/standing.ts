import type { OnnxRule } from '../ops/onnx.js';
import type { Attrs, Op } from '../ops/op.js';

/** An op of ONNX alone, which stands for a pattern of ours; it has the type of its first operand unless told. */
export function opOf<A extends Attrs>(name: string, onnx: OnnxRule<A>, type: Op<A>['type'] = ([x]) => x): Op {
  const op: Op<A> = {
    name,
    type,
    vjp: null,
    reference() {
      throw new Error(`${name} is for ONNX alone`);
    },
    lower: { kind: 'leaf' },
    onnx,
  };
  return op as unknown as Op;
}
