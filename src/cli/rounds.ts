// Fair timing: contestants take turns, so that what the machine does meanwhile meets all of them alike.

/** Something that can take steps, any number in one call. */
export interface Contestant {
  /** Takes so many steps; returns the milliseconds that they took. */
  take(steps: number): Promise<number>;
}

export interface Timing {
  readonly rounds: number;
  /** A sample lasts about so long, or one step. */
  readonly sampleMs: number;
  /** A contestant whose samples would last longer than this in all takes part in fewer rounds. */
  readonly budgetMs: number;
  /** But in no fewer than this. */
  readonly leastRounds: number;
}

export interface Result {
  /** Steps per second in each round that the contestant took part in. */
  readonly samples: number[];
  /** What ended its race early. */
  failure?: Error;
}

/** Lets the contestants take turns; one that fails drops out. */
export async function race(
  contestants: readonly Contestant[],
  { rounds, sampleMs, budgetMs, leastRounds }: Timing,
  progress: (what: string) => void,
): Promise<Result[]> {
  const runners = contestants.map((contestant) => ({
    contestant,
    speed: 0,
    turns: 0,
    result: { samples: [] } as Result,
  }));
  const running = () => runners.filter(({ result }) => !result.failure);
  for (const [i, runner] of runners.entries()) {
    progress(`warming up ${i + 1} of ${runners.length}`);
    await attempt(runner.result, async () => {
      runner.speed = await warmUp(runner.contestant, sampleMs);
      const ms = Math.max(sampleMs, 1000 / runner.speed);
      runner.turns = Math.min(rounds, Math.max(leastRounds, Math.floor(budgetMs / ms)));
    });
  }
  for (let round = 0; round < rounds; round++) {
    progress(`round ${round + 1} of ${rounds}`);
    for (const runner of running()) {
      // Spreads few turns over all rounds.
      const turnsBy = (end: number) => Math.floor((end * runner.turns) / rounds);
      if (turnsBy(round + 1) === turnsBy(round)) continue;
      await attempt(runner.result, async () => {
        const steps = Math.max(1, Math.round((runner.speed * sampleMs) / 1000));
        runner.speed = (steps * 1000) / (await runner.contestant.take(steps));
        runner.result.samples.push(runner.speed);
      });
    }
  }
  return runners.map(({ result }) => result);
}

async function attempt(result: Result, act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    result.failure = error as Error;
  }
}

/**
 * Takes steps until a call lasts as long as a sample, so that the engine has compiled its hot code, which
 * V8 replaces between calls and not within one. Returns steps per second.
 */
export async function warmUp(contestant: Contestant, sampleMs: number): Promise<number> {
  for (let steps = 1; ; ) {
    const ms = Math.max(await contestant.take(steps), 1e-3);
    if (ms >= 0.8 * sampleMs) return (steps * 1000) / ms;
    steps = Math.ceil(steps * Math.min(8, (1.1 * sampleMs) / ms));
  }
}

/** The value at `share` of the way through the sorted ones, between two of them where it falls there. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = share * (sorted.length - 1);
  const low = Math.floor(at);
  return sorted[low] + (at - low) * (sorted[Math.ceil(at)] - sorted[low]);
}

export const median = (values: readonly number[]): number => quantile(values, 0.5);

/** Half the distance between the quartiles over the median; null if one value leaves it unknown. */
export function spread(values: readonly number[]): number | null {
  if (values.length < 2) return null;
  return (quantile(values, 0.75) - quantile(values, 0.25)) / 2 / median(values);
}
