import { setTimeout as sleep } from 'node:timers/promises';
import { isObject } from '../../check.js';
import { clipped } from '../../printable.js';
import { connected, loadBullMq, optionsOf, redisError, unlessGone } from './bullmq.js';
import { isOutcome, MOST_REASON, type Outcome, type Place, type Trial } from './outcome.js';
import type { Listener, Queue } from './queue.js';
import type { RedisPlace } from './redis-url.js';

/** What has happened is heard of at once; in case a message was lost, all is looked at so often. */
const LOOK_MS = 5000;
const WORKERS_MS = 3000;
/** A training is given back by workers that are stopped; one that so many have lost is at fault itself. */
export const MOST_LOST = 20;
const WEEK = 7 * 24 * 3600;

/** Hosts agree on it by what they would train. */
export const queueName = (identity: string): string => `sweep-${identity}`;

/** What a worker is told. */
export interface TrialJob {
  readonly settings: Trial['settings'];
}

/** The queue of a Redis: workers anywhere take trainings from it. `workers`: the command that starts one; `say` tells the user. */
export async function redisQueue(
  place: RedisPlace,
  identity: string,
  { workers, say, signal }: { workers: string; say: (text: string) => void; signal: AbortSignal },
): Promise<Queue> {
  const { Queue, QueueEvents } = await loadBullMq();
  const name = queueName(identity);
  const queue = await connected(new Queue<TrialJob>(name, optionsOf(place, signal)), place, say);
  const events = await connected(new QueueEvents(name, optionsOf(place, signal)), place, say);
  events.setMaxListeners(0);
  return {
    async run(trials, listener) {
      const pending = new Map(trials.map((trial) => [trial.name, trial]));
      const add = (some: readonly Trial[]) =>
        queue.addBulk(
          some.map(({ name, settings }) => ({
            name: 'train',
            data: { settings },
            // The same configuration is one job, whoever asks for it and how often.
            opts: {
              ...{ jobId: name, attempts: MOST_LOST },
              ...{ removeOnComplete: { age: WEEK }, removeOnFail: { age: WEEK } },
            },
          })),
        );
      const take = async (name: string) => {
        const trial = pending.get(name);
        if (!trial) return;
        const job = await queue.getJob(name);
        // A Redis that was started anew may have forgotten it.
        if (!job) return void (await add([trial]));
        if (!job.finishedOn) return;
        if (!pending.delete(name)) return;
        await listener.ended(trial, outcomeOf(job));
        await job.remove().catch(() => {});
      };
      const hearing = heard(events, pending, listener, take);
      const stop = noteOfWorkers(
        queue,
        pending,
        (none) =>
          none &&
          say(
            `No worker takes these trainings yet. On each host, with the same files and version: ${workers}`,
          ),
      );
      const work = async () => {
        for (const name of await leftFailed(queue, trials)) await (await queue.getJob(name))?.remove();
        await add(trials);
        while (pending.size > 0 && !signal.aborted) {
          for (const name of [...pending.keys()]) await take(name);
          if (pending.size === 0) break;
          await Promise.race([
            hearing.empty(),
            sleep(LOOK_MS, undefined, { signal, ref: false }).catch(() => {}),
          ]);
        }
        // What nobody has begun yet is not wanted any more; what is running ends where it runs.
        for (const name of signal.aborted ? pending.keys() : []) {
          const job = await queue.getJob(name);
          if (job && (await job.getState()) === 'waiting') await job.remove().catch(() => {});
        }
        await hearing.end();
      };
      try {
        await unlessGone(work(), signal);
      } catch (error) {
        throw redisError(error, place, name);
      } finally {
        stop();
      }
    },
    async close() {
      await unlessGone(Promise.all([events.close(), queue.close()]), signal);
    },
  };
}

type Events = import('bullmq').QueueEvents;
type Jobs = import('bullmq').Queue<TrialJob>;
type Job = import('bullmq').Job<TrialJob>;

/** Passes on what is heard of trainings. */
function heard(
  events: Events,
  pending: ReadonlyMap<string, Trial>,
  listener: Listener,
  take: (name: string) => Promise<void>,
) {
  let emptied: () => void = () => {};
  let failure: Error | undefined;
  let last: Promise<void> = Promise.resolve();
  const of = (name: string, tell: (trial: Trial) => void) => {
    const trial = pending.get(name);
    if (trial) tell(trial);
  };
  const finished = ({ jobId }: { jobId: string }) => {
    last = last
      .then(() => take(jobId))
      .catch((error: Error) => void (failure ??= error))
      .then(() => {
        if (pending.size === 0 || failure) emptied();
      });
  };
  const active = ({ jobId }: { jobId: string }) => of(jobId, (trial) => listener.started(trial));
  const waiting = ({ jobId }: { jobId: string }) => of(jobId, (trial) => listener.waiting(trial));
  const progress = ({ jobId, data }: { jobId: string; data: unknown }) => {
    if (isPlace(data)) of(jobId, (trial) => listener.place(trial, data));
  };
  events.on('completed', finished).on('failed', finished).on('active', active).on('waiting', waiting);
  events.on('progress', progress);
  return {
    /** Resolves when none is pending any more. Throws what a result could not be kept for. */
    empty: async () => {
      if (failure) throw failure;
      await new Promise<void>((resolve) => (emptied = resolve));
      if (failure) throw failure;
    },
    end: async () => {
      events.off('completed', finished).off('failed', finished).off('active', active).off('waiting', waiting);
      events.off('progress', progress);
      await last;
      if (failure) throw failure;
    },
  };
}

function isPlace(data: unknown): data is Place {
  return (
    isObject(data) && Number.isFinite(data.at) && Number.isFinite(data.of) && typeof data.loss === 'string'
  );
}

/** Jobs that failed when they were asked for before: they are to be tried again. */
async function leftFailed(queue: Jobs, trials: readonly Trial[]): Promise<string[]> {
  const failed = await queue.getJobs(['failed']);
  const wanted = new Set(trials.map(({ name }) => name));
  return failed.flatMap((job) => (job?.id !== undefined && wanted.has(job.id) ? [job.id] : []));
}

function outcomeOf(job: Job): Outcome {
  const { returnvalue, failedReason } = job;
  if (isOutcome(returnvalue)) return returnvalue;
  const reason = failedReason
    ? clipped(failedReason, MOST_REASON)
    : 'a worker gave something else than a result: has it the same version?';
  return { status: 'failed', reason, about: { host: '', seconds: 0 } };
}

/** Tells when there is no worker that trains the same, and when there is one again. */
function noteOfWorkers(
  queue: Jobs,
  pending: ReadonlyMap<string, Trial>,
  tell: (none: boolean) => void,
): () => void {
  let none = false;
  const look = async () => {
    const workers = await queue.getWorkers().catch(() => undefined);
    if (!workers || pending.size === 0 || (workers.length === 0) === none) return;
    none = !none;
    tell(none);
  };
  const timer = setInterval(look, WORKERS_MS);
  void look();
  return () => clearInterval(timer);
}
