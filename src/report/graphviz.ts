import { DataError } from '../errors.js';
import { forXml } from '../printable.js';

/**
 * Draws a graph of the DOT language as a standalone SVG, which can also stand inside an HTML page.
 * Graphviz is a WebAssembly module inside of its package: nothing has to be installed.
 */
export async function dotToSvg(dot: string): Promise<string> {
  // Loaded when needed: it is larger than everything else together.
  const { Graphviz } = await import('@hpcc-js/wasm-graphviz');
  const graphviz = await Graphviz.load();
  let svg: string;
  try {
    svg = graphviz.dot(dot);
  } catch (error) {
    const why = (error instanceof Error ? error.message : String(error)).replace(/\s+/g, ' ').trim();
    throw new DataError(`the graph cannot be drawn, its DOT text is not accepted: ${why}`);
  }
  if (!svg.includes('<svg'))
    throw new DataError('the graph cannot be drawn, its DOT text has no graph; it starts with "digraph {"');
  // Before <svg there is an XML declaration and a document type, which an HTML page does not take.
  const bare = forXml(svg.slice(svg.indexOf('<svg')).trim());
  // For readers who hear pictures: the name of the graph.
  const name = /<title>([^<]*)<\/title>/.exec(bare)?.[1] ?? 'graph';
  return bare.replace('<svg ', () => `<svg role="img" aria-label="${name.replaceAll('"', '&quot;')}" `);
}
