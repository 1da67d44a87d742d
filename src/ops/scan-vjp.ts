import type { TensorType } from '../shape.js';
import { add } from './elementwise.js';
import { broadcastTo, concat, identity, slice, zeros } from './movement.js';
import type { Bodies, Body } from './op.js';
import { elementOf, type ScanAttrs, stack } from './scan-op.js';
import { type Total, totalsOf } from './step-sums.js';
import { interpreter, type Tensor } from './tensor.js';

type Maybe = Tensor | null;

/** What a step is given. */
interface Given {
  readonly carried: readonly Tensor[];
  readonly walked: readonly Tensor[];
  readonly same: readonly Tensor[];
}

/** Cotangents of what a step returns, and those that what it is given has from elsewhere. */
interface Flows {
  readonly carried: readonly Maybe[];
  readonly made: readonly Maybe[];
  readonly found: readonly Maybe[];
  readonly same: readonly Maybe[];
}

/** A step gone back through, and what it has of stacks. */
interface Stepped {
  readonly found: Found;
  readonly stacked: readonly Tensor[];
}

/** Cotangents of what a step is given; null where nothing flows. */
interface Found {
  readonly carried: readonly Maybe[];
  readonly walked: readonly Maybe[];
  readonly same: readonly Maybe[];
}

/**
 * Cotangents of a scan's inputs: by the scan that runs the other way over what each step found. It carries the cotangents of
 * the carried values and the sums so far of those of what is the same in every step, and stacks those of the walked tensors.
 * Where nothing depends on the last carried values the last step is taken by itself: cotangents of 0 in their place would
 * become NaN behind a derivative that is infinite.
 */
export function backwards(
  inputs: readonly Tensor[],
  outputs: readonly Tensor[],
  cotangents: readonly Maybe[],
  attrs: ScanAttrs,
  bodies: Bodies,
  scan: (inputs: readonly Tensor[], attrs: ScanAttrs) => readonly Tensor[],
): Maybe[] {
  const { body, length, carries, scanned, reverse } = attrs;
  const made = body.outputs.length - carries;
  const same = inputs.slice(carries + scanned);
  let given: Given = {
    carried: outputs.slice(carries + made),
    walked: inputs.slice(carries, carries + scanned),
    same,
  };
  // What each step found has cotangents of its own where this is itself the gradient of something.
  let flows: Flows = {
    carried: cotangents.slice(0, carries),
    made: cotangents.slice(carries, carries + made),
    found: cotangents.slice(carries + made),
    same: same.map(() => null),
  };
  let last: Found | null = null;
  if (flows.carried.some((flow, i) => !flow && isFloat(inputs[i]))) {
    const at = reverse ? 0 : length - 1;
    const [one, others] = [(x: Tensor) => elementOf(x, at), (x: Tensor) => without(x, at)];
    // Of its own tensors: what the step found was made of what is the same in every step.
    const own = steps({ ...given, same: [] }, (x) => identity(one(x)));
    last = stepBack(body, { ...own, same: same.map(identity) }, flowsOf(flows, one), bodies);
    if (length === 1)
      return [...last.carried, ...last.walked.map((flow) => flow && stack([flow])), ...last.same];
    given = steps(given, others);
    flows = { ...flowsOf(flows, others), carried: last.carried, same: last.same };
  }
  const rest = scanBack({ ...attrs, length: length - (last ? 1 : 0) }, given, flows, bodies, scan);
  const walked = rest.walked.map((flow, i) => {
    if (!flow || !last) return flow;
    const end = stack([last.walked[i] ?? zeros(elementType(given.walked[i]))]);
    return concat(reverse ? [end, flow] : [flow, end]);
  });
  return [...rest.carried, ...walked, ...rest.same];
}

const isFloat = ({ dtype }: TensorType) => dtype === 'f32';
const typeOf = ({ shape, dtype }: TensorType): TensorType => ({ shape, dtype });
const elementType = ({ shape, dtype }: TensorType): TensorType => ({ shape: shape.slice(1), dtype });

/** Stacked tensors but for the first or the last element. */
function without(x: Tensor, at: number): Tensor {
  const [n, ...inner] = x.shape;
  return slice(x, [at === 0 ? 1 : 0, ...inner.map(() => 0)], [n - 1, ...inner]);
}

function steps({ carried, walked, same }: Given, part: (x: Tensor) => Tensor): Given {
  return { carried: carried.map(part), walked: walked.map(part), same };
}

function flowsOf(flows: Flows, part: (x: Tensor) => Tensor): Flows {
  const parts = (list: readonly Maybe[]) => list.map((flow) => flow && part(flow));
  return { ...flows, made: parts(flows.made), found: parts(flows.found) };
}

/** One step, made anew and gone back through. */
function stepBack(body: Body, given: Given, flows: Flows, bodies: Bodies): Found {
  const inputs = [...given.carried, ...given.walked, ...given.same];
  const before = [...flows.found, ...given.walked.map(() => null), ...flows.same];
  const results = bodies.replay(body, inputs);
  const from = [...flows.carried, ...flows.made];
  const reached = results.flatMap((tensor, i) => (from[i] ? [{ tensor, flow: from[i] }] : []));
  const wrt = inputs.flatMap((tensor, i) => (isFloat(tensor) ? [{ tensor, before: before[i], i }] : []));
  const pulled = bodies.pull(
    reached.map(({ tensor }) => tensor),
    reached.map(({ flow }) => flow),
    wrt.map(({ tensor }) => tensor),
    wrt.map((entry) => entry.before),
  );
  const found: Maybe[] = inputs.map(() => null);
  wrt.forEach(({ i }, k) => {
    found[i] = pulled[k];
  });
  const [first, end] = [given.carried.length, given.carried.length + given.walked.length];
  return { carried: found.slice(0, first), walked: found.slice(first, end), same: found.slice(end) };
}

/** Floats of a list, by their places. */
const floats = (list: readonly TensorType[]) => list.flatMap((x, i) => (isFloat(x) ? [i] : []));
/** What is there, by its place. */
const present = (list: readonly Maybe[]) => list.flatMap((flow, i) => (flow ? [i] : []));
const pick = <T>(list: readonly T[], at: readonly number[]) => at.map((i) => list[i]);

/** A list as long as the one that these places are of, with these items in them. */
function spread(length: number, at: readonly number[], items: readonly Tensor[]): Maybe[] {
  return Array.from({ length }, (_, i) => (at.includes(i) ? items[at.indexOf(i)] : null));
}

function named<T>(prefix: string, list: readonly T[]): Record<string, T> {
  return Object.fromEntries(list.map((item, i) => [`${prefix}${i}`, item]));
}

function scanBack(
  { body, length, reverse }: ScanAttrs,
  { carried, walked, same }: Given,
  flows: Flows,
  bodies: Bodies,
  scan: (inputs: readonly Tensor[], attrs: ScanAttrs) => readonly Tensor[],
): Found {
  const carry = carried.map(elementType);
  const [c, x, s] = [carry, walked, same].map(floats);
  const [y, h] = [flows.made, flows.found].map(present);
  const [dy, dh] = [pick(flows.made, y), pick(flows.found, h)] as Tensor[][];
  const trace = (added: readonly number[], see: (made: Stepped) => Record<string, Tensor>) =>
    bodies.trace(
      `${body.name} backwards`,
      {
        ...named('dc', pick(carry, c)),
        ...named('ds', pick(same, added).map(typeOf)),
        ...named('c', carry),
        ...named('x', walked.map(elementType)),
        ...named('dy', dy.map(elementType)),
        ...named('dh', dh.map(elementType)),
        ...named('s', same.map(typeOf)),
      },
      (of) => {
        const all = (prefix: string, n: number) => Array.from({ length: n }, (_, i) => of[`${prefix}${i}`]);
        const own = {
          carried: all('c', carry.length),
          walked: all('x', walked.length),
          same: all('s', same.length),
        };
        const [dys, dhs] = [all('dy', y.length), all('dh', h.length)];
        const found = stepBack(
          body,
          own,
          {
            carried: spread(carry.length, c, all('dc', c.length)),
            made: spread(flows.made.length, y, dys),
            found: spread(carry.length, h, dhs),
            same: same.map(() => null),
          },
          bodies,
        );
        const sums = added.map((i, k) => plus(of[`ds${k}`], found.same[i]));
        const some = (list: readonly Maybe[], types: readonly TensorType[], at: readonly number[]) =>
          at.map((i) => list[i] ?? zeros(types[i]));
        return {
          ...named('dc', some(found.carried, carry, c)),
          ...named('ds', sums),
          ...named('dx', some(found.walked, walked.map(elementType), x)),
          ...see({ found, stacked: [...own.carried, ...own.walked, ...dys, ...dhs] }),
        };
      },
    );
  const stacks = [...carried, ...walked, ...dy, ...dh];
  // Which sums are made of the stacks of all steps; the others are carried.
  let totals: (Total | null)[] = [];
  const see = ({ found, stacked }: Stepped) => {
    const made = totalsOf(pick(found.same, s), stacked);
    totals = made.totals;
    own = stacked;
    factors = made.factors;
    return named('f', factors);
  };
  let [own, factors]: [readonly Tensor[], Tensor[]] = [[], []];
  trace(s, see);
  const added = s.filter((_, k) => !totals[k]);
  const back = trace(added, see);
  const results = scan(
    [
      ...c.map((i) => flows.carried[i] ?? nothing(carry[i])),
      ...added.map((i) => flows.same[i] ?? nothing(same[i])),
      ...stacks,
      ...same,
    ],
    {
      reverse: !reverse,
      body: back,
      length,
      carries: c.length + added.length,
      scanned: stacks.length,
    },
  );
  const [sums, ends] = [c.length, c.length + added.length];
  const stackOf = (factor: Tensor) =>
    own.includes(factor) ? stacks[own.indexOf(factor)] : results[ends + x.length + factors.indexOf(factor)];
  const outside = totals.map((total, k) => total && plus(flows.same[s[k]], total(stackOf)));
  return {
    carried: spread(carry.length, c, results.slice(0, sums)),
    same: spread(
      same.length,
      s,
      outside.map((total, k) => total ?? results[sums + added.indexOf(s[k])]),
    ),
    walked: spread(walked.length, x, results.slice(ends, ends + x.length)),
  };
}

const plus = <T extends Maybe>(before: T, flow: Maybe): T | Tensor =>
  before && flow ? add(before, flow) : (flow ?? before);

/** What a sum of floats begins with so that its first term keeps its bits: adding 0 would lose the sign of -0. */
function nothing({ shape, dtype }: TensorType): Tensor {
  return broadcastTo(interpreter().constant(-0, [], dtype), shape);
}
