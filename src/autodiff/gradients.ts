import { checkOptions, shown } from '../check.js';
import { GraphError } from '../errors.js';
import { add } from '../ops/elementwise.js';
import { hasGradient, isResult, resultsOf } from '../ops/results.js';
import { interpreter, Tensor, toTensor } from '../ops/tensor.js';
import { formatType } from '../shape.js';
import { bodies } from './bodies.js';

export interface GradientOptions {
  /** Cotangent of the output, of its shape; 1 for a scalar output. */
  cotangent?: Tensor | undefined;
  /**
   * Keep the gradients differentiable: by default no where tensors are computed at once, and yes inside of a training
   * step, on either engine. A trace always does.
   */
  createGraph?: boolean | undefined;
}

/**
 * Reverse mode: the gradient of `output` with respect to each tensor of `wrt`, or null where the output
 * does not depend on it. A variable stands for its value at this point. Works on whatever made the tensors: on a trace
 * it appends nodes, on the tape it
 * computes. (Griewank and Walther 2008, section 3.2: one sweep from the output back.)
 *
 * @example
 * ```ts
 * import { gradients, tensor } from '2headgrad';
 * const x = tensor(3, { requiresGrad: true });
 * const [slope] = gradients(x.mul(x), [x]);
 * console.log(slope); // Tensor f32[] 6
 * ```
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
  // What an op was given is what the variable was read as.
  const own = (t: Tensor) => by.within?.(toTensor(t)) ?? toTensor(t);
  const asked = wrt.map(own);
  const cotangents = new Map<Tensor, Tensor>();
  const from = own(output);
  by.checkDerivative?.(from, asked);
  cotangents.set(from, options.cotangent ?? by.constant(1, output.shape, 'f32', from));
  sweep([from], asked, cotangents, createGraph);
  return asked.map((t) => cotangents.get(t) ?? null);
}

/** Brings the cotangents of `outputs` back to `wrt`, where they are added to those that are there. */
export function sweep(
  outputs: readonly Tensor[],
  wrt: readonly Tensor[],
  cotangents: Map<Tensor, Tensor>,
  createGraph: boolean,
): void {
  const by = interpreter();
  const fixed = (t: Tensor) => (createGraph ? t : by.detach(t));
  const targets = new Set(wrt);
  const needed = dependents(outputs, targets);
  /** Of a tensor that stands for several: the cotangent of each. */
  const gathered = new Map<Tensor, (Tensor | null)[]>();
  const plus = (before: Tensor | null | undefined, flow: Tensor) => (before ? add(before, flow) : flow);

  for (const tensor of needed) {
    const { creator } = tensor;
    const several = gathered.get(tensor);
    const cotangent = cotangents.get(tensor);
    if (!creator || !hasGradient(creator.op) || !(several ?? cotangent)) continue;
    const { op, inputs, attrs } = creator;
    gathered.delete(tensor);
    if (!targets.has(tensor)) cotangents.delete(tensor);
    if (isResult(op)) {
      const [whole] = inputs;
      const all = gathered.get(whole) ?? whole.results!.map(() => null);
      const index = attrs.index as number;
      all[index] = plus(all[index], cotangent!);
      gathered.set(whole, all);
      continue;
    }
    const context = { inputs: inputs.map(fixed), attrs };
    const flows = several
      ? op.vjpOfSeveral!({ ...context, outputs: resultsOf(fixed(tensor)), cotangents: several, bodies })
      : op.vjp!({ ...context, output: fixed(tensor), cotangent: cotangent! });
    inputs.forEach((input, i) => {
      const flow = flows[i];
      if (flow && needed.has(input)) cotangents.set(input, plus(cotangents.get(input), flow));
    });
  }
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

function holdsFloats(tensor: Tensor): boolean {
  return (tensor.results ?? [tensor]).some(({ dtype }) => dtype === 'f32');
}

/** Tensors between the outputs and the targets along differentiable ops, outputs before their inputs. */
function dependents(outputs: readonly Tensor[], targets: ReadonlySet<Tensor>): Set<Tensor> {
  const reaches = new Map<Tensor, boolean>();
  const order: Tensor[] = [];
  const sourcesOf = ({ creator }: Tensor) => (creator && hasGradient(creator.op) ? creator.inputs : []);
  const stack: { tensor: Tensor; next: number }[] = outputs.map((tensor) => ({ tensor, next: 0 })).reverse();
  while (stack.length) {
    const top = stack[stack.length - 1];
    const inputs = sourcesOf(top.tensor);
    const input = inputs[top.next++];
    if (input === undefined) {
      stack.pop();
      if (reaches.has(top.tensor)) continue;
      reaches.set(top.tensor, targets.has(top.tensor) || inputs.some((i) => reaches.get(i)));
      if (reaches.get(top.tensor)) order.push(top.tensor);
    } else if (!reaches.has(input) && holdsFloats(input)) {
      stack.push({ tensor: input, next: 0 });
    }
  }
  return new Set(order.reverse());
}
