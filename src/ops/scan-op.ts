import { GraphError, ShapeError } from '../errors.js';
import { formatType, numel, sameType, severalResults, type TensorType } from '../shape.js';
import { broadcastTo, concat, reshape, slice, zeros } from './movement.js';
import { type Bodies, type Body, defineOp, type Op, type Value } from './op.js';
import { applyForAll } from './results.js';
import { interpreter, type Tensor } from './tensor.js';

/**
 * A graph run `length` times. Its inputs are the carried values, then one element (along the first axis) of each scanned
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
  type(inputs, attrs) {
    const { body, length, carries, scanned } = attrs;
    if (!Number.isInteger(length) || length < 1)
      throw new ShapeError(`scan: the length must be a whole number from 1, not ${length}`);
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
  vjp: null,
  vjpOfSeveral({ inputs, outputs, cotangents, attrs, bodies }) {
    return backwards(inputs, outputs, cotangents, attrs, bodies);
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

const isFloat = ({ dtype }: TensorType) => dtype === 'f32';

/** What has a name for each of its members, in order. */
function named<T>(prefix: string, list: readonly T[]): Record<string, T> {
  return Object.fromEntries(list.map((item, i) => [`${prefix}${i}`, item]));
}

/**
 * The scan that runs the other way over what each step found. It carries the cotangents of the carried values and the sums
 * so far of those of what is the same in every step, and stacks those of the scanned tensors.
 */
function backwards(
  inputs: readonly Tensor[],
  outputs: readonly Tensor[],
  cotangents: readonly (Tensor | null)[],
  { body, length, carries, scanned, reverse }: ScanAttrs,
  bodies: Bodies,
): (Tensor | null)[] {
  const made = body.outputs.length - carries;
  const groups = [
    inputs.slice(0, carries),
    inputs.slice(carries, carries + scanned),
    inputs.slice(carries + scanned),
  ];
  const [carried, walked, same] = groups;
  const history = outputs.slice(carries + made);
  // The history of what was carried has cotangents of its own where this is itself the gradient of something.
  const flows = {
    last: cotangents.slice(0, carries),
    made: cotangents.slice(carries, carries + made),
    found: cotangents.slice(carries + made),
  };
  const floats = (list: readonly TensorType[]) => list.flatMap((x, i) => (isFloat(x) ? [i] : []));
  const [c, x, s] = groups.map(floats);
  const y = flows.made.flatMap((flow, i) => (flow ? [i] : []));
  const h = flows.found.flatMap((flow, i) => (flow ? [i] : []));
  const elements = (list: readonly Tensor[]): TensorType[] =>
    list.map(({ shape, dtype }) => ({ shape: shape.slice(1), dtype }));
  const pick = <T>(list: readonly T[], at: readonly number[]) => at.map((i) => list[i]);

  const types = {
    ...named('dc', pick(carried, c).map(typeOf)),
    ...named('ds', pick(same, s).map(typeOf)),
    ...named('c', carried.map(typeOf)),
    ...named('x', elements(walked)),
    ...named('dy', elements(pick(outputs.slice(carries), y))),
    ...named('dh', elements(pick(history, h))),
    ...named('s', same.map(typeOf)),
  };
  const back = bodies.trace(`${body.name} backwards`, types, (given) => {
    const all = (prefix: string, n: number) => Array.from({ length: n }, (_, i) => given[`${prefix}${i}`]);
    const own = [all('c', carried.length), all('x', walked.length), all('s', same.length)];
    const results = bodies.replay(body, own.flat());
    const wrt = [...pick(own[0], c), ...pick(own[1], x), ...pick(own[2], s)];
    const before = [
      ...c.map((i) => (h.includes(i) ? given[`dh${h.indexOf(i)}`] : null)),
      ...x.map(() => null),
      ...all('ds', s.length),
    ];
    const found = bodies
      .pull(
        [...pick(results, c), ...pick(results.slice(carries), y)],
        [...all('dc', c.length), ...all('dy', y.length)],
        wrt,
        before,
      )
      .map((flow, i) => flow ?? zeros(wrt[i]));
    return {
      ...named('dc', found.slice(0, c.length)),
      ...named('ds', found.slice(c.length + x.length)),
      ...named('dx', found.slice(c.length, c.length + x.length)),
    };
  });
  const start = (type: TensorType) => nothing(type);
  const results = applyForAll(
    scanOp,
    [
      ...c.map((i) => flows.last[i] ?? start(carried[i])),
      ...s.map((i) => start(same[i])),
      ...history,
      ...walked,
      ...pick(flows.made, y).map((flow) => flow!),
      ...pick(flows.found, h).map((flow) => flow!),
      ...same,
    ],
    {
      body: back,
      length,
      carries: c.length + s.length,
      scanned: carried.length + walked.length + y.length + h.length,
      reverse: !reverse,
    },
  );
  const place = (list: readonly TensorType[], at: readonly number[], first: number) =>
    list.map((_, i) => (at.includes(i) ? results[first + at.indexOf(i)] : null));
  return [...place(carried, c, 0), ...place(walked, x, c.length + s.length), ...place(same, s, c.length)];
}

/** What a sum of floats begins with so that its first term keeps its bits: adding 0 would lose the sign of -0. */
function nothing({ shape, dtype }: TensorType): Tensor {
  return broadcastTo(interpreter().constant(-0, [], dtype), shape);
}
