import type * as Threads from 'node:worker_threads';
import { WorkerError } from '../errors.js';
import type { Helper, Spawn } from './module.js';

type Receive = typeof Threads.receiveMessageOnPort;

/** A thread of a session as a worker of Node, which says something when it waits for work. */
export function nodeHelper(worker: Threads.Worker, receive: Receive): Helper {
  let over: string | undefined;
  const isOpen = lineTo(worker, receive);
  const exit = new Promise<void>((resolve) => {
    worker.once('exit', (code) => {
      over ??= `it ended with code ${code}`;
      resolve();
    });
  });
  return {
    ready: new Promise<void>((resolve, reject) => {
      worker.once('message', () => {
        // A session that nobody closes must not keep the process alive.
        worker.unref();
        resolve();
      });
      worker.on('error', (error: unknown) => {
        over = messageOf(error);
        reject(new WorkerError(`a thread did not start: ${over}`));
      });
      exit.then(() => reject(new WorkerError(`a thread did not start: ${over}`)));
    }),
    lost: (ask) => over ?? (ask && !isOpen() ? 'it was ended from outside' : undefined),
    ended() {
      worker.ref();
      return exit;
    },
    stop: () => void worker.terminate(),
  };
}

/**
 * A way to ask whether a worker still is there that needs no turn of the event loop, which a thread that waits in a
 * module does not get: the other end of a channel lies, never read, in the worker's post, and is closed with it. Node
 * says so by what posting gives back; other engines give nothing, and then there is no telling.
 */
function lineTo(worker: Threads.Worker, receive: Receive): () => boolean {
  const { port1, port2 } = new MessageChannel() as unknown as Threads.MessageChannel;
  worker.postMessage(port2, [port2]);
  port1.unref();
  const posts = () => (port1.postMessage(0) as unknown) === true;
  if (!posts()) return () => true;
  return () => {
    // Reading is what makes a port notice that the other one is closed.
    receive(port1);
    return posts();
  };
}

/** A thread of a session as a page's worker, which is told `start` and says `ready`, and something else when it has ended. */
export function pageHelper(worker: Worker, start: Parameters<Spawn>[0]): Helper {
  let over: string | undefined;
  let end: () => void;
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const ready = new Promise<void>((resolve, reject) => {
    worker.onmessage = ({ data }) => (data === 'ready' ? resolve() : end());
    worker.onerror = ({ message }) => {
      over = message || 'its script cannot be loaded or run';
      reject(
        new WorkerError(
          `a thread did not start: ${over}; does the page's content security policy allow worker-src 'self'?`,
        ),
      );
    };
  });
  worker.postMessage(start);
  return {
    ready,
    lost: () => over,
    async ended() {
      await ended;
      worker.terminate();
    },
    stop: () => worker.terminate(),
  };
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
