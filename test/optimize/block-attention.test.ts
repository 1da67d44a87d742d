import { describe, expect, it } from 'vitest';
import { compileProgram } from '../../src/emit/compile.js';
import { evaluateGraph } from '../../src/graph/evaluate.js';
import { bodiesOf, type Graph, inputAttrs, isInput, type Node } from '../../src/graph/graph.js';
import {
  attention,
  crossEntropy,
  f32,
  gradients,
  greaterEqual,
  i32,
  iota,
  matmul,
  random,
  softmax,
  trace,
  where,
} from '../../src/index.js';
import { findAttention } from '../../src/optimize/attention/find.js';
import { seenKeys } from '../../src/optimize/attention/seen.js';
import { optimize } from '../../src/optimize/index.js';
import { planMemory } from '../../src/plan/plan.js';
import { readLibrary } from '../../src/run/node.js';
import { schedule } from '../../src/schedule/schedule.js';
import { numel } from '../../src/shape.js';
import { dataFor } from '../property/data.js';
import { attentionGraph, FORMS } from './attentions.js';

const BYTES = 4096;
const inBlocks = (graph: Graph, cacheBytes = BYTES) => optimize(graph, { cacheBytes });
const asWritten = (graph: Graph) => optimize(graph, { without: ['block-attention'] });
const scans = ({ nodes }: Graph) => nodes.filter(({ op }) => op.name === 'scan');

/** All nodes that are computed at one time or another, in loops too. */
function allNodes({ nodes }: Graph): Node[] {
  return nodes.flatMap((node) => [node, ...bodiesOf(node).flatMap(([, body]) => allNodes(body))]);
}

/** The most elements of an exponential: of scores that are there at one time. */
function largestScores(graph: Graph): number {
  return Math.max(0, ...allNodes(graph).map(({ op, shape }) => (op.name === 'exp' ? numel(shape) : 0)));
}

function numbers(graph: Graph, data: ReturnType<typeof dataFor>) {
  return evaluateGraph(graph, data, {}, 'float64').outputs;
}

function furthest(a: ReturnType<typeof numbers>, b: ReturnType<typeof numbers>): number {
  const all = Object.keys(a).flatMap((name) =>
    Array.from(a[name].data, (x, i) => (Object.is(x, b[name].data[i]) ? 0 : Math.abs(x - b[name].data[i]))),
  );
  return all.every((x) => !Number.isNaN(x)) ? Math.max(...all) : Number.NaN;
}

describe('attention in blocks', () => {
  it.each(Object.entries(FORMS))('gives what it gives in one piece, with its gradient: %s', (_, make) => {
    const graph = make();
    const [whole, blocks] = [asWritten(graph), inBlocks(graph)];
    const data = dataFor(graph, 3, ['input']);
    expect(furthest(numbers(whole, data), numbers(blocks, data))).toBeLessThan(1e-12);
    // Blocks of 16 queries are the least.
    const keys = whole.nodes.find(({ op }) => op.name === 'exp')!.shape.at(-1)!;
    expect(largestScores(blocks)).toBeLessThanOrEqual(Math.max(BYTES / 4, 16 * keys));
    expect(largestScores(whole)).toBeGreaterThan(BYTES / 4);
    expect(findAttention(blocks, BYTES).regions).toEqual([]);
  });

  it('is left as it is where scores stay in the cache, and without the pass', () => {
    const graph = FORMS.causal();
    expect(scans(inBlocks(graph, 4 * 2 * 2 * 48 * 48))).toEqual([]);
    expect(scans(inBlocks(graph, 4 * 2 * 2 * 48 * 48 - 1)).length).toBeGreaterThan(0);
    expect(scans(asWritten(graph))).toEqual([]);
  });

  it('stays whole where it trains, hides nothing, and its scores are few beside what they are made of', () => {
    const base = { batch: 2, heads: 2, queries: 48, d: 8 };
    // The scores of one head fit, those of all heads do not.
    const bytes = 2 * 4 * 48 * 48 - 1;
    const to = (sizes: typeof base, options = {}) =>
      attentionGraph(sizes, ({ q, k, v }) => attention(q, k, v, options));
    const forward = trace('forward', { x: f32(2, 2, 48, 8) }, ({ x }) => ({ y: attention(x, x, x) }));
    expect(scans(inBlocks(to(base), bytes))).toEqual([]);
    // A mask that is data hides nothing that one knows of.
    const masked = attentionGraph(
      base,
      ({ q, k, v, m }) => attention(q, k, v, { mask: m.greater(0) }),
      [2, 1, 1, 48],
    );
    expect(scans(inBlocks(masked, bytes))).toEqual([]);
    const cut: [Graph, number][] = [
      [to(base, { causal: true }), bytes],
      [forward, bytes],
      // More than twice as many scores as numbers in queries, keys, values and results.
      [to({ ...base, d: 5 }), bytes],
      // Those of one head do not fit.
      [to(base), 4 * 48 * 48 - 1],
    ];
    for (const [graph, bytes] of cut) expect(scans(inBlocks(graph, bytes)).length).toBeGreaterThan(0);
  });

  it('keeps numbers of each query for the gradient, and nothing of queries and keys', () => {
    const sizes = { batch: 1, heads: 2, queries: 256, d: 4 };
    const graph = inBlocks(attentionGraph(sizes, ({ q, k, v }) => attention(q, k, v, { causal: true })));
    const largest = Math.max(...graph.nodes.filter((n) => !n.results).map(({ shape }) => numel(shape)));
    expect(largest).toBeLessThanOrEqual(2 * 256 * 4);
  });
});

describe('memory of attention', () => {
  /** Bytes of the arena, of as many tokens in all. */
  const peak = (places: number, tokens: number, optimized: (graph: Graph) => Graph) => {
    const sizes = { batch: tokens / places, heads: 2, queries: places, d: 8 };
    const graph = attentionGraph(sizes, ({ q, k, v }) => attention(q, k, v, { causal: true }));
    return planMemory({ only: schedule(optimized(graph)) }, []).entries.only.peak;
  };
  const cached = (graph: Graph) => inBlocks(graph, 2 ** 16);

  it('grows with the tokens, and hardly with the length of the context', () => {
    expect(peak(512, 512, cached)).toBeLessThan(1.3 * peak(128, 512, cached));
    expect(peak(1024, 1024, cached)).toBeLessThan(2.2 * peak(512, 512, cached));
    expect(peak(512, 512, asWritten)).toBeGreaterThan(3 * peak(128, 512, asWritten));
  });
});

describe('the keys that a block sees', () => {
  const seen = (name: string) => {
    const { regions } = findAttention(asWritten(FORMS[name]()), BYTES);
    return seenKeys(regions[0]);
  };

  it('are those up to its last query, where no later ones are seen', () => {
    expect(seen('causal')(0, 16)).toEqual([0, 16]);
    expect(seen('causal')(16, 32)).toEqual([0, 32]);
    expect(seen('by hand, masked')(0, 17)).toEqual([0, 20]);
    expect(seen('by hand, with a triangle of minus infinity added')(0, 16)).toEqual([0, 16]);
    expect(seen('causal, with more keys than queries')(0, 20)).toEqual([0, 44]);
  });

  it('are one tile where there are none', () => {
    expect(seen('causal, where the first queries see nothing')(0, 16)).toEqual([0, 4]);
  });

  it('begin where a window does', () => {
    expect(seen('by hand, of a window of places')(64, 80)).toEqual([56, 80]);
  });

  it('are all where the mask is data, or there is none', () => {
    expect(seen('to all')(0, 16)).toEqual([0, 48]);
    expect(seen('a mask that is added, for each head')(0, 16)).toEqual([0, 48]);
  });
});

/** The schedule as `inspect` prints it. */
async function scheduled(graph: Graph, without: string[] = []): Promise<string> {
  const input = { name: graph.name, variables: [], entries: { call: graph } };
  const asc = async () => new Uint8Array();
  const options = { asc, without, library: await readLibrary(), cacheBytes: BYTES };
  return (await compileProgram(input, options)).text('schedule');
}

/** What it says below "not fused". */
const notFused = async (graph: Graph) => (await scheduled(graph)).split('not fused')[1] ?? '';

describe('what is no attention, or is used otherwise, stays whole', () => {
  const x = { x: f32(2, 48, 4), w: f32(2, 48, 48) };
  const refusals = (graph: Graph) => findAttention(asWritten(graph), BYTES);

  it('weights that are an output, or are summed over queries: the schedule says why', async () => {
    const weights = trace('weights', x, ({ x }) => {
      const p = softmax(matmul(x, x.transpose([0, 2, 1])));
      return { p, y: matmul(p, x) };
    });
    expect(refusals(weights)).toMatchObject({
      regions: [],
      refusals: [{ why: 'attention is not made in blocks: it is an output' }],
    });
    const summed = trace('summed', x, ({ x }) => {
      const p = softmax(matmul(x, x.transpose([0, 2, 1])));
      return { p: p.sum(1), y: matmul(p, x) };
    });
    expect(refusals(summed).refusals[0].why).toContain('sum takes all of its numbers at once');
    expect(scans(inBlocks(weights))).toEqual([]);
    expect(await notFused(weights)).toMatch(/attention is not made in blocks: it is an output/);
    expect(await scheduled(weights, ['block-attention'])).not.toContain('attention is not made');
  });

  const sizes = { batch: 2, heads: 2, queries: 48, d: 8 };
  const types = { q: f32(2, 2, 48, 8), k: f32(2, 2, 48, 8), v: f32(2, 2, 48, 8) };

  it.each([
    ['for each head', [1, 2, 48, 48], 'sum takes all of its numbers at once'],
    ['for all of them', [48, 48], 'sum takes all of its numbers at once'],
    ['for each text and head', [2, 2, 48, 48], 'it is an output'],
  ])('a bias that is added to the scores and learned, %s: the schedule says why', async (_, shape, why) => {
    const learned = trace('learned', { ...types, bias: f32(...shape) }, ({ q, k, v, bias }) => {
      const y = attention(q, k, v, { mask: bias });
      const [dq, dbias] = gradients(y.mul(y).sum(), [q, bias]);
      return { y, dq: dq!, dbias: dbias! };
    });
    expect(scans(inBlocks(learned))).toEqual([]);
    expect(await notFused(learned)).toContain(`attention is not made in blocks: ${why}`);
    // The same bias, given and not learned.
    const given = attentionGraph(sizes, ({ q, k, v, m }) => attention(q, k, v, { mask: m }), shape);
    expect(scans(inBlocks(given)).length).toBeGreaterThan(0);
    expect(await notFused(given)).not.toContain('attention is not made');
  });

  it('a bias that is learned of places, a number for each distance: the schedule says why', async () => {
    const distances = trace('distances', { ...types, table: f32(95, 2), at: i32(48, 48) }, (given) => {
      const { q, k, v, table, at } = given;
      const bias = table.gather(at).transpose([2, 0, 1]);
      const y = attention(q, k, v, { mask: bias });
      const [dtable] = gradients(y.mul(y).sum(), [table]);
      return { y, dtable: dtable! };
    });
    expect(scans(inBlocks(distances))).toEqual([]);
    expect(await notFused(distances)).toMatch(
      /attention is not made in blocks: \w+ takes all of its numbers at once/,
    );
  });

  it('weights of which some are dropped at random: the schedule says why, and gives what it gives without the pass', async () => {
    const dropped = trace('dropped', { ...types, step: i32(), key: i32() }, ({ q, k, v, step, key }) => {
      const p = softmax(matmul(q, k.transpose([0, 1, 3, 2])).mul(0.4));
      const place = iota(numel(p.shape)).reshape(p.shape);
      const y = where(greaterEqual(random(place, step, key), 0.25), p.mul(1 / 0.75), 0).matmul(v);
      const [dq] = gradients(y.mul(y).sum(), [q]);
      return { y, dq: dq! };
    });
    expect(scans(inBlocks(dropped))).toEqual([]);
    expect(await notFused(dropped)).toMatch(
      /attention is not made in blocks: \w+ makes all of its numbers at once/,
    );
    const data = dataFor(dropped, 3, ['input']);
    expect(furthest(numbers(asWritten(dropped), data), numbers(inBlocks(dropped), data))).toBe(0);
  });

  it('a classifier, with its gradient', () => {
    const graph = trace('classifier', { x: f32(64, 8), w: f32(8, 64), y: i32(64) }, ({ x, w, y }) => {
      const [dx, dw] = gradients(crossEntropy(matmul(x, w), y), [x, w]);
      return { dx: dx!, dw: dw! };
    });
    expect(refusals(graph)).toEqual({ regions: [], refusals: [] });
  });

  it('two layers of a network', () => {
    const graph = trace('mlp', { x: f32(64, 8), w: f32(8, 64), u: f32(64, 8) }, ({ x, w, u }) => ({
      y: matmul(matmul(x, w).relu(), u),
    }));
    expect(refusals(graph)).toEqual({ regions: [], refusals: [] });
  });

  it('a gradient of a gradient', () => {
    const graph = trace('twice', { x: f32(1, 64, 4) }, ({ x }) => {
      const y = attention(x, x, x);
      const [dx] = gradients(y.mul(y).sum(), [x]);
      const [ddx] = gradients(dx!.mul(dx!).sum(), [x]);
      return { ddx: ddx! };
    });
    const { regions, refusals: why } = refusals(graph);
    expect(regions).toEqual([]);
    expect(why.length).toBeGreaterThan(0);
    expect(isInput(why[0].from) && inputAttrs(why[0].from)).toBe(false);
  });
});
