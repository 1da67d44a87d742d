import { DivergedError, GradError } from '../../errors.js';
import { tolerateClosedPipes } from '../output.js';
import { type TrainOptions, train } from '../train.js';

// A training in a process of its own, for a sweep or a worker: what it takes of memory, and how it may end, is its own, and
// whoever waits for it goes on answering. It is told what to train by a message, and saves and ends when its parent does.

/** What the parent sends. */
export type Order = { readonly task: string; readonly options: TrainOptions } | 'stop';

/** What comes back, beside the result on standard output. */
export interface Answer {
  readonly code?: number;
  readonly diverged?: boolean;
  readonly error?: string;
}

// The parent may be gone before all is saved.
tolerateClosedPipes();

const stop = () => process.kill(process.pid, 'SIGTERM');

process.once('disconnect', stop);
process.on('message', (order: Order) => {
  if (order === 'stop') stop();
  else void work(order);
});

async function work({ task, options }: Exclude<Order, 'stop'>): Promise<void> {
  const answer = await train(task, { ...options, json: true }).then((code) => ({ code }), failure);
  process.off('disconnect', stop);
  process.send!(answer, () => process.disconnect());
}

function failure(error: unknown): Answer {
  const message = error instanceof Error ? error.message : String(error);
  const known = error instanceof GradError ? message : `unexpected error: ${message}`;
  return { diverged: error instanceof DivergedError, error: known };
}
