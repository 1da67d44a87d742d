import { bodyOf } from '../../graph/bodies.js';
import { constantValue, isConstant, isInput, makeInput, type Node } from '../../graph/graph.js';
import { resultNode } from '../../graph/results.js';
import type { ScanAttrs } from '../../ops/scan-op.js';
import type { Shape } from '../../shape.js';
import { build, fill } from '../build.js';
import { type Axes, axesAlong, axesBeside, axesOfExit, axesOfFactor, isProduct } from './axes.js';
import type { Cut, Run } from './cut.js';
import { exportedRows, madeIn } from './exports.js';
import { BLOCK, type Staged } from './find.js';

/** An axis that is passed in blocks, and one of which a block sees a part; from the end, null where there is none. */
interface Places {
  readonly walked: number | null;
  readonly seen: number | null;
}

const NOWHERE: Places = { walked: null, seen: null };

/**
 * The results of a stage of attention, made in blocks: each a step of a loop, which finds its part of what has the axis and
 * all else whole, and whose results are stacked, or added up where they are sums over the axis.
 * @param image what stands for a node of outside, or for a number of each query of the stage before
 */
export function blocksOf(
  region: Staged,
  stage: 0 | 1,
  cut: Cut,
  image: (node: Node) => Node,
): Map<Node, Node> {
  const { stageOf, exits } = region;
  const results = [...exits.keys(), ...exportedRows(region)].filter((node) => stageOf(node) === stage);
  const builder = new Blocks(region, stage, cut, results, image);
  const made = cut.runs.map((run) => builder.run(run));
  const places = new Map(results.map((node) => [node, builder.placesOf(node)]));
  return new Map(
    results.map((node) => {
      const { walked, seen } = places.get(node)!;
      const parts = made.map((run) => run.get(node)!);
      if (walked !== null) return [node, joined(parts, at(node.shape, walked))];
      const whole = parts.map((part, i) => padded(part, node.shape, seen!, cut.runs[i].keys[0]));
      return [node, whole.reduce((sum, part) => build('add', [sum, part], {}, node.where))];
    }),
  );
}

class Blocks {
  private readonly made: ReadonlySet<Node>;

  constructor(
    private readonly region: Staged,
    stage: 0 | 1,
    private readonly cut: Cut,
    private readonly results: readonly Node[],
    private readonly image: (node: Node) => Node,
  ) {
    this.made = new Set(madeIn(region, stage));
  }

  /** Where a result has the axis; one without it is added up. */
  placesOf(node: Node): Places {
    const { axis } = this.cut;
    if (axis !== -2) return { walked: axis, seen: null };
    const exit = this.region.exits.get(node);
    return exit ? this.places(axesOfExit(exit)) : { walked: -2, seen: null };
  }

  /** The results of a run of blocks. */
  run(run: Run): Map<Node, Node> {
    const step = new Step(this.region, run, this.made, (x, node, i) => this.placesOfInput(x, node, i));
    const isSum = (node: Node) => this.placesOf(node).walked === null;
    const sums = this.results.filter(isSum);
    const stacked = this.results.filter((node) => !isSum(node));
    const carries = sums.map((node, i) => {
      const made = step.of(node);
      return { made, input: makeInput(`sum${i}`, 'input', made.shape, made.dtype), where: node.where };
    });
    const outputs = [
      ...carries.map(({ made, input, where }) => build('add', [input, made], {}, where)),
      ...stacked.map((node) => step.of(node)),
    ].map((node, i) => ({ name: `step${i}`, node }));
    const { walked, same } = step;
    const body = bodyOf(
      BLOCK,
      [...carries.map(({ input }) => input), ...walked.map((x) => x.input), ...same.map((x) => x.input)],
      outputs,
    );
    const { count: length } = run;
    const scan = build(
      'scan',
      [
        ...carries.map(({ made, where }) => zeros(made, where)),
        ...walked.map(({ of, axis }) => stackOf(this.image(of), axis, run)),
        ...same.map(({ of }) => this.image(of)),
      ],
      { body, length, carries: carries.length, scanned: walked.length, reverse: false } satisfies ScanAttrs,
      this.region.seed.where,
    );
    return new Map(
      [...sums, ...stacked].map((node, i) => {
        const result = resultNode(scan, i);
        return [node, i < sums.length ? result : unstacked(result, this.placesOf(node).walked!)];
      }),
    );
  }

  private placesOfInput(x: Node, node: Node, i: number): Places {
    const { axis } = this.cut;
    const { scores, exits } = this.region;
    if (axis !== -2) return { ...NOWHERE, walked: x.shape.at(axis) === scores.at(axis) ? axis : null };
    const exit = exits.get(node);
    if (exit) return this.places(axesBeside(node, exit));
    return this.places(isProduct(node) ? axesOfFactor(node, i) : axesAlong(x, scores));
  }

  private places({ queries, keys }: Axes): Places {
    return { walked: queries, seen: keys };
  }
}

/** The graph of one step. */
class Step {
  readonly walked: { readonly of: Node; readonly axis: number; readonly input: Node }[] = [];
  readonly same: { readonly of: Node; readonly input: Node }[] = [];
  private readonly images = new Map<Node, Node>();
  private readonly given = new Map<Node, Map<number | null, Node>>();

  constructor(
    private readonly region: Staged,
    private readonly run: Run,
    private readonly made: ReadonlySet<Node>,
    private readonly placesOf: (x: Node, node: Node, i: number) => Places,
  ) {}

  /** A node as a step makes it. */
  of(node: Node): Node {
    const known = this.images.get(node);
    if (known) return known;
    const inputs = node.inputs.map((x, i) =>
      this.made.has(x) && !this.region.exits.has(x) ? this.of(x) : this.outside(x, this.placesOf(x, node, i)),
    );
    const image = build(node.op.name, inputs, node.attrs, node.where);
    this.images.set(node, image);
    return image;
  }

  /** Its part of what it is given. */
  private outside(x: Node, { walked, seen }: Places): Node {
    const input = this.input(x, walked);
    if (seen === null) return input;
    const [from, to] = this.run.keys;
    return slice(input, at(input.shape, seen), from, to - from);
  }

  private input(x: Node, axis: number | null): Node {
    const shape = axis === null ? x.shape : changed(x.shape, axis, this.run.size);
    const value = constantValue(x);
    if (value !== undefined) return fill(value, { shape, dtype: x.dtype }, x.where);
    if (axis === null && isFixed(x)) return x;
    const known = this.given.get(x) ?? new Map<number | null, Node>();
    this.given.set(x, known);
    const found = known.get(axis);
    if (found) return found;
    const count = this.walked.length + this.same.length;
    const input = makeInput(`k${count}`, 'input', shape, x.dtype);
    known.set(axis, input);
    if (axis === null) this.same.push({ of: x, input });
    else this.walked.push({ of: x, axis, input });
    return input;
  }
}

/** Whether a node is made of nothing that changes: numbers and places. */
function isFixed(node: Node): boolean {
  return !isInput(node) && !isConstant(node) && node.inputs.every(isFixed) && !node.results;
}

/** An axis that is counted from the end. */
const at = (shape: Shape, axis: number) => shape.length + axis;

function changed(shape: Shape, axis: number, size: number): Shape {
  return shape.map((n, i) => (i === at(shape, axis) ? size : n));
}

function zeros({ shape, dtype }: Node, where: string): Node {
  return fill(0, { shape, dtype }, where);
}

function slice(x: Node, axis: number, from: number, size: number): Node {
  if (from === 0 && size === x.shape[axis]) return x;
  const starts = x.shape.map((_, i) => (i === axis ? from : 0));
  const sizes = x.shape.map((n, i) => (i === axis ? size : n));
  return build('slice', [x], { starts, sizes }, x.where);
}

/** The blocks of a run along a new first axis. */
function stackOf(x: Node, axis: number, { from, size, count }: Run): Node {
  const place = at(x.shape, axis);
  const part = slice(x, place, from, size * count);
  const shape = [...x.shape.slice(0, place), count, size, ...x.shape.slice(place + 1)];
  const split = build('reshape', [part], { shape }, x.where);
  const perm = [place, ...shape.map((_, i) => i).filter((i) => i !== place)];
  return place === 0 ? split : build('transpose', [split], { perm }, x.where);
}

/** The other way round: blocks one after the other along their axis. */
function unstacked(x: Node, axis: number): Node {
  const [count, ...block] = x.shape;
  const place = at(block, axis);
  const perm = [...block.map((_, i) => i + 1)];
  perm.splice(place, 0, 0);
  const inOrder = place === 0 ? x : build('transpose', [x], { perm }, x.where);
  return build('reshape', [inOrder], { shape: changed(block, axis, count * block[place]) }, x.where);
}

function joined(parts: readonly Node[], axis: number): Node {
  return parts.length === 1 ? parts[0] : build('concat', parts, { axis }, parts[0].where);
}

/** A part in the place that it has in a whole, with zeros around. */
function padded(x: Node, shape: Shape, axis: number, from: number): Node {
  const place = at(shape, axis);
  const rest = shape[place] - from - x.shape[place];
  if (from === 0 && rest === 0) return x;
  const only = (n: number) => shape.map((_, i) => (i === place ? n : 0));
  return build('pad', [x], { before: only(from), after: only(rest) }, x.where);
}
