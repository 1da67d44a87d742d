import { bodyOf, freshNames, substituted } from '../graph/bodies.js';
import { isLoop } from '../graph/expand.js';
import { type Graph, inputAttrs, isInput, makeInput, makeNode, type Node, rewrite } from '../graph/graph.js';
import { resultNode } from '../graph/results.js';
import { isResult } from '../ops/results.js';
import type { ScanAttrs } from '../ops/scan-op.js';
import { numel } from '../shape.js';
import { build, is } from './build.js';
import { attrsText } from './common-subexpressions.js';
import type { Pass } from './pass.js';

// A loop that makes again what another has made in the same step, as the gradient of a scan does, gets that as a stack: of
// products, sums and functions that cost more than to read them.

export const commonSteps: Pass = {
  name: 'common-steps',
  contract: {
    changes: 'nothing',
    because: 'an op gives the same bits for the same inputs and attributes, whichever loop it is in',
  },
  run(graph) {
    const plans = plansOf(graph);
    if (plans.size === 0) return graph;
    /** By the loop that makes them: what it has to give. */
    const wanted = new Map<Node, Set<Node>>();
    for (const { first, kept } of plans.values())
      wanted.set(first, new Set([...(wanted.get(first) ?? []), ...kept.map(({ made }) => made)]));
    const givers = new Map<Node, { now: Node; at: ReadonlyMap<Node, number>; behind: number }>();
    const byNow = new Map<Node, { behind: number; added: number }>();
    return rewrite(graph, (node, before) => {
      if (isResult(node.op)) {
        const giver = byNow.get(node.inputs[0]);
        const index = node.attrs.index as number;
        return giver && index >= giver.behind
          ? resultNode(node.inputs[0], index + giver.added, node.where)
          : node;
      }
      const asked = wanted.get(before);
      if (asked) {
        const { body } = node.attrs as ScanAttrs;
        const behind = body.outputs.length;
        const now = withOutputs(node, [...asked]);
        givers.set(before, { now, at: new Map([...asked].map((made, i) => [made, behind + i])), behind });
        byNow.set(now, { behind, added: asked.size });
        return now;
      }
      const plan = plans.get(before);
      if (!plan) return node;
      const { now, at } = givers.get(plan.first)!;
      const { length } = node.attrs as ScanAttrs;
      const stacks = plan.kept.map(({ made }) => part(resultNode(now, at.get(made)!), plan.offset, length));
      return withStacks(
        node,
        plan.kept.map(({ again }) => again),
        stacks,
      );
    });
  },
};

/** What a loop need not make again. */
interface Plan {
  /** The loop that makes it, whose step this many further is the same. */
  readonly first: Node;
  readonly offset: number;
  readonly kept: readonly { readonly made: Node; readonly again: Node }[];
}

function plansOf(graph: Graph): Map<Node, Plan> {
  const plans = new Map<Node, Plan>();
  const loops = graph.nodes.filter(isLoop);
  const givers = new Set<Node>();
  for (const loop of loops) {
    const sources = new Set(walkedOf(loop).flatMap((x) => stackedBy(x)?.loop ?? []));
    for (const first of sources) {
      if (plans.has(first) || givers.has(loop)) continue;
      const plan = planOf(loop, first);
      if (!plan) continue;
      plans.set(loop, plan);
      givers.add(first);
      break;
    }
  }
  return plans;
}

function walkedOf({ inputs, attrs }: Node): readonly Node[] {
  const { carries, scanned } = attrs as ScanAttrs;
  return inputs.slice(carries, carries + scanned);
}

/** The stack that a walked tensor is, or is a part of, from which element on. */
function partOf(x: Node): { whole: Node; offset: number } {
  if (!is(x, 'slice')) return { whole: x, offset: 0 };
  const [whole] = x.inputs;
  const starts = x.attrs.starts as readonly number[];
  const isRows =
    starts.slice(1).every((s) => s === 0) && x.shape.slice(1).every((n, i) => n === whole.shape[i + 1]);
  return isRows ? { whole, offset: starts[0] } : { whole: x, offset: 0 };
}

/** The loop whose steps have found the elements of a walked tensor as what they carry. */
function stackedBy(x: Node): { loop: Node; carry: number; offset: number } | null {
  const { whole, offset } = partOf(x);
  if (!isResult(whole.op) || !isLoop(whole.inputs[0])) return null;
  const [loop] = whole.inputs;
  const { body } = loop.attrs as ScanAttrs;
  const carry = (whole.attrs.index as number) - body.outputs.length;
  return carry >= 0 ? { loop, carry, offset } : null;
}

function planOf(loop: Node, first: Node): Plan | null {
  const attrs = loop.attrs as ScanAttrs;
  const of = first.attrs as ScanAttrs;
  const [body, other] = [attrs.body as Graph, of.body as Graph];
  /** What the inputs of the body are in the body of the other. */
  const alike = new Map<Node, Node>();
  const offsets = new Set<number>();
  loop.inputs.forEach((input, i) => {
    if (i < attrs.carries) return;
    if (i >= attrs.carries + attrs.scanned) {
      const at = first.inputs.indexOf(input, of.carries + of.scanned);
      if (at >= 0) alike.set(body.inputs[i], other.inputs[at]);
      return;
    }
    const found = stackedBy(input);
    if (found?.loop === first) {
      offsets.add(found.offset);
      alike.set(body.inputs[i], other.inputs[found.carry]);
      return;
    }
    const { whole, offset } = partOf(input);
    for (const [from, shift] of [
      [input, 0],
      [whole, offset],
    ] as const) {
      const at = first.inputs.indexOf(from, of.carries);
      if (at < 0 || at >= of.carries + of.scanned) continue;
      offsets.add(shift);
      alike.set(body.inputs[i], other.inputs[at]);
      return;
    }
  });
  if (offsets.size !== 1) return null;
  const [offset] = offsets;
  if (offset + attrs.length > of.length) return null;
  const made = commonNodes(body, other, alike);
  const kept = keptOf(body, made).map((again) => ({ again, made: made.get(again)! }));
  return kept.length > 0 ? { first, offset, kept } : null;
}

/** Nodes of a body that stand in another too, and which they are there. */
function commonNodes(body: Graph, other: Graph, alike: ReadonlyMap<Node, Node>): Map<Node, Node> {
  const numbers = new Map<Node, number>();
  const texts = new Map<string, Node>();
  const textOf = (node: Node) => {
    const inputs = node.inputs.map((input) => numbers.get(input));
    if (inputs.includes(undefined)) return null;
    if (node.op.commutative) inputs.sort((a, b) => a! - b!);
    return `${node.op.name} ${inputs} ${attrsText(node.attrs)}`;
  };
  for (const node of other.nodes) {
    numbers.set(node, numbers.size);
    if (!isInput(node)) texts.set(textOf(node)!, node);
  }
  const made = new Map<Node, Node>();
  for (const node of body.nodes) {
    const text = isInput(node) ? null : textOf(node);
    const same = isInput(node) ? alike.get(node) : text === null ? undefined : texts.get(text);
    if (!same) continue;
    numbers.set(node, numbers.get(same)!);
    made.set(node, same);
  }
  return made;
}

/** Arithmetic that is worth a read from memory, in the unit of an op's cost. */
const WORTH = 10;

function isCostly({ op: { lower } }: Node): boolean {
  return lower.kind === 'elementwise'
    ? lower.cost >= WORTH
    : ['matmul', 'reduce', 'result'].includes(lower.kind);
}

/** Of the nodes that were made before those to read in place of making them. */
function keptOf(body: Graph, made: ReadonlyMap<Node, Node>): Node[] {
  const kept = new Set<Node>();
  const costly = (node: Node, found: Set<Node>, seen: Set<Node>) => {
    if (seen.has(node) || isInput(node)) return;
    seen.add(node);
    if (isCostly(node)) found.add(node);
    else for (const input of node.inputs) costly(input, found, seen);
  };
  const seen = new Set<Node>();
  for (const node of [...body.nodes, ...body.outputs.map((output) => output.node)]) {
    if (made.has(node)) continue;
    for (const input of node.inputs) {
      if (!made.has(input) || seen.has(input)) continue;
      seen.add(input);
      const found = new Set<Node>();
      costly(input, found, new Set());
      const size = [...found].reduce((sum, n) => sum + numel(n.shape), 0);
      // A part of what was made takes less room.
      if (numel(input.shape) < size) kept.add(input);
      else for (const one of found) kept.add(one);
    }
  }
  return [...kept].filter((node) => !node.results);
}

/** The loop with more outputs. */
function withOutputs(node: Node, more: readonly Node[]): Node {
  const { attrs } = node;
  const body = (attrs as ScanAttrs).body as Graph;
  const names = freshNames(
    'step',
    body.outputs.map(({ name }) => name),
    more.length,
  );
  const outputs = more.map((made, i) => ({ name: names[i], node: made }));
  const next = { ...body, outputs: [...body.outputs, ...outputs] };
  return makeNode(node.op, node.inputs, { ...attrs, body: next }, node.where);
}

/** The loop with stacks of what some of its nodes are. */
function withStacks(node: Node, again: readonly Node[], stacks: readonly Node[]): Node {
  const attrs = node.attrs as ScanAttrs;
  const body = attrs.body as Graph;
  const end = attrs.carries + attrs.scanned;
  const names = freshNames(
    'k',
    body.inputs.map((input) => inputAttrs(input).name),
    again.length,
  );
  const inputs = again.map(({ shape, dtype }, i) => makeInput(names[i], 'input', shape, dtype));
  const image = substituted(body, new Map(again.map((old, i) => [old, inputs[i]])));
  const next = bodyOf(
    body.name,
    [...body.inputs.slice(0, end), ...inputs, ...body.inputs.slice(end)],
    body.outputs.map(({ name, node: made }) => ({ name, node: image(made) })),
  );
  return makeNode(
    node.op,
    [...node.inputs.slice(0, end), ...stacks, ...node.inputs.slice(end)],
    { ...attrs, body: next, scanned: attrs.scanned + stacks.length },
    node.where,
  );
}

/** So many elements of a stack. */
function part(stack: Node, from: number, count: number): Node {
  if (count === stack.shape[0]) return stack;
  const starts = stack.shape.map((_, axis) => (axis === 0 ? from : 0));
  return build('slice', [stack], { starts, sizes: [count, ...stack.shape.slice(1)] }, stack.where);
}
