import { expect, test } from 'vitest';
import type { Parts } from '../../bench/hosts/parts.js';
import { predict } from '../../bench/hosts/predict.js';

/** A list of 1,448,000 bytes: 1,538,000 on a cable, which at 1.538 Gb/s take 8 ms. */
const parts = (more: Partial<Parts> = {}): Parts => ({
  ...{ shards: 2, rowBytes: 0, shard: 10, add: 1, update: 2 },
  pieces: [{ bytes: 1_448_000, ready: 10 }],
  ...more,
});
const network = { gbits: 1.538, latency: 0.5 };

test('what is sent once all is made takes its time on the cable, and the update comes then', () => {
  expect(predict(parts(), 1, network)).toBeCloseTo(10 + 1 + 10 + 2);
  expect(predict(parts(), 2, network)).toBeCloseTo(10 + 8 + 0.5 + 2);
});

test('each doubling sends the list again, and adds what comes but for the last', () => {
  expect(predict(parts({ shards: 4 }), 4, network)).toBeCloseTo(10 + 2 * 8.5 + 1 + 2);
});

test('what is made early is sent while the rest is made', () => {
  const pieces = [
    { bytes: 724_000, ready: 5 },
    { bytes: 724_000, ready: 10 },
  ];
  expect(predict(parts({ pieces }), 2, network)).toBeCloseTo(10 + 4 + 0.5 + 2);
});

test('rows of tables grow with each round', () => {
  const tables = parts({ shards: 4, rowBytes: 362_000, pieces: [{ bytes: 362_000, ready: 0 }] });
  // The list goes over twice meanwhile; rows of one shard take 2 ms, those of two 4.
  expect(predict(tables, 4, network)).toBeCloseTo(10 + 2.5 + 4.5 + 2);
});
