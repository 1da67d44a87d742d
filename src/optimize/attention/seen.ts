import { strip } from '../../graph/follow.js';
import { constantValue, type Node } from '../../graph/graph.js';
import { ANY, type Interval } from '../../ops/interval.js';
import { numel } from '../../shape.js';
import { is, isElementwise } from '../build.js';
import { isAlongKeys } from './axes.js';
import type { Staged } from './find.js';

// Which keys a block of queries sees, where a mask tells that by places alone, as a causal one does: the bounds of its
// condition on a block say that it holds nowhere. All that is summed must then be 0 there, and what is the largest minus
// infinity, so that to leave the block out changes no finite number.

/** Keys that are told apart. */
const TILES = 64;

/** A condition, and what it is where nothing is seen. */
interface Hides {
  readonly condition: Node;
  readonly value: 0 | 1;
}

type Range = readonly [from: number, to: number];

/** The keys that queries from one to another see, or more. */
export function seenKeys(region: Staged): (from: number, to: number) => Range {
  const keys = region.scores.at(-1)!;
  const hides = hidesOf(region);
  if (hides.length === 0) return () => [0, keys];
  const tile = 4 * Math.ceil(keys / TILES / 4);
  const tiles = Math.ceil(keys / tile);
  return (from, to) => {
    const isHidden = (t: number) => {
      const columns: Range = [t * tile, Math.min(keys, (t + 1) * tile)];
      return hides.some(({ condition, value }) => {
        const { lo, hi } = boundsOn(condition, [from, to], columns);
        return lo === value && hi === value;
      });
    };
    let [first, last] = [0, tiles];
    while (last > 1 && isHidden(last - 1)) last--;
    while (first < last - 1 && isHidden(first)) first++;
    return [first * tile, Math.min(keys, last * tile)];
  };
}

/** The conditions that make nothing of all that is summed, and minus infinity of what the largest is taken of. */
function hidesOf({ exits, rows }: Staged): readonly Hides[] {
  const sets = [
    ...[...exits].map(([product, { at }]) => zeroBy(product.inputs[at])),
    ...[...rows].filter(isAlongKeys).map((row) => {
      if (is(row, 'sum')) return zeroBy(row.inputs[0]);
      return is(row, 'max') || is(row, 'nanmax') ? hiddenBy(row.inputs[0]) : [];
    }),
  ];
  return sets.reduce(common);
}

/** Where scores are minus infinity. */
function hiddenBy(node: Node): readonly Hides[] {
  const [a, b] = node.inputs;
  if (is(node, 'where')) return chosen(node, Number.NEGATIVE_INFINITY, hiddenBy);
  if (is(node, 'add')) return [...hiddenBy(a), ...hiddenBy(b)];
  if (is(node, 'sub')) return hiddenBy(a);
  if (is(node, 'mul') && (constantValue(b) ?? 0) > 0) return hiddenBy(a);
  return [];
}

/** Where weights, and what is made of them, are 0. */
function zeroBy(node: Node): readonly Hides[] {
  const [a, b] = node.inputs;
  if (is(node, 'exp')) return hiddenBy(a);
  if (is(node, 'where')) return chosen(node, 0, zeroBy);
  if (is(node, 'mul')) return [...zeroBy(a), ...zeroBy(b)];
  if (is(node, 'neg') || is(node, 'div')) return zeroBy(a);
  return is(node, 'add') || is(node, 'sub') ? common(zeroBy(a), zeroBy(b)) : [];
}

/** Where a choice between two comes to a number. */
function chosen(node: Node, number: number, by: (node: Node) => readonly Hides[]): readonly Hides[] {
  const [condition, a, b] = node.inputs;
  if (constantValue(b) === number) return [{ condition, value: 0 }, ...by(a)];
  if (constantValue(a) === number) return [{ condition, value: 1 }, ...by(b)];
  return common(by(a), by(b));
}

function common(a: readonly Hides[], b: readonly Hides[]): readonly Hides[] {
  return a.filter((x) => b.some((y) => x.condition === y.condition && x.value === y.value));
}

/** Bounds of what is made of places on a block of them. */
function boundsOn(node: Node, queries: Range, keys: Range): Interval {
  const of = constantValue(node);
  if (of !== undefined) return { lo: of, hi: of };
  if (isElementwise(node)) {
    const plain = node.dtype === 'bool' ? { lo: 0, hi: 1 } : ANY;
    const bounds = node.inputs.map((x) => boundsOn(x, queries, keys));
    return node.op.interval?.(bounds, node) ?? plain;
  }
  const places = strip(node);
  if (places.op.lower.kind !== 'iota' || numel(node.shape) !== numel(places.shape)) return ANY;
  const size = numel(node.shape);
  const [from, to] = node.shape.at(-1) === size ? keys : node.shape.at(-2) === size ? queries : [0, size];
  return { lo: from, hi: to - 1 };
}
