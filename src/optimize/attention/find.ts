import { consumers, type Graph, isInput, type Node, roots } from '../../graph/graph.js';
import { numel, type Shape } from '../../shape.js';
import { is, isElementwise } from '../build.js';
import { type Exit, exitOf, isAlongKeys, isFull, isProduct, isRow } from './axes.js';
import { stagesOf } from './stages.js';

// Attention by its structure: products that make scores for queries and keys, arithmetic on single scores and along keys
// with an exponential and a sum in it, and products that sum over keys or over queries. What else there is (masks, scales,
// what takes the largest off) is found on the way, and its gradient is found with it.

/** Everything that has a number for each query and key, or is made of that for each query. */
export interface Region {
  /** The exponentials. */
  readonly seed: Node;
  /** [..., queries, keys]. */
  readonly scores: Shape;
  /** In the order of the graph: those of scores, and those of one number for each query. */
  readonly full: ReadonlySet<Node>;
  readonly rows: ReadonlySet<Node>;
  readonly exits: ReadonlyMap<Node, Exit>;
  /** Numbers of each query that are read outside. */
  readonly read: ReadonlySet<Node>;
}

/** A region with the two parts of its work: 0, which waits for none of its results, and 1, which waits for those of 0. */
export interface Staged extends Region {
  stageOf(node: Node): 0 | 1;
}

export interface Refusal {
  readonly from: Node;
  readonly to: Node;
  readonly why: string;
}

export interface Found {
  readonly regions: readonly Staged[];
  readonly refusals: readonly Refusal[];
}

/** The name of the graph of a block, which may be cut again. */
export const BLOCK = 'attention_block';

/** Attention whose scores take more than so many bytes. */
export function findAttention(graph: Graph, bytes: number): Found {
  const seeds = graph.nodes.filter((node) => isSeed(node, bytes));
  if (seeds.length === 0) return { regions: [], refusals: [] };
  const refusals: Refusal[] = [];
  const regions: Region[] = [];
  const support = new Support();
  const final = new Set(roots(graph));
  const taken = new Set<Node>();
  for (const seed of seeds) {
    if (taken.has(seed)) continue;
    const growth = new Growth(seed, consumers(graph), final, support);
    growth.grow();
    for (const node of growth.full) taken.add(node);
    if (!growth.isAttention(graph.name === BLOCK)) continue;
    if (growth.refusal) refusals.push(growth.refusal);
    else regions.push(growth);
  }
  const staged = stagesOf(graph, regions);
  return { regions: staged.regions, refusals: [...refusals, ...staged.refusals] };
}

/** What a node has its elements of, whatever their order. */
function sourceOf(node: Node): Node {
  return node.op.lower.kind === 'movement' ? sourceOf(node.inputs[0]) : node;
}

function isSeed(node: Node, bytes: number): boolean {
  if (!is(node, 'exp') || node.shape.length < 2 || 4 * numel(node.shape) <= bytes) return false;
  return node.shape.at(-1)! > 1 && node.shape.at(-2)! > 1;
}

/** Whether a matrix is made without a product of its size, as a mask is: it is then made anew wherever it is wanted. */
class Support {
  private readonly known = new Map<Node, boolean>();

  has(node: Node, scores: Shape): boolean {
    const known = this.known.get(node);
    if (known !== undefined) return known;
    const isOne = isElementwise(node)
      ? node.inputs.every((x) => !isFull(x, scores) || this.has(x, scores)) && !this.readsRows(node, scores)
      : !isProduct(node);
    this.known.set(node, isOne);
    return isOne;
  }

  private readsRows(node: Node, scores: Shape): boolean {
    return node.inputs.some((x) => isRow(x, scores) && this.isMadeOfScores(x, scores));
  }

  private isMadeOfScores(row: Node, scores: Shape): boolean {
    if (isAlongKeys(row)) return isFull(row.inputs[0], scores) && !this.has(row.inputs[0], scores);
    return isElementwise(row) && row.inputs.some((x) => isRow(x, scores) && this.isMadeOfScores(x, scores));
  }
}

class Growth implements Region {
  readonly scores: Shape;
  readonly full = new Set<Node>();
  readonly rows = new Set<Node>();
  readonly exits = new Map<Node, Exit>();
  readonly read = new Set<Node>();
  refusal: Refusal | null = null;
  private readonly waiting: Node[] = [];

  constructor(
    readonly seed: Node,
    private readonly users: ReadonlyMap<Node, readonly Node[]>,
    private readonly final: ReadonlySet<Node>,
    private readonly support: Support,
  ) {
    this.scores = seed.shape;
  }

  grow(): void {
    this.add(this.seed);
    for (let node = this.waiting.pop(); node; node = this.waiting.pop()) {
      this.up(node);
      if (!this.support.has(node, this.scores)) this.down(node);
    }
    const isInside = (node: Node) => this.full.has(node) || this.rows.has(node);
    for (const row of this.rows)
      if (this.final.has(row) || !this.users.get(row)!.every(isInside)) this.read.add(row);
    const both = [...this.exits.keys()].find((exit) => this.full.has(exit));
    if (both) this.refuse(both, both, 'it is made of scores and makes scores');
  }

  /**
   * Whether there is a product that makes scores, a sum along keys, and a product of weights, of which a block of a gradient
   * may have none. (The gradient of a classifier has products of what are no weights: these less 1 for the right word.)
   */
  isAttention(isBlock: boolean): boolean {
    if (isBlock) return this.exits.size > 0;
    const makes = [...this.full].some(isProduct);
    const sums = [...this.rows].some((row) => is(row, 'sum'));
    return makes && sums && [...this.exits].some(([product, { at }]) => this.isWeights(product.inputs[at]));
  }

  /** Whether a matrix is the exponentials, scaled or masked. */
  private isWeights(node: Node): boolean {
    if (node === this.seed) return true;
    if (!is(node, 'mul') && !is(node, 'div') && !is(node, 'where')) return false;
    const isCore = (x: Node) => this.full.has(x) && !this.support.has(x, this.scores);
    const core = node.inputs.filter(isCore);
    return core.length === 1 && this.isWeights(core[0]);
  }

  private add(node: Node): void {
    if (this.full.has(node)) return;
    this.full.add(node);
    this.waiting.push(node);
  }

  private refuse(from: Node, to: Node, why: string): void {
    this.refusal ??= { from, to, why: `attention is not made in blocks: ${why}` };
  }

  /** What a member is made of. */
  private up(node: Node): void {
    if (isProduct(node)) return;
    for (const x of node.inputs) {
      if (isFull(x, this.scores)) {
        if (isElementwise(x) || isProduct(x)) this.add(x);
        else if (!isInput(sourceOf(x)) && numel(x.shape) === numel(this.scores))
          this.refuse(x, node, `${x.op.name} makes all of its numbers at once`);
      } else if (isRow(x, this.scores)) this.row(x);
    }
  }

  /** Takes in a number of each query, if it is made of scores. */
  private row(x: Node): boolean {
    if (this.rows.has(x)) return true;
    if (isAlongKeys(x)) {
      const [of] = x.inputs;
      const isOne = isFull(of, this.scores) && (isElementwise(of) || isProduct(of));
      if (!isOne || this.support.has(of, this.scores)) return false;
      this.rows.add(x);
      this.add(of);
      return true;
    }
    if (!isElementwise(x)) return false;
    const inputs = x.inputs.filter((input) => isRow(input, this.scores)).map((input) => this.row(input));
    if (inputs.includes(true)) this.rows.add(x);
    return inputs.includes(true);
  }

  /** What is made of a member. */
  private down(node: Node): void {
    if (this.final.has(node)) this.refuse(node, node, 'it is an output');
    for (const reader of this.users.get(node)!) {
      if (isElementwise(reader) && isFull(reader, this.scores)) this.add(reader);
      else if (isAlongKeys(reader)) this.rows.add(reader);
      else if (isProduct(reader)) this.exit(node, reader);
      else this.refuse(node, reader, `${reader.op.name} takes all of its numbers at once`);
    }
  }

  private exit(node: Node, product: Node): void {
    const [a, b] = product.inputs;
    const other = a === node ? b : a;
    if (a === b || this.full.has(other) || this.rows.has(other) || this.exits.has(product)) {
      const known = this.exits.get(product);
      const same = known && product.inputs[known.at] === node && a !== b;
      if (!same) this.refuse(node, product, 'a product of scores with scores');
      return;
    }
    this.exits.set(product, exitOf(product, a === node ? 0 : 1));
  }
}
