import type { Graph } from '../graph/graph.js';

/** 350 nodes take 40 seconds to lay out, thousands hours. */
export const MOST_DRAWN = 250;

/** Whether a picture of a graph can be had in seconds. */
export const canBeDrawn = ({ nodes }: Graph): boolean => nodes.length <= MOST_DRAWN;
