import type { Graph } from '../graph/graph.js';

/**
 * What a pass may change of the numbers that a graph computes in float32. Tests hold every pass to it, on numbers of
 * all magnitudes: denormals, Infinity and NaN among them.
 */
export interface Contract {
  /**
   * `nothing`: every number keeps its bits. `signs of zeros`: but for 0 where -0 was, and the other way round.
   * `rounding`: digits may differ, as long as the proof shows that for any values of the inputs the result is no
   * further from that of real numbers than in the user's order, and finite wherever that order's is.
   */
  readonly changes: 'nothing' | 'signs of zeros' | 'rounding';
  /** Why it is kept, in a sentence. */
  readonly because: string;
}

/** One rewriting of a graph that keeps what it computes. */
export interface Pass {
  readonly name: string;
  readonly contract: Contract;
  /** It runs when none of the others has anything to do. */
  readonly late?: true;
  /**
   * @param inner how graphs inside of its nodes are optimized; as they are unless given
   * @param cacheBytes bytes that the second-level cache is taken to keep
   */
  run(graph: Graph, inner?: (body: Graph) => Graph, cacheBytes?: number): Graph;
}
