/** Milliseconds after which a run of many steps looks at how it goes. */
const SLICE_MS = 10;
/** Milliseconds that a try with another number of threads takes, and between tries. */
const TRY_MS = 3;
const FIRST_WAIT_MS = 20;
const LONGEST_WAIT_MS = 2000;
/** Tries that turn out badly may cost one part in so many of the time. */
const TRY_SHARE = 30;
/** How much faster another number has to be, and how much slower the own one may become. */
const GAIN = 0.9;
const LOSS = 1.15;
/** Weight of the newest measurement. */
const NEWEST = 0.3;
/** Single units that are done without a look at the clock, which costs a part of a short one: as many as take so long. */
const BLIND_MS = 0.3;
const MAX_BLIND = 15;

/** Some units of a job, all of one kind, to be done by so many threads. */
export interface Slice {
  readonly team: number;
  readonly units: number;
  /** Whether it is worth knowing how long it takes. */
  readonly timed: boolean;
}

/**
 * How many of a session's threads work on a job that is done again and again. Where another process keeps a core busy,
 * every meeting may cost the time slice of the system's scheduler, and one thread is faster than two. So the
 * number is measured: most of the time the best is used, and now and then another is tried. Results do not depend
 * on it.
 */
export class Pace {
  private team: number;
  /** Milliseconds a unit, by number of threads. */
  private readonly cost = new Map<number, number>();
  private trial: { team: number; warm: boolean; ms: number; units: number } | null = null;
  private since = 0;
  private wait = FIRST_WAIT_MS;
  private slow = 0;
  private upwards = false;
  /** The least that a unit costs with another number than the own. */
  private other = Number.POSITIVE_INFINITY;
  /** Single units to do until one is measured again, each like this. */
  private blind = 0;
  private unmeasured: Slice = { team: 1, units: 1, timed: false };

  /** @param team how many to begin with */
  constructor(
    private readonly threads: number,
    team = threads,
  ) {
    this.team = team;
  }

  /** What to do next of so many units. */
  next(units: number): Slice {
    if (this.threads === 1) return { team: 1, units, timed: false };
    if (units === 1 && this.blind > 0) return this.unmeasured;
    if (!this.trial && this.since >= this.wait) this.begin();
    const { trial } = this;
    const team = trial?.team ?? this.team;
    const cost = this.cost.get(this.team);
    // Threads that have slept are woken before they are measured.
    if (cost === undefined || (trial && !trial.warm)) return { team, units: Math.min(units, 1), timed: true };
    // After a change short slices show soon whether it was for the better.
    const ms = trial ? TRY_MS : Math.min(SLICE_MS, Math.max(TRY_MS, this.since));
    return { team, units: Math.min(units, Math.max(1, Math.floor(ms / cost))), timed: true };
  }

  /** What that took, in milliseconds, where it was measured. */
  took(units: number, ms?: number): void {
    if (ms === undefined) this.blind -= units;
    else if (this.trial) this.tried(this.trial, units, ms);
    else this.worked(units, ms);
  }

  private begin(): void {
    // Half as many and twice as many by turns, as far as there are so many.
    this.upwards = !this.upwards;
    const up = Math.min(this.threads, this.team * 2);
    const down = Math.max(1, Math.floor(this.team / 2));
    const team = (this.upwards && up !== this.team) || down === this.team ? up : down;
    this.trial = { team, warm: false, ms: 0, units: 0 };
    this.blind = 0;
  }

  private tried(trial: NonNullable<Pace['trial']>, units: number, ms: number): void {
    if (!trial.warm && ms < TRY_MS) {
      trial.warm = true;
      return;
    }
    trial.ms += ms;
    trial.units += units;
    const own = this.cost.get(this.team) ?? ms / units;
    if (trial.ms < TRY_MS / 2 && trial.units < 1000) return;
    const cost = trial.ms / trial.units;
    this.cost.set(trial.team, cost);
    this.trial = null;
    this.since = 0;
    if (cost < GAIN * own) {
      this.team = trial.team;
      this.slow = 0;
    } else {
      const excess = Math.max(0, trial.ms - own * trial.units);
      this.wait = Math.max(Math.min(2 * this.wait, LONGEST_WAIT_MS), TRY_SHARE * excess);
    }
    this.other = Math.min(...[...this.cost].filter(([team]) => team !== this.team).map(([, ms]) => ms));
  }

  private worked(units: number, ms: number): void {
    const now = ms / units;
    this.blind = units === 1 ? Math.min(MAX_BLIND, Math.floor(BLIND_MS / now)) : 0;
    if (this.unmeasured.team !== this.team) this.unmeasured = { team: this.team, units: 1, timed: false };
    // Those that are not measured are taken to be like this one.
    const spent = ms + this.blind * now;
    this.since += spent;
    const before = this.cost.get(this.team) ?? now;
    this.cost.set(this.team, before + NEWEST * (now - before));
    // What looked better has turned out to be worse than what it took the place of.
    this.slow = now > LOSS * this.other ? this.slow + spent : 0;
    if (this.slow > SLICE_MS) this.since = this.wait;
  }
}
