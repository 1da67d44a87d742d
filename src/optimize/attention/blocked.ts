import { fromRoots, type Graph, type Node, roots } from '../../graph/graph.js';
import { blocksOf } from './build.js';
import type { Cut } from './cut.js';
import { exportedRows, madeIn } from './exports.js';
import type { Staged } from './find.js';

interface Stage {
  readonly region: Staged;
  readonly stage: 0 | 1;
  readonly cut: Cut;
}

/** The graph with regions made in blocks, or null if parts of several wait for each other. */
export function blocked(graph: Graph, cuts: ReadonlyMap<Staged, Cut>): Graph | null {
  const stages = new Map<Node, Stage>();
  for (const [region, cut] of cuts) {
    const both = ([0, 1] as const).map((stage): Stage => ({ region, stage, cut }));
    for (const node of [...region.exits.keys(), ...exportedRows(region)])
      stages.set(node, both[region.stageOf(node)]);
  }
  const images = new Map<Node, Node>();
  const image = (node: Node): Node => images.get(node)!;
  const done = new Set<Stage>();
  const make = (unit: Node | Stage) => {
    if (!('region' in unit)) {
      const inputs = unit.inputs.map(image);
      images.set(unit, inputs.every((x, i) => x === unit.inputs[i]) ? unit : { ...unit, inputs });
    } else {
      done.add(unit);
      for (const [node, made] of blocksOf(unit.region, unit.stage, unit.cut, image)) images.set(node, made);
    }
  };
  const unitOf = (node: Node): Node | Stage => stages.get(node) ?? node;
  const isDone = (unit: Node | Stage) => ('region' in unit ? done.has(unit) : images.has(unit));
  for (const node of graph.inputs) images.set(node, node);
  const open = new Set<Node | Stage>();
  for (const root of roots(graph)) {
    const stack = [unitOf(root)];
    for (let unit = stack.at(-1); unit; unit = stack.at(-1)) {
      if (isDone(unit)) {
        stack.pop();
        continue;
      }
      const missing = needsOf(unit)
        .map(unitOf)
        .filter((need) => !isDone(need));
      if (missing.length === 0) {
        make(unit);
        stack.pop();
      } else if (open.has(unit)) return null;
      else {
        open.add(unit);
        stack.push(...missing);
      }
    }
  }
  return fromRoots({
    ...graph,
    outputs: graph.outputs.map(({ name, node }) => ({ name, node: image(node) })),
    updates: graph.updates.map(({ variable, value }) => ({ variable, value: image(value) })),
  });
}

/** What has to be there before a node, or a stage, is made. */
function needsOf(unit: Node | Stage): readonly Node[] {
  if (!('region' in unit)) return unit.inputs;
  const made = new Set(madeIn(unit.region, unit.stage));
  const isOwn = (x: Node) => made.has(x) && !unit.region.exits.has(x);
  return [...made].flatMap((node) => node.inputs.filter((x) => !isOwn(x)));
}
