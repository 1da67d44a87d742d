import { availableParallelism } from 'node:os';
import { expect, it } from 'vitest';
import { canShareMemory, grantThreads, threadSupport } from '../../src/run/threads.js';

// What pages have instead is tested in test/browser/session.test.ts.

it('Node can use as many threads as the process may run at once', () => {
  const { most, reason } = threadSupport();
  expect(most).toBe(availableParallelism());
  expect(reason).toBe(most > 1 ? null : 'this machine has one core');
});

it('Node grants every number of threads', () => {
  expect(canShareMemory()).toBe(true);
  expect([1, 2, 64].map(grantThreads)).toEqual([1, 2, 64]);
});
