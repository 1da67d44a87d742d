import { type Graph, inputAttrs, isInput, type Node } from '../../src/graph/graph.js';
import { numel } from '../../src/shape.js';
import { finiteNumber } from '../graph/float32.js';

export type Numbers = Record<string, Float32Array | Int32Array>;

/**
 * Numbers for the inputs (or the variables) of a graph, the same for the same seed and name. Floats are
 * float32: for half of the names anything between -2 and 2, for the others halves, so that there are ties and
 * zeros; those that `wild` begins have sizes from one end of float32 to the other. Integers are indices below what the
 * graph says of them.
 */
export function dataFor(graph: Graph, seed: number, roles: readonly string[]): Numbers {
  const bounds = indexBounds(graph);
  const chosen = graph.inputs.filter((node) => roles.includes(inputAttrs(node).role));
  return Object.fromEntries(
    chosen.map((node) => {
      const { name } = inputAttrs(node);
      const random = generator(hash(`${seed} ${name}`));
      const n = numel(node.shape);
      if (node.dtype !== 'f32') {
        const below = bounds.get(node) ?? 1;
        return [name, Int32Array.from({ length: n }, () => Math.floor(random() * below))];
      }
      if (name.startsWith('wild')) return [name, wild(n, random)];
      const halves = random() < 0.5;
      // What optimizers keep, such as a mean of squares, is not negative.
      const low = inputAttrs(node).role === 'state' ? Math.abs : (x: number) => x;
      const value = () => low(halves ? (Math.floor(random() * 9) - 4) / 2 : random() * 4 - 2);
      return [name, Float32Array.from({ length: n }, value)];
    }),
  );
}

/** What half of these names have are sizes of all kinds in one tensor, and others huge numbers or tiny ones alone. */
function wild(n: number, random: () => number): Float32Array {
  const kind = Math.floor(random() * 4);
  const sized = (exponent: number) => (random() < 0.1 ? 0 : (random() * 4 - 2) * 2 ** exponent);
  const least = [90, -130, -1][kind - 1] ?? 0;
  return Float32Array.from({ length: n }, () =>
    kind === 0 || kind === 3 ? finiteNumber(random() * 2 ** 32) : sized(least + Math.floor(random() * 36)),
  );
}

/** Below what the integers of an input must lie, by the ops that declare it. */
function indexBounds(graph: Graph): Map<Node, number> {
  const bounds = new Map<Node, number>();
  for (const node of graph.nodes) {
    if (node.op.name !== 'index') continue;
    let from = node.inputs[0];
    while (!isInput(from) && from.inputs.length) from = from.inputs[0];
    bounds.set(from, Math.min(bounds.get(from) ?? Number.POSITIVE_INFINITY, node.attrs.size as number));
  }
  return bounds;
}

/** FNV-1a, with the bits mixed once more at the end. */
export function hash(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return mix(h);
}

/** Spreads a number over 32 bits, so that neighbours have nothing in common (the end of MurmurHash3). */
export function mix(x: number): number {
  let h = x | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** Numbers in [0, 1): a counter, mixed. */
function generator(seed: number): () => number {
  let at = seed;
  return () => mix((at = (at + 0x9e3779b9) | 0)) / 2 ** 32;
}
