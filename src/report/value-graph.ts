import { valueToDot } from '../scalar/dot.js';
import type { Value } from '../scalar/value.js';
import { dotToSvg } from './graphviz.js';

/** The graph of values behind `root`, with data and gradient on each, as a standalone SVG. */
export async function valueGraph(root: Value): Promise<string> {
  return dotToSvg(valueToDot(root));
}
