import type { Graph, Node } from '../../graph/graph.js';
import type { Refusal, Region, Staged } from './find.js';

/**
 * The two stages of regions: what waits for none of the results, as attention itself, and what waits for them, as its
 * gradient. Those with a third one are left out.
 */
export function stagesOf(graph: Graph, regions: readonly Region[]) {
  const refusals: Refusal[] = [];
  if (regions.length === 0) return { regions: [], refusals };
  const bit = new Map(regions.map((region, i) => [region, 1n << BigInt(i)]));
  const members = new Map<Node, bigint>();
  const left = new Map<Node, bigint>();
  const mark = (map: Map<Node, bigint>, node: Node, bits: bigint) =>
    map.set(node, (map.get(node) ?? 0n) | bits);
  for (const region of regions) {
    const own = bit.get(region)!;
    for (const node of [...region.full, ...region.rows]) mark(members, node, own);
    for (const node of [...region.exits.keys(), ...region.rows]) mark(left, node, own);
  }
  // By node: regions of whose results it is made, and of whose second stage.
  const [once, twice] = [new Map<Node, bigint>(), new Map<Node, bigint>()];
  for (const node of graph.nodes) {
    let [first, second] = [0n, 0n];
    for (const x of node.inputs) {
      first |= once.get(x)!;
      second |= twice.get(x)!;
      // A number of each query stays inside where a member reads it.
      const inside = (members.get(x) ?? 0n) & (members.get(node) ?? 0n);
      const passed = (left.get(x) ?? 0n) & ~inside;
      second |= passed & once.get(x)!;
      first |= passed;
    }
    once.set(node, first);
    twice.set(node, second);
  }
  const staged = regions.flatMap((region): Staged[] => {
    const own = bit.get(region)!;
    const nodes = [...region.full, ...region.rows, ...region.exits.keys()];
    const late = nodes.find((node) => (twice.get(node)! & own) !== 0n);
    if (late) {
      const why = 'attention is not made in blocks: it is made of its own gradient';
      refusals.push({ from: region.seed, to: late, why });
      return [];
    }
    const stageOf = (node: Node) => ((once.get(node)! & own) === 0n ? 0 : 1);
    const { seed, scores, full, rows, exits, read } = region;
    return [{ seed, scores, full, rows, exits, read, stageOf }];
  });
  return { regions: staged, refusals };
}
