import type { Worker as NodeWorker } from 'node:worker_threads';
import { GradError } from '../errors.js';
import type { Helper, Spawn } from './engine.js';

/** A thread of a session as a worker of Node, which says something when it waits for work. */
export function nodeHelper(worker: NodeWorker): Helper {
  const exit = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
  return {
    ready: new Promise<void>((resolve, reject) => {
      worker.once('message', () => {
        // A session that nobody closes must not keep the process alive.
        worker.unref();
        resolve();
      });
      worker.once('error', reject);
    }),
    ended() {
      worker.ref();
      return exit;
    },
  };
}

/** A thread of a session as a page's worker, which is told `start` and says `ready`, and something else when it has ended. */
export function pageHelper(worker: Worker, start: Parameters<Spawn>[0]): Helper {
  let end: () => void;
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const ready = new Promise<void>((resolve, reject) => {
    worker.onmessage = ({ data }) => (data === 'ready' ? resolve() : end());
    worker.onerror = ({ message }) =>
      reject(
        new GradError(
          `a thread did not start${message ? `: ${message}` : ''}; does the page's content security policy allow worker-src 'self'?`,
        ),
      );
  });
  worker.postMessage(start);
  return {
    ready,
    async ended() {
      await ended;
      worker.terminate();
    },
  };
}
