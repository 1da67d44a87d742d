// The threads that run a step together. Each instance of the module is one of them; they share the memory.
// The first cells of the memory are theirs; run/layout.ts gives their addresses.

/** Cells of the control block, in bytes. */
const ORDER: usize = 0; // from below: 32 bits count jobs, and workers sleep on them; 16 the job, 16 the size of its team
const ARRIVED: usize = 64; // threads at the barrier
const GENERATION: usize = 128; // barriers passed

/**
 * Turns of the waiting loop before a thread goes to sleep, about half a millisecond. Longer than a system takes to wake a thread, on
 * virtual machines some 0.1 ms: else threads that once found each other asleep would sleep at every meeting from then on.
 */
const SPINS: i32 = 524288;
/** Nanoseconds of sleep at a barrier before the host is asked whether the others still are there. */
const NAP: i64 = 500_000_000;

/** Told that others are late; the first thread's host throws if they will never come. */
@external('env', 'late')
declare function late(): void;

/** This instance's place among the threads, and how many of them do the job: those with the lowest places. */
export let thread: i32 = 0;
export let threads: i32 = 1;
/** The place of the second thread of the team, or of the first where it is alone. */
export let second: i32 = 0;
let all: i32 = 1;
let job: i32 = 0;

/** Where this thread's scratch begins: panels and sums of matrix products. */
export let scratch: usize = 0;

export function enlist(index: i32, count: i32, own: usize): void {
  thread = index;
  setTeam(count);
  all = count;
  scratch = own;
}

function setTeam(count: i32): void {
  threads = count;
  second = i32(count > 1);
}

/** No thread of the team goes on before all have come here; writes before it are seen after it. */
export function barrier(): void {
  if (threads == 1) return;
  const generation = atomic.load<i32>(GENERATION);
  if (atomic.add<i32>(ARRIVED, 1) == threads - 1) {
    atomic.store<i32>(ARRIVED, 0);
    atomic.store<i32>(GENERATION, generation + 1);
    atomic.notify(GENERATION, -1);
    return;
  }
  let spins = SPINS;
  while (atomic.load<i32>(GENERATION) == generation) {
    if (--spins < 0) sleep(GENERATION, generation, NAP);
  }
}

/**
 * Sleeps while a cell holds what was `seen` there, but no longer than so many nanoseconds. What V8 11 compiles first loses
 * locals of the function that waits. So here are none, and this is large enough, calls, and has two callers: nothing inlines it.
 */
function sleep(cell: usize, seen: i32, ns: i64): void {
  if (atomic.load<i32>(cell) != seen) return;
  if (atomic.wait<i32>(cell, seen, ns) == 2) late();
}

/** Gives a job to the first `team` threads, of which the caller is one; 0 for all. The others sleep on. */
export function startJob(next: i32, team: i32): void {
  job = next;
  setTeam(team > 0 ? team : all);
  if (threads == 1) return;
  // One store tells everything, so that nobody sees the half of it; and what the host wrote before is seen with it.
  const count = <u32>atomic.load<i64>(ORDER) + 1;
  atomic.store<i64>(ORDER, (<i64>threads << 48) | (<i64>next << 32) | <i64>count);
  atomic.notify(ORDER, -1);
}

/** Tells all workers to end. */
export function endJobs(): void {
  startJob(0, all);
}

/** Sleeps until the count of jobs is not `seen` any more; returns the new one. */
export function nextJob(seen: i32): i32 {
  let spins = SPINS;
  let order = atomic.load<i64>(ORDER);
  while (<i32>order == seen) {
    if (--spins < 0) sleep(ORDER, seen, -1);
    order = atomic.load<i64>(ORDER);
  }
  job = <i32>(order >> 32) & 0xffff;
  setTeam(<i32>(order >>> 48));
  return <i32>order;
}

export function currentJob(): i32 {
  return job;
}

/** Whether this thread does its part of the job. */
export function isInTeam(): bool {
  return thread < threads;
}

/** The number of a part that nobody has taken yet, counted from the beginning of the job. */
export function takePart(cell: usize): i32 {
  return atomic.add<i32>(cell, 1);
}

/** The first of a thread's units, out of `units` in equal shares for `most` threads or all; the next thread's ends them. */
export function firstUnit(units: i32, index: i32, most: i32): usize {
  return <usize>(units * index / min(threads, most));
}
