import { expect, it } from 'vitest';
import { attention } from '../../src/index.js';
import { SCHEDULE_PASSES } from '../../src/schedule/passes.js';
import { attentionGraph } from '../optimize/attentions.js';
import { check } from './check.js';

// Attention in blocks as small as they get, compiled, against the reference in the user's order; and the same bits for any
// number of threads, without any part of the scheduler, and with memory poisoned.

const FORMS = {
  'causal, heads that share keys, a rest of one query': attentionGraph(
    { batch: 2, heads: 2, groups: 1, queries: 33, d: 4 },
    ({ q, k, v }) => attention(q, k, v, { causal: true }),
  ),
  'to other keys, in a loop': attentionGraph(
    { batch: 1, heads: 1, queries: 64, keys: 21, d: 7, e: 5 },
    ({ q, k, v }) => attention(q, k, v),
  ),
};

it('attention in blocks, compiled, gives the results of the reference and the same bits in every way', async () => {
  const cases = Object.values(FORMS).map((graph, i) => ({ graph, data: 40 + i }));
  const ways = [
    { without: SCHEDULE_PASSES, threads: [1] },
    { poison: true, threads: [2] },
  ];
  const wrong = await check(cases, { level: 1, threads: [1, 2, 3, 4], alike: ways });
  expect(wrong).toEqual(cases.map(() => null));
});
