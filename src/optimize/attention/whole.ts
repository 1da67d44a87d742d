import type { Node } from '../../graph/graph.js';
import type { MatmulAttrs } from '../../ops/matmul.js';
import { isProduct } from './axes.js';
import { madeIn } from './exports.js';
import type { Staged } from './find.js';

// Attention of which nothing is hidden takes less time with its scores in memory as a whole: in blocks its gradient makes them
// again, a product in six more, and sums over queries go through memory for each block. Measured by `npm run bench -- --attention`,
// with heads of 16 to 64 numbers and contexts of 128 to 512 that is 16 to 25 % of the time on one thread.

/** So many times as many scores as numbers that they are made of and make: beyond that memory matters more than this time. */
const MOST = 2;

/** Whether attention that hides nothing is better made at once: it trains, and its scores are few enough. */
export function isBetterWhole(region: Staged, bytes: number): boolean {
  const { full, stageOf, scores } = region;
  const [queries, keys] = scores.slice(-2);
  // Of each head alone they have to stay in the cache, however many heads there are.
  if (4 * queries * keys > bytes || queries * keys > MOST * beside(region, queries, keys)) return false;
  return madeIn(region, 1).some((node) => full.has(node) && isProduct(node) && stageOf(node) === 0);
}

/** Numbers of one head that its scores are made of and that are made of them, without the gradient: of queries, keys, values, results. */
function beside({ full, exits, stageOf }: Staged, queries: number, keys: number): number {
  const made = [...full].filter((node) => isProduct(node) && stageOf(node) === 0);
  const results = [...exits].filter(([product]) => stageOf(product) === 0);
  const widths = [
    ...made.map(summed),
    ...results.map(([product, { at }]) => product.shape.at(at === 0 ? -1 : -2)!),
  ];
  return widths.reduce((sum, width) => sum + (queries + keys) * width, 0);
}

/** How many numbers a product adds up for each of its own. */
function summed({ inputs: [a], attrs }: Node): number {
  return a.shape.at((attrs as MatmulAttrs).transposeA ? -2 : -1)!;
}
