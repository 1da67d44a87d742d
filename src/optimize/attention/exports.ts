import type { Node } from '../../graph/graph.js';
import type { Staged } from './find.js';

/** All that is made in a stage, results first and what these need. */
export function madeIn(region: Staged, stage: 0 | 1): readonly Node[] {
  const { full, rows, exits, stageOf } = region;
  const isMember = (node: Node) => full.has(node) || rows.has(node);
  // What the second stage alone reads of the first, such as how many keys share the largest score, is made there too.
  const kept = stage === 0 ? exportedRows(region) : region.read;
  const found = new Set([...exits.keys(), ...kept].filter((node) => stageOf(node) === stage));
  for (const node of found)
    for (const x of node.inputs) if (isMember(x) && !(rows.has(x) && stageOf(x) < stage)) found.add(x);
  return [...found];
}

/** Numbers of each query that others read: those of outside, and the second stage, which need not make them again. */
export function exportedRows(region: Staged): readonly Node[] {
  const { rows, stageOf } = region;
  const second = madeIn(region, 1);
  const again = second.flatMap((node) => node.inputs).filter((x) => rows.has(x) && stageOf(x) === 0);
  return [...new Set([...region.read, ...again])];
}
