import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DataError, GradError, OptionError } from '../../errors.js';
import { absolute } from '../folder.js';
import { Interrupt } from '../interrupt.js';
import { KINDS, kindOf } from '../kinds/index.js';
import type { Kind } from '../kinds/kind.js';
import { note, Output, plural } from '../output.js';
import { checkRedis, connected, loadBullMq, optionsOf, unlessGone } from './bullmq.js';
import { dataDigestOf, identityName, servedBy } from './identity.js';
import type { Outcome } from './outcome.js';
import { shares } from './queue.js';
import { MOST_LOST, queueName, type TrialJob } from './redis-queue.js';
import { hideCommandLine, type RedisPlace, redisPlace, refuseUrl } from './redis-url.js';
import { runTrial, type TrialRun } from './run-trial.js';
import { sourcesOf } from './sources.js';
import { apart, configurationFrom } from './space.js';

const GONE_MS = 5000;

export interface WorkerOptions {
  redis: string | true;
  data?: string;
  export?: string;
  out: string;
  jobs?: number;
  threads?: number;
  lostAfter: number;
  json?: boolean;
}

/** A task that a worker serves. */
interface Served {
  readonly kind: Kind;
  readonly name: string;
  run(settings: TrialJob['settings']): Omit<TrialRun, 'folder'>;
}

/** Takes trainings of sweeps from a Redis until it is stopped. Returns the exit code. */
export async function worker(tasks: readonly string[], options: WorkerOptions): Promise<number> {
  hideCommandLine(options.redis, '2headgrad worker');
  refuseUrl(tasks);
  const place = redisPlace(options.redis, process.env);
  const output = new Output(options.json ?? false);
  const all = tasks.length === 0;
  if (tasks.length !== 1 && (options.data !== undefined || options.export !== undefined))
    throw new OptionError('--data and --export are for a worker of one task: name it');
  const interrupt = new Interrupt('Stopping: trainings that run are given back. Again to leave at once.');
  await checkRedis(place);
  const served: Served[] = [];
  for (const task of all ? KINDS.map(({ name }) => name) : tasks) {
    const found = await serve(task, options).catch((error: unknown) => {
      // Of those that come along a worker serves what it has the data for.
      if (!all || !(error instanceof GradError)) throw error;
      note(`${task} is not served: ${error.message}`);
    });
    if (found) served.push(...found);
  }
  const { jobs, threads } = shares(options);
  const counts = { done: 0, failed: 0 };
  const running = new Set<Promise<unknown>>();
  const workers = await start(served, { place, options, jobs, threads, interrupt, output, counts, running });
  interrupt.hold();
  const kinds = [...new Set(served.map(({ kind }) => kind.command))].join(', ');
  output.line(`Waits at ${place.shown} for trainings of ${kinds}; ${plural(jobs, 'training')} at a time`);
  await new Promise<void>((resolve) => {
    if (interrupt.signal.aborted) resolve();
    interrupt.signal.addEventListener('abort', () => resolve());
  });
  const closed = unlessGone(Promise.all(workers.map((one) => one.close())), interrupt.signal).then(
    () => true,
  );
  // BullMQ waits for good where the Redis is gone.
  const late = Promise.allSettled(running).then(() => sleep(GONE_MS, false, { ref: false }));
  const isGone = !(await Promise.race([closed, late]));
  if (isGone) note(`Redis at ${place.shown} does not answer: what was at work here goes to others in time`);
  interrupt.release();
  output.line(
    `${plural(counts.done, 'training')} done${counts.failed > 0 ? `, ${counts.failed} failed` : ''}`,
  );
  output.result({ task: 'worker', ...counts, interrupted: interrupt.received });
  // It would go on to look for it.
  if (isGone) process.exit(interrupt.exitCode);
  return interrupt.exitCode;
}

async function serve(task: string, { data, export: exported }: WorkerOptions): Promise<Served[]> {
  const kind = await kindOf(task, exported);
  const sources = await sourcesOf(kind);
  const file = absolute(data);
  return (await servedBy(kind, file)).map((identity) => ({
    ...{ kind, name: queueName(identityName(identity)) },
    run: (settings) => ({
      ...{ task, exported, data: file ?? undefined, sources },
      ...{ dataDigest: dataDigestOf(kind, file, identity), ...apart(kind, settings) },
    }),
  }));
}

interface Site {
  readonly place: RedisPlace;
  readonly options: WorkerOptions;
  readonly jobs: number;
  readonly threads: number;
  readonly interrupt: Interrupt;
  readonly output: Output;
  readonly counts: { done: number; failed: number };
  /** Trainings that run. */
  readonly running: Set<Promise<unknown>>;
}

async function start(served: readonly Served[], site: Site) {
  const { place, options, jobs, threads, interrupt, output, counts, running } = site;
  const { Worker } = await loadBullMq();
  const milliseconds = 1000 * options.lostAfter;
  const started = [];
  for (const { kind, name, run } of served) {
    const one = new Worker<TrialJob, Outcome>(
      name,
      async (job) => {
        const settings = configurationFrom(job.data?.settings, kind, 'a training of the queue');
        // Its hash, as files and folders are called by it.
        if (!/^[0-9a-f]{32}$/.test(job.id ?? '')) throw new DataError('it has no name');
        const folder = join(options.out, job.id!);
        const own = {
          ...run(settings),
          folder,
          threads: (settings.threads as number | undefined) ?? threads,
        };
        const training = runTrial(own, interrupt.signal, (where) => {
          void job.updateProgress({ ...where }).catch(() => {});
        });
        running.add(training);
        const outcome = await training.finally(() => running.delete(training));
        if (!outcome) throw new Error('its worker was stopped');
        counts[outcome.status === 'done' ? 'done' : 'failed']++;
        output.line(
          `${job.id!.slice(0, 8)}  ${outcome.status}${outcome.reason ? `: ${outcome.reason}` : ''}`,
        );
        return outcome;
      },
      {
        ...optionsOf(place, interrupt.signal),
        ...{ concurrency: jobs, maxStalledCount: MOST_LOST, drainDelay: 1 },
        ...{ lockDuration: milliseconds, stalledInterval: Math.max(500, milliseconds / 2) },
      },
    );
    started.push(await connected(one, place));
  }
  return started;
}
