import type { TensorType } from '../shape.js';
import { add } from './elementwise.js';
import { broadcastTo, concat, identity, slice, zeros } from './movement.js';
import type { Bodies, Body } from './op.js';
import { elementOf, type ScanAttrs, stack } from './scan-op.js';
import { totalsOf } from './step-sums.js';
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

/** What stays the same as one goes back through a scan. */
interface Way {
  readonly body: Body;
  readonly reverse: boolean;
  readonly bodies: Bodies;
  readonly scan: (inputs: readonly Tensor[], attrs: ScanAttrs) => readonly Tensor[];
}

/**
 * Cotangents of a scan's inputs: by the scan that runs the other way over what each step found. It carries the cotangents of
 * the carried values and the sums so far of those of what is the same in every step, and stacks those of the walked tensors.
 * An input that no cotangent reaches has none (null), as if the steps stood one after the other. Of a scan without steps those
 * that a step would reach are 0, and the carried values keep theirs.
 */
export function backwards(
  inputs: readonly Tensor[],
  outputs: readonly Tensor[],
  cotangents: readonly Maybe[],
  attrs: ScanAttrs,
  bodies: Bodies,
  scan: Way['scan'],
): Maybe[] {
  const { body, length, carries, scanned, reverse } = attrs;
  const made = body.outputs.length - carries;
  const same = inputs.slice(carries + scanned);
  const given: Given = {
    carried: outputs.slice(carries + made),
    walked: inputs.slice(carries, carries + scanned),
    same,
  };
  // What each step found has cotangents of its own where this is itself the gradient of something.
  const flows: Flows = {
    carried: cotangents.slice(0, carries),
    made: cotangents.slice(carries, carries + made),
    found: cotangents.slice(carries + made),
    same: same.map(() => null),
  };
  const way = { body, reverse, bodies, scan };
  const found = length === 0 ? withoutSteps(way, given, flows) : stepsBack(way, length, given, flows, 0);
  return [...found.carried, ...found.walked, ...found.same];
}

/** Steps that are taken by themselves, at most: a chain of carried values settles by one with each. */
const MOST_ALONE = 4;

/**
 * The last steps are taken by themselves, until cotangents flow to the same carried values in each step: cotangents of 0 in
 * place of those that do not flow would become NaN behind a derivative that is infinite.
 */
function stepsBack(way: Way, length: number, given: Given, flows: Flows, alone: number): Found {
  const carry = given.carried.map(elementType);
  const flowing = present(flows.carried);
  if (alone > 0 || flowing.length === floats(carry).length) {
    const step = flowBack(way, given, flows, flowing);
    if (present(step.found.carried).join() === flowing.join())
      return scanBack(way, length, given, flows, flowing, step);
    if (alone >= Math.min(MOST_ALONE, carry.length)) {
      const { flowing: all, step } = settled(way, given, flows);
      return scanBack(way, length, given, flows, all, step);
    }
  }
  const at = way.reverse ? 0 : length - 1;
  const [one, others] = [(x: Tensor) => elementOf(x, at), (x: Tensor) => without(x, at)];
  // Of its own tensors: what the step found was made of what is the same in every step.
  const own = steps({ ...given, same: [] }, (x) => identity(one(x)));
  const last = stepBack(way, { ...own, same: given.same.map(identity) }, flowsOf(flows, one));
  if (length === 1) return { ...last, walked: last.walked.map((flow) => flow && stack([flow])) };
  const rest = stepsBack(
    way,
    length - 1,
    steps(given, others),
    { ...flowsOf(flows, others), carried: last.carried, same: last.same },
    alone + 1,
  );
  const walked = rest.walked.map((flow, i) => {
    const end = last.walked[i];
    if (!flow && !end) return null;
    const type = elementType(given.walked[i]);
    const parts = [
      flow ?? zeros({ ...type, shape: [length - 1, ...type.shape] }),
      stack([end ?? zeros(type)]),
    ];
    return concat(way.reverse ? parts.reverse() : parts);
  });
  return { ...rest, walked };
}

/** Which carried values cotangents flow to in any step, and what a step back then gives. */
function settled(way: Way, given: Given, flows: Flows): { flowing: number[]; step: Stepped } {
  let flowing = [...new Set([...present(flows.carried), ...present(flows.found)])];
  for (;;) {
    flowing.sort((a, b) => a - b);
    const step = flowBack(way, given, flows, flowing);
    const next = new Set([...flowing, ...present(step.found.carried)]);
    if (next.size === flowing.length) return { flowing, step };
    flowing = [...next];
  }
}

function withoutSteps(way: Way, given: Given, flows: Flows): Found {
  const { found: reached } = settled(way, given, flows).step;
  const nothingOf = (of: readonly Maybe[], like: readonly Tensor[]) =>
    of.map((flow, i) => flow && zeros(typeOf(like[i])));
  return {
    carried: reached.carried.map(
      (flow, i) => flows.carried[i] ?? (flow && zeros(elementType(given.carried[i]))),
    ),
    walked: nothingOf(reached.walked, given.walked),
    same: nothingOf(reached.same, given.same),
  };
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
function stepBack({ body, bodies }: Way, given: Given, flows: Flows): Found {
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
const isThere = (flow: Maybe): flow is Tensor => flow !== null;
const pick = <T>(list: readonly T[], at: readonly number[]) => at.map((i) => list[i]);

/** A list as long as the one that these places are of, with these items in them. */
function spread(length: number, at: readonly number[], items: readonly Maybe[]): Maybe[] {
  return Array.from({ length }, (_, i) => (at.includes(i) ? items[at.indexOf(i)] : null));
}

function named<T>(prefix: string, list: readonly T[]): Record<string, T> {
  return Object.fromEntries(list.map((item, i) => [`${prefix}${i}`, item]));
}

/** One step back as a graph: cotangents of the carried values `c` go in, sums of those of what is the same, at `added`, are carried. */
function bodyBack(
  way: Way,
  { carried, walked, same }: Given,
  flows: Flows,
  c: readonly number[],
  added: readonly number[],
  see: (made: Stepped) => Record<string, Tensor>,
): Body {
  const carry = carried.map(elementType);
  const elements = walked.map(elementType);
  const [y, h] = [flows.made, flows.found].map(present);
  const [dy, dh] = [pick(flows.made, y), pick(flows.found, h)] as Tensor[][];
  return way.bodies.trace(
    `${way.body.name} backwards`,
    {
      ...named('dc', pick(carry, c)),
      ...named('ds', pick(same, added).map(typeOf)),
      ...named('c', carry),
      ...named('x', elements),
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
      const found = stepBack(way, own, {
        carried: spread(carry.length, c, all('dc', c.length)),
        made: spread(flows.made.length, y, dys),
        found: spread(carry.length, h, dhs),
        same: same.map(() => null),
      });
      return {
        ...named(
          'dc',
          c.map((i) => found.carried[i] ?? zeros(carry[i])),
        ),
        ...named(
          'ds',
          added.map((i, k) => plus(of[`ds${k}`], found.same[i])),
        ),
        ...named('dx', found.walked.filter(isThere)),
        ...see({ found, stacked: [...own.carried, ...own.walked, ...dys, ...dhs] }),
      };
    },
  );
}

/** What a step back gives, where cotangents of these carried values come to it. */
function flowBack(way: Way, given: Given, flows: Flows, c: readonly number[]): Stepped {
  let stepped: Stepped | undefined;
  bodyBack(way, given, flows, c, [], (made) => {
    stepped = made;
    return {};
  });
  return stepped!;
}

/** Steps whose cotangents flow to the same carried values, `c`, in each. */
function scanBack(
  way: Way,
  length: number,
  given: Given,
  flows: Flows,
  c: readonly number[],
  { found, stacked }: Stepped,
): Found {
  const { carried, walked, same } = given;
  const carry = carried.map(elementType);
  const [x, s] = [found.walked, found.same].map(present);
  // Which sums are made of the stacks of all steps; the others are carried.
  let totals = totalsOf(pick(found.same, s), stacked).totals;
  const added = s.filter((_, k) => !totals[k]);
  let [own, factors]: [readonly Tensor[], Tensor[]] = [[], []];
  const back = bodyBack(way, given, flows, c, added, (made) => {
    own = made.stacked;
    ({ totals, factors } = totalsOf(pick(made.found.same, s), own));
    return named('f', factors);
  });
  const stacks = [...carried, ...walked, ...flows.made.filter(isThere), ...flows.found.filter(isThere)];
  const first = [
    ...c.map((i) => flows.carried[i] ?? nothing(carry[i])),
    ...added.map((i) => flows.same[i] ?? nothing(same[i])),
  ];
  const isEmpty = back.outputs.length === 0;
  const results = isEmpty
    ? []
    : way.scan([...first, ...stacks, ...same], {
        reverse: !way.reverse,
        body: back,
        length,
        carries: first.length,
        scanned: stacks.length,
      });
  const ends = first.length;
  const stackOf = (factor: Tensor) =>
    own.includes(factor) ? stacks[own.indexOf(factor)] : results[ends + x.length + factors.indexOf(factor)];
  const sums = spread(same.length, added, results.slice(c.length, ends));
  const outside = spread(
    same.length,
    s,
    totals.map((total, k) => total && plus(flows.same[s[k]], total(stackOf))),
  );
  return {
    // What a step does not find has a cotangent from behind alone, and that was the last step's.
    carried: spread(carry.length, c, results.slice(0, c.length)).map((flow, i) => found.carried[i] && flow),
    walked: spread(walked.length, x, results.slice(ends, ends + x.length)),
    same: flows.same.map((before, i) => outside[i] ?? sums[i] ?? before),
  };
}

const plus = <T extends Maybe>(before: T, flow: Maybe): T | Tensor =>
  before && flow ? add(before, flow) : (flow ?? before);

/** What a sum of floats begins with so that its first term keeps its bits: adding 0 would lose the sign of -0. */
function nothing({ shape, dtype }: TensorType): Tensor {
  return broadcastTo(interpreter().constant(-0, [], dtype), shape);
}
