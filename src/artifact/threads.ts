import type * as Threads from 'node:worker_threads';
import { builtin, IN_NODE } from '../host.js';
import { nodeHelper, pageHelper } from '../run/helper.js';
import type { Spawn } from '../run/module.js';
import { work } from '../run/work.js';

/** Tells a worker that it is a thread of a model, and nothing else. */
const MARK = '2headgrad-thread';

/** How threads are started where this runs: from the module at `url`; in a page by `create`, which names it MARK. */
export async function spawner(url: () => URL, create: () => Worker): Promise<Spawn> {
  if (!IN_NODE) return (start) => pageHelper(create(), start);
  const { Worker, receiveMessageOnPort } = await builtin<typeof Threads>('worker_threads');
  return (start) => {
    // What the process was started with may not suit a worker: `--input-type`, loaders of sources.
    const options = { name: MARK, execArgv: [], workerData: { mark: MARK, start } };
    return nodeHelper(new Worker(url(), options), receiveMessageOnPort);
  };
}

/** In a worker that `spawner` made: does the thread's part until the session ends. Elsewhere it does nothing. */
export function serveThread(): void {
  if (IN_NODE) {
    const threads: typeof Threads | undefined = globalThis.process.getBuiltinModule?.('worker_threads');
    if (threads) answerNode(threads);
    // Node before 20.16.
    else builtin<typeof Threads>('worker_threads').then(answerNode);
  } else if ('WorkerGlobalScope' in globalThis && self.name === MARK) {
    addEventListener(
      'message',
      ({ data }) => {
        work(data, postMessage);
        postMessage('ended');
      },
      { once: true },
    );
  }
}

function answerNode({ isMainThread, parentPort, workerData }: typeof Threads): void {
  if (isMainThread || workerData?.mark !== MARK) return;
  work(workerData.start, (text) => parentPort?.postMessage(text));
  // Bundled, this is the head of somebody's program, which must not run in its threads.
  globalThis.process.exit();
}
