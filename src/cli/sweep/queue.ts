import { availableParallelism } from 'node:os';
import { MAX_THREADS } from '../../plan/layout.js';
import type { Outcome, Place, Trial } from './outcome.js';
import { runTrial, type TrialRun } from './run-trial.js';

/** Hears how the trainings of a sweep go. */
export interface Listener {
  started(trial: Trial): void;
  place(trial: Trial, place: Place): void;
  /** Its training is lost, and waits for its turn again. */
  waiting(trial: Trial): void;
  ended(trial: Trial, outcome: Outcome): Promise<void>;
}

/** Whoever runs trainings. Resolves when all have ended, or `signal` has stopped it; the order is its own affair. */
export interface Queue {
  run(trials: readonly Trial[], listener: Listener, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}

/** How this machine is shared: so many trainings at a time, and threads of each where these are not given. */
export function shares(
  { jobs, threads }: { jobs?: number; threads?: number },
  trials = Number.POSITIVE_INFINITY,
  cores = availableParallelism(),
): { jobs: number; threads: number } {
  const atOnce = Math.min(trials, jobs ?? Math.max(1, Math.floor(cores / (threads ?? 1))));
  const each = Math.max(1, Math.min(MAX_THREADS, Math.floor(cores / Math.max(1, atOnce))));
  return { jobs: atOnce, threads: threads ?? each };
}

/** The queue of this process: trainings in processes of their own, some at a time. */
export function localQueue(
  runOf: (trial: Trial, threads: number) => TrialRun,
  wanted: { jobs?: number; threads?: number },
): Queue {
  return {
    async run(trials, listener, signal) {
      const { jobs, threads } = shares(wanted, trials.length);
      const left = trials.values();
      const work = async () => {
        for (const trial of left) {
          if (signal.aborted) return;
          listener.started(trial);
          const told = (place: Place) => listener.place(trial, place);
          const outcome = await runTrial(runOf(trial, threads), signal, told);
          if (outcome) await listener.ended(trial, outcome);
        }
      };
      await Promise.all(Array.from({ length: jobs }, work));
    },
    close: async () => {},
  };
}
