import { Worker } from 'node:worker_threads';
import { DataError, DivergedError, GradError } from '../../errors.js';
import { Output, tolerateClosedPipes } from '../output.js';
import type { TrainOptions } from '../train.js';
import { sourcesDigest } from './sources.js';

// A training in a process of its own, for a sweep or a worker: what it takes of memory, and how it may end, is its own, and
// whoever waits for it goes on answering. It is told what to train by a message, and saves and ends when its parent does.

/** What the parent sends. */
export type Order =
  | {
      readonly task: string;
      readonly options: TrainOptions;
      readonly sources?: string;
      readonly parent: number;
      readonly grace: number;
    }
  | 'stop';

/** What comes back. */
export interface Answer {
  readonly code?: number;
  /** What `train --json` tells; standard output is the model's, who may print there what it likes. */
  readonly result?: Record<string, unknown>;
  readonly diverged?: boolean;
  readonly error?: string;
}

const WATCH = new URL('./orphan.js', import.meta.url);

// The parent may be gone before all is saved.
tolerateClosedPipes();

const stop = () => process.kill(process.pid, 'SIGTERM');

process.once('disconnect', stop);
// What a model throws when nobody waits for it.
process.once('uncaughtException', (error) => {
  process.send!(failure(error), () => process.exit(1));
});
process.on('message', (order: Order) => {
  if (order === 'stop') stop();
  else void work(order);
});

async function work({ task, options, sources, parent, grace }: Exclude<Order, 'stop'>): Promise<void> {
  new Worker(WATCH, { workerData: { parent, grace } }).unref();
  const kept = new KeptResult(true);
  const answer = await checkSources(task, sources)
    // What trains takes a while to load.
    .then(() => import('../train.js'))
    .then(({ train }) => train(task, options, kept))
    .then((code) => ({ code, result: kept.value }), failure);
  process.off('disconnect', stop);
  process.send!(answer, () => process.disconnect());
}

/** Throws DataError where a model file was changed meanwhile: rows of one table would be of different models. */
async function checkSources(task: string, sources: string | undefined): Promise<void> {
  if (sources !== undefined && (await sourcesDigest(task)) !== sources)
    throw new DataError(
      `${task}, or a file that it imports, was changed since this began: change it back, and start again with --resume`,
    );
}

class KeptResult extends Output {
  value: Record<string, unknown> | undefined;

  override result(value: Record<string, unknown>): void {
    this.value = value;
  }
}

function failure(error: unknown): Answer {
  const message = error instanceof Error ? error.message : String(error);
  const known = error instanceof GradError ? message : `unexpected error: ${message}`;
  return { diverged: error instanceof DivergedError, error: known };
}
