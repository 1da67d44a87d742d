// The threads that run a step together. Each instance of the module is one of them; they share the memory.
// The first cells of the memory are theirs; run/layout.ts gives their addresses.

/** Cells of the control block, in bytes. */
const EPOCH: usize = 0; // counts jobs; workers sleep on it
const JOB: usize = 4; // what to run; 0 ends the workers
const ARRIVED: usize = 64; // threads at the barrier
const GENERATION: usize = 128; // barriers passed

/** Turns of the waiting loop before a thread goes to sleep; waking one costs as much as many steps of a small model. */
const SPINS: i32 = 65536;

/** This instance's place in the team, and the size of the team. */
export let thread: i32 = 0;
export let threads: i32 = 1;

/** Where this thread's scratch begins: panels and sums of matrix products. */
export let scratch: usize = 0;

export function enlist(index: i32, count: i32, own: usize): void {
  thread = index;
  threads = count;
  scratch = own;
}

/** No thread goes on before all have come here; writes before it are seen after it. */
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
    if (--spins < 0) atomic.wait<i32>(GENERATION, generation, -1);
  }
}

/** Gives the workers a job; the caller then runs its own part. */
export function startJob(job: i32): void {
  store<i32>(JOB, job);
  if (threads == 1) return;
  atomic.add<i32>(EPOCH, 1);
  atomic.notify(EPOCH, -1);
}

/** Sleeps until the epoch is not `seen` any more; returns the new one. */
export function nextJob(seen: i32): i32 {
  let spins = SPINS;
  while (atomic.load<i32>(EPOCH) == seen) {
    if (--spins < 0) atomic.wait<i32>(EPOCH, seen, -1);
  }
  return atomic.load<i32>(EPOCH);
}

export function currentJob(): i32 {
  return load<i32>(JOB);
}

/** The number of a part that nobody has taken yet, counted from the first time on. */
export function takePart(cell: usize): i32 {
  return atomic.add<i32>(cell, 1);
}

/** The first of a thread's units, out of `units` in equal shares for `most` threads or all; the next thread's ends them. */
export function firstUnit(units: i32, index: i32, most: i32): usize {
  return <usize>(units * index / min(threads, most));
}
