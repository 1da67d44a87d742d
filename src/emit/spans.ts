import type { Node } from '../graph/graph.js';
import { memoryIn } from '../plan/places.js';
import type { EntryPlan } from '../plan/plan.js';
import { numel } from '../shape.js';

/** Bytes of the memory, from the first up to but not with the last. */
export type Span = readonly [from: number, to: number];

/** Where nodes lie. */
export type Spans = ReadonlyMap<Node, readonly Span[]>;

/**
 * Where each of some nodes lies. Parts of one value have bytes between each other's, but none in common: each stands for
 * a byte of its own behind the memory, which all have that lie on the value at another time.
 */
export function spansIn(plan: Pick<EntryPlan, 'address' | 'parts'>, nodes: Iterable<Node>): Spans {
  const all = new Set(nodes);
  const inMemory = (node: Node): Span => {
    const from = plan.address.get(node)!;
    return [from, from + 4 * numel(node.shape)];
  };
  const wholes = new Map([...plan.parts.values()].map(({ whole }): [Node, Node[]] => [whole, []]));
  let next = 0;
  for (const node of all) {
    const memory = memoryIn(plan, node);
    wholes.get(memory)?.push(node);
    next = Math.max(next, inMemory(memory)[1]);
  }
  const own = new Map<Node, Span>();
  const ranges = [...wholes].map(([whole, parts]) => {
    const from = next;
    for (const part of parts) own.set(part, [next, ++next]);
    return { whole, range: [from, next] as const };
  });
  const spans = (node: Node): Span[] => {
    const memory = memoryIn(plan, node);
    const place = inMemory(memory);
    const met = ranges.filter(({ whole }) => whole !== memory && overlap([place], [inMemory(whole)]));
    return [own.get(node) ?? place, ...met.map(({ range }) => range)];
  };
  return new Map([...all].map((node) => [node, spans(node)]));
}

export function spansOf(nodes: readonly Node[], spans: Spans): Span[] {
  return nodes.flatMap((node) => spans.get(node)!);
}

/** Whether one of the first has a byte in common with one of the others. */
export function overlap(some: readonly Span[], others: readonly Span[]): boolean {
  return some.some(([from, to]) => others.some((other) => from < other[1] && other[0] < to));
}
