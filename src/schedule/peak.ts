import { listSchedule } from './list-schedule.js';
import { liveBytes, type Traffic } from './liveness.js';
import { Moves } from './moves.js';
import type { Waits } from './waits.js';

/**
 * Kernels that one search for a lower peak may look at, some forty times as many as a training step of a hundred needs.
 * A count, and no time, so that every machine finds the same order.
 */
export const BUDGET = 500_000;

/**
 * An order of the kernels whose largest live set is as small as two heuristics can make it: kernels are moved
 * away from the peak, starting once from the order as given and once from a list schedule. The given order
 * stays as far as the peak does not care. (On small random graphs within a percent of the best order.)
 * @param budget kernels that each search may look at before it stays with what it has found
 */
export function lowerPeak(traffic: readonly Traffic[], waits: Waits, budget = BUDGET): number[] {
  if (traffic.length === 0) return [];
  const given = traffic.map((_, i) => i);
  // No order can do with less than what one kernel reads and writes.
  const least = traffic.reduce((most, kernel) => Math.max(most, workingSet(kernel)), 0);
  const moved = moveFromPeak(given, traffic, waits, least, budget);
  if (moved.peak === least) return [...moved.order];
  const listed = moveFromPeak(listSchedule(traffic, waits), traffic, waits, least, budget);
  return [...(listed.peak < moved.peak ? listed : moved).order];
}

/** Bytes that live while a kernel runs with nothing else there, at the least. */
function workingSet(kernel: Traffic): number {
  const { reads } = kernel;
  const made = { ...kernel, reads: [], writes: reads, over: new Map(reads.map((node) => [node, []])) };
  return Math.max(...liveBytes([made, kernel]));
}

/**
 * As long as that lowers the peak: lets what lives across the kernel at the peak be read for the last time
 * before it, or be written after it.
 */
function moveFromPeak(
  start: readonly number[],
  traffic: readonly Traffic[],
  waits: Waits,
  least: number,
  budget: number,
): Moves {
  const moves = new Moves(traffic, waits, start, budget);
  while (moves.peak > least && !moves.isSpent && moves.improve());
  return moves;
}
