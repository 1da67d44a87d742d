import { GraphError, ShapeError } from '../errors.js';
import { formatType, numel, sameType, severalResults, type TensorType } from '../shape.js';
import { concat, reshape, slice, zeros } from './movement.js';
import { type Bodies, type Body, defineOp, type Op, type Value } from './op.js';
import { applyForAll } from './results.js';
import { backwards } from './scan-vjp.js';
import type { Tensor } from './tensor.js';

/**
 * A graph run `length` times, or not at all: the carried values are then the first ones, and stacks have no elements. Its inputs are the carried values, then one element (along the first axis) of each scanned
 * tensor, then what is the same in every step; its outputs the new carried values, then what is stacked.
 */
export type ScanAttrs = {
  body: Body;
  length: number;
  /** How many values are carried, and how many tensors are walked through. */
  carries: number;
  scanned: number;
  /** From the last element to the first. */
  reverse: boolean;
};

/**
 * The node's inputs are the first carried values, the scanned tensors with an axis more in front, and what is the same in
 * every step. Its results are the last carried values, the stacked outputs, and every carried value as each step found it,
 * stacked: what its VJP needs, and nobody makes where nobody reads it.
 */
export const scanOp: Op<ScanAttrs> = defineOp<ScanAttrs>({
  name: 'scan',
  onnx(to, inputs, { attrs: { body, carries, scanned, reverse } }) {
    const stacks = body.outputs.length;
    const directions = (n: number) => new Array<number>(n).fill(Number(reverse));
    const walked = inputs.slice(0, carries + scanned);
    return to.nodes('Scan', walked, carries + stacks, {
      body: to.body(body, inputs.slice(carries + scanned), carries),
      num_scan_inputs: scanned,
      ...(scanned && { scan_input_directions: directions(scanned) }),
      ...(stacks && { scan_output_directions: directions(stacks) }),
    });
  },
  type(inputs, attrs) {
    const { body, length, carries, scanned } = attrs;
    if (!Number.isInteger(length) || length < 0)
      throw new ShapeError(`scan: the length must be a whole number from 0, not ${length}`);
    if (inputs.length !== body.inputs.length)
      throw new GraphError(`scan: the body takes ${body.inputs.length} tensors, ${inputs.length} are given`);
    inputs.forEach((input, i) => {
      const walked = i >= carries && i < carries + scanned;
      const wanted = walked ? stacked(body.inputs[i], length) : body.inputs[i];
      if (!sameType(input, wanted))
        throw new ShapeError(
          `scan: input ${i} must be ${formatType(wanted)} for its body, not ${formatType(input)}`,
        );
    });
    const results = body.outputs.map(({ node }) => typeOf(node));
    results.slice(0, carries).forEach((carry, i) => {
      if (!sameType(carry, inputs[i]))
        throw new ShapeError(
          `scan: carried value ${i} is ${formatType(inputs[i])}, the body makes ${formatType(carry)}`,
        );
    });
    return severalResults([
      ...results.slice(0, carries),
      ...results.slice(carries).map((type) => stacked(type, length)),
      ...body.inputs.slice(0, carries).map((type) => stacked(type, length)),
    ]);
  },
  implied: () => ({ reverse: false }),
  vjp: null,
  vjpOfSeveral({ inputs, outputs, cotangents, attrs, bodies }) {
    return backwards(inputs, outputs, cotangents, attrs, bodies, (given, of) =>
      applyForAll(scanOp, given, of),
    );
  },
  reference(inputs, { body, length, carries, scanned, reverse }, out, run) {
    const made = body.outputs.length - carries;
    const results = out.results!;
    const same = inputs.slice(carries + scanned);
    let carry = inputs.slice(0, carries);
    for (let k = 0; k < length; k++) {
      const t = reverse ? length - 1 - k : k;
      carry.forEach((value, i) => {
        store(value, results[carries + made + i], t);
      });
      const elements = inputs.slice(carries, carries + scanned).map((x) => element(x, t));
      const given = run(body, [...carry, ...elements, ...same]);
      given.slice(carries).forEach((value, i) => {
        store(value, results[carries + i], t);
      });
      carry = given.slice(0, carries);
    }
    carry.forEach((value, i) => {
      results[i].data.set(value.data);
    });
  },
  lower: {
    kind: 'composite',
    expand: (inputs, attrs, replay) => unrolled(inputs, attrs as ScanAttrs, replay),
    isLoop: (attrs) => (attrs as ScanAttrs).length > 1,
  },
});

const typeOf = ({ shape, dtype }: TensorType): TensorType => ({ shape, dtype });

function stacked({ shape, dtype }: TensorType, length: number): TensorType {
  return { shape: [length, ...shape], dtype };
}

function element({ shape, dtype, data }: Value, t: number): Value {
  const inner = shape.slice(1);
  const n = numel(inner);
  return { shape: inner, dtype, data: data.subarray(t * n, (t + 1) * n) };
}

function store({ data }: Value, to: Value, t: number): void {
  to.data.set(data, t * data.length);
}

/** Element t of a stacked tensor. */
export function elementOf(x: Tensor, t: number): Tensor {
  const starts = x.shape.map((_, i) => (i === 0 ? t : 0));
  return reshape(slice(x, starts, [1, ...x.shape.slice(1)]), x.shape.slice(1));
}

/** Tensors of one shape along a new first axis. */
export function stack(tensors: readonly Tensor[]): Tensor {
  return concat(tensors.map((x) => reshape(x, [1, ...x.shape])));
}

/** The steps one after the other. */
function unrolled(
  inputs: readonly Tensor[],
  { body, length, carries, scanned, reverse }: ScanAttrs,
  replay: Bodies['replay'],
): Tensor[] {
  const same = inputs.slice(carries + scanned);
  if (length === 0) {
    const stacks = [...body.outputs.slice(carries).map(({ node }) => node), ...inputs.slice(0, carries)];
    return [...inputs.slice(0, carries), ...stacks.map((type) => zeros(stacked(type, 0)))];
  }
  const found: Tensor[][] = [];
  const made: Tensor[][] = [];
  let carry = inputs.slice(0, carries);
  for (let k = 0; k < length; k++) {
    const t = reverse ? length - 1 - k : k;
    const elements = inputs.slice(carries, carries + scanned).map((x) => elementOf(x, t));
    const given = replay(body, [...carry, ...elements, ...same]);
    found[t] = carry;
    made[t] = given.slice(carries);
    carry = given.slice(0, carries);
  }
  const stacks = (steps: readonly Tensor[][]) => steps[0].map((_, i) => stack(steps.map((step) => step[i])));
  return [...carry, ...stacks(made), ...stacks(found)];
}
