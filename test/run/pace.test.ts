import { expect, it } from 'vitest';
import { Pace } from '../../src/run/pace.js';

// A machine that is simulated: what a unit takes by the number of threads, and the time that goes by.

interface Machine {
  now: number;
  /** Milliseconds of a unit. */
  cost(team: number, now: number): number;
}

/** Works for so many milliseconds in runs of `chunk` units; returns the units done, and the time spent by team. */
function work(pace: Pace, machine: Machine, ms: number, chunk = 1000) {
  const end = machine.now + ms;
  const spent = new Map<number, number>();
  let done = 0;
  while (machine.now < end) {
    for (let left = chunk; left > 0; ) {
      const { team, units, timed } = pace.next(left);
      if (units < 1 || units > left) throw new Error(`${units} of ${left} units`);
      const took = units * machine.cost(team, machine.now);
      pace.took(units, timed ? took : undefined);
      machine.now += took;
      spent.set(team, (spent.get(team) ?? 0) + took);
      left -= units;
      done += units;
    }
  }
  return {
    done,
    share: (team: number) => (spent.get(team) ?? 0) / [...spent.values()].reduce((a, b) => a + b),
  };
}

/** The same numbers each time, from 0 to 1. */
function noise() {
  let state = 1;
  return () => {
    state = (state * 48271) % 2147483647;
    return state / 2147483647;
  };
}

it.each([1, 20, 5000])('stays with two threads where they are faster (runs of %i)', (chunk) => {
  const machine: Machine = { now: 0, cost: (team) => (team === 2 ? 0.03 : 0.05) };
  const { done } = work(new Pace(2), machine, 10_000, chunk);
  expect((done * 0.03) / machine.now).toBeGreaterThan(0.97);
});

it.each([1, 20, 5000])('leaves two threads where they are much slower (runs of %i)', (chunk) => {
  const machine: Machine = { now: 0, cost: (team) => (team === 2 ? 0.3 : 0.05) };
  const { done } = work(new Pace(2), machine, 10_000, chunk);
  expect((done * 0.05) / machine.now).toBeGreaterThan(0.9);
});

it('where two threads are now fast and now stand for a time slice, one thread is as good as it', () => {
  const random = noise();
  // 3 ms are lost at one in ten units.
  const machine: Machine = { now: 0, cost: (team) => (team === 2 ? 0.03 + (random() < 0.1 ? 3 : 0) : 0.05) };
  const { done } = work(new Pace(2), machine, 10_000, 20);
  expect((done * 0.05) / machine.now).toBeGreaterThan(0.8);
});

it('goes back to two threads within seconds once the machine is idle again, and away from them at once', () => {
  let busy = true;
  const machine: Machine = { now: 0, cost: (team) => (team === 1 ? 0.05 : busy ? 0.25 : 0.03) };
  const pace = new Pace(2);
  work(pace, machine, 10_000);
  busy = false;
  work(pace, machine, 3000);
  expect(work(pace, machine, 1000).share(2)).toBeGreaterThan(0.9);
  busy = true;
  work(pace, machine, 200);
  expect(work(pace, machine, 1000).share(1)).toBeGreaterThan(0.8);
});

it('finds a good number among many', () => {
  const best = 8;
  const machine: Machine = { now: 0, cost: (team) => 0.1 * (1 + Math.abs(Math.log2(team / best))) };
  const pace = new Pace(64);
  work(pace, machine, 5000);
  expect(work(pace, machine, 5000).share(best)).toBeGreaterThan(0.9);
});

it('steps that take seconds are tried with another number only now and then', () => {
  const machine: Machine = { now: 0, cost: (team) => (team === 2 ? 1000 : 1800) };
  const { done } = work(new Pace(2), machine, 200_000, 1);
  expect((done * 1000) / machine.now).toBeGreaterThan(0.9);
});

it('one thread has nothing to measure', () => {
  expect(new Pace(1).next(77)).toEqual({ team: 1, units: 77, timed: false });
});
