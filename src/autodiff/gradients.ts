import { checkOptions, shown } from '../check.js';
import { GraphError } from '../errors.js';
import { add } from '../ops/elementwise.js';
import { interpreter, Tensor, toTensor } from '../ops/tensor.js';
import { formatType } from '../shape.js';

export interface GradientOptions {
  /** Cotangent of the output, of its shape; 1 for a scalar output. */
  cotangent?: Tensor;
  /**
   * Keep the gradients differentiable: by default no where tensors are computed at once, and yes inside of a training
   * step, on either engine. A trace always does.
   */
  createGraph?: boolean;
}

/**
 * Reverse mode: the gradient of `output` with respect to each tensor of `wrt`, or null where the output
 * does not depend on it. A variable stands for its value at this point. Works on whatever made the tensors: on a trace it appends nodes, on the tape it
 * computes. (Griewank and Walther 2008, section 3.2: one sweep from the output back.)
 */
export function gradients(
  output: Tensor,
  wrt: readonly Tensor[],
  options: GradientOptions = {},
): (Tensor | null)[] {
  checkOptions('gradients', options, ['cotangent', 'createGraph']);
  checkTargets(output, wrt);
  if (output.dtype !== 'f32')
    throw new GraphError(`gradients: the output must be f32, not ${formatType(output)}`);
  if (!options.cotangent && output.shape.some((size) => size !== 1)) {
    throw new GraphError(
      `gradients: the output must be a scalar, not ${formatType(output)}: take its sum or mean`,
    );
  }
  const by = interpreter();
  const { createGraph = by.keepsGraph ?? false } = options;
  const fixed = (t: Tensor) => (createGraph ? t : by.detach(t));
  // What an op was given is what the variable was read as.
  const asked = wrt.map((t) => toTensor(t));
  const targets = new Set(asked);
  const needed = dependents(output, targets);
  const cotangents = new Map<Tensor, Tensor>();
  cotangents.set(output, options.cotangent ?? by.constant(1, output.shape, 'f32'));

  for (const tensor of needed) {
    const cotangent = cotangents.get(tensor);
    const { creator } = tensor;
    if (!cotangent || !creator?.op.vjp) continue;
    if (!targets.has(tensor)) cotangents.delete(tensor);
    const flows = creator.op.vjp({
      inputs: creator.inputs.map(fixed),
      output: fixed(tensor),
      cotangent,
      attrs: creator.attrs,
    });
    creator.inputs.forEach((input, i) => {
      const flow = flows[i];
      if (!flow || !needed.has(input)) return;
      const before = cotangents.get(input);
      cotangents.set(input, before ? add(before, flow) : flow);
    });
  }
  return asked.map((t) => cotangents.get(t) ?? null);
}

function checkTargets(output: unknown, wrt: unknown): void {
  if (!(output instanceof Tensor))
    throw new GraphError(`gradients: expected a tensor to differentiate, got ${shown(output)}`);
  if (!Array.isArray(wrt))
    throw new GraphError('gradients: expected an array of tensors to differentiate by, as in [w]');
  const wrong = wrt.findIndex((t) => !(t instanceof Tensor));
  if (wrong >= 0)
    throw new GraphError(
      `gradients: expected tensors to differentiate by, got ${shown(wrt[wrong])} at ${wrong}`,
    );
}

/** Tensors between `output` and the targets along differentiable ops, outputs before their inputs. */
function dependents(output: Tensor, targets: ReadonlySet<Tensor>): Set<Tensor> {
  const reaches = new Map<Tensor, boolean>();
  const order: Tensor[] = [];
  const stack: { tensor: Tensor; next: number }[] = [{ tensor: output, next: 0 }];
  while (stack.length) {
    const top = stack[stack.length - 1];
    const { creator } = top.tensor;
    const input = creator?.op.vjp ? creator.inputs[top.next++] : undefined;
    if (input === undefined) {
      stack.pop();
      if (reaches.has(top.tensor)) continue;
      const inputs = creator?.op.vjp ? creator.inputs : [];
      reaches.set(top.tensor, targets.has(top.tensor) || inputs.some((i) => reaches.get(i)));
      if (reaches.get(top.tensor)) order.push(top.tensor);
    } else if (!reaches.has(input) && input.dtype === 'f32') {
      stack.push({ tensor: input, next: 0 });
    }
  }
  return new Set(order.reverse());
}
