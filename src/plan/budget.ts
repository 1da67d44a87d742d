import { bytesText, OptionError } from '../errors.js';
import type { Graph } from '../graph/graph.js';
import type { Schedule } from '../kernels/kernel.js';
import type { Fused } from '../schedule/fuse.js';
import type { ScheduleOptions } from '../schedule/passes.js';
import { Rematerialization } from '../schedule/rematerialize.js';
import { fuseAll, schedulesOf } from '../schedule/schedule.js';
import { ALIGNMENT, SLACK } from './layout.js';
import { placed } from './loops.js';
import { checkSize, type GuardOutputs, largest, layOut, type MemoryPlan, type VariableType } from './plan.js';

/** Targets that are tried in turn, each below the one before by what that came out above the budget. */
const TRIES = 4;
/** Halvings in the search for the least memory that an entry can do with. */
const HALVINGS = 5;
/** Attempts to do with still less than what that has found. */
const STEPS = 4;

export interface Planned {
  readonly schedules: Readonly<Record<string, Schedule>>;
  readonly plan: MemoryPlan;
}

/** What is planned for. */
export interface ToPlan {
  readonly graphs: Readonly<Record<string, Graph>>;
  readonly variables: readonly VariableType[];
  readonly guards?: Readonly<Record<string, readonly GuardOutputs[]>>;
}

/**
 * Kernels and memory of a program that takes at most `budget` bytes before the dataset, where there is one: entries that
 * need more make values again rather than keep them. Throws OptionError if that is not enough, and says what would be.
 */
export function planWithin(
  program: ToPlan,
  budget: number | undefined,
  options: ScheduleOptions = {},
  tell: (part: 'plan') => void = () => {},
): Planned {
  const entries = fuseAll(program.graphs, options);
  const plain = schedulesOf(entries, options);
  tell('plan');
  const whole = planned(program, plain);
  if (budget === undefined || whole.plan.end <= budget) {
    checkSize(whole.plan);
    return whole;
  }
  const fitted = new Fitting(entries, plain, options).within(arenaWithin(budget, whole.plan));
  const fit = planned(program, schedulesOf(fitted, options));
  if (fit.plan.end > budget) throw tooSmall(budget, whole.plan, fit.plan);
  checkSize(fit.plan);
  return fit;
}

function planned({ variables, guards }: ToPlan, schedules: Planned['schedules']): Planned {
  return { schedules, plan: layOut(schedules, variables, guards) };
}

/** Bytes that are left for the arena. */
function arenaWithin(budget: number, { arena }: MemoryPlan): number {
  return Math.floor(budget / ALIGNMENT) * ALIGNMENT - SLACK - arena.address;
}

/** What an entry comes to with a target. */
interface Attempt {
  readonly entry: Fused;
  /** Bytes of the arena, once everything has its place. */
  readonly peak: number;
  readonly reached: boolean;
}

class Fitting {
  private readonly takeOver: boolean;

  constructor(
    private readonly entries: Readonly<Record<string, Fused>>,
    private readonly plain: Readonly<Record<string, Schedule>>,
    private readonly options: ScheduleOptions,
  ) {
    this.takeOver = !options.without?.includes('take-over');
  }

  /** The entries with at most so many bytes of the arena each, or as few as can be found. */
  within(most: number): Record<string, Fused> {
    const fitted = Object.entries(this.entries).map(([name, entry]): [string, Fused] => {
      const peak = peakOf(this.plain[name]);
      return [name, peak <= most ? entry : this.fit(name, entry, most, peak)];
    });
    return Object.fromEntries(fitted);
  }

  private fit(name: string, entry: Fused, most: number, peak: number): Fused {
    const search = new Rematerialization(entry, this.plain[name], this.takeOver);
    const attempt = (target: number): Attempt => {
      const { entry, reached } = search.within(target);
      return { entry, reached, peak: peakOf(schedulesOf({ [name]: entry }, this.options)[name]) };
    };
    for (let target = most, i = 0; target > 0 && i < TRIES; i++) {
      const made = attempt(target);
      if (made.peak <= most) return made.entry;
      if (!made.reached) break;
      target -= Math.max(made.peak - most, target >> 6);
    }
    return least(attempt, peak).entry;
  }
}

/** The attempt that needs least, whatever was asked for: so what an error says is possible is found again. */
function least(attempt: (target: number) => Attempt, peak: number): Attempt {
  let [low, high] = [0, peak];
  let best = attempt(0);
  for (let i = 0; i < HALVINGS; i++) {
    const target = Math.floor((low + high) / 2);
    const made = attempt(target);
    if (made.peak < best.peak) best = made;
    if (made.reached) high = target;
    else low = target;
  }
  for (let i = 0; i < STEPS; i++) {
    const made = attempt(best.peak - ALIGNMENT);
    if (made.peak >= best.peak) break;
    best = made;
  }
  return best;
}

function peakOf(schedule: Schedule): number {
  return placed(schedule).arena.peak;
}

function tooSmall(budget: number, whole: MemoryPlan, smallest: MemoryPlan): OptionError {
  const kept = whole.end > smallest.end ? `, and ${bytesText(whole.end)} where nothing is made again` : '';
  return new OptionError(
    `memory: ${bytesText(budget)} are too few: the program needs ${bytesText(smallest.end)} at the least${kept}. Give it that much, or use a smaller batch or model. The largest: ${largest(smallest, 3, bytesText)}`,
  );
}
