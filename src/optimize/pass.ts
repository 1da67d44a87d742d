import type { Graph } from '../graph/graph.js';

/** One rewriting of a graph that keeps what it computes. */
export interface Pass {
  readonly name: string;
  run(graph: Graph): Graph;
}
