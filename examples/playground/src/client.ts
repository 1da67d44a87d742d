import type { Call, Calls, FinderReport, Progress, Reply, Trouble } from './protocol.js';

/** An error of the user's model or data, told by a worker. */
export class WorkerError extends Error {
  constructor(readonly trouble: Trouble) {
    super(trouble.message);
  }
}

export interface Listeners {
  progress?(progress: Progress): void;
  finder?(report: FinderReport): void;
  stopped?(trouble: Trouble): void;
}

/** A worker of the playground as functions that one can wait for. */
export class Client {
  private readonly worker = new Worker(new URL('./worker/main.ts', import.meta.url), { type: 'module' });
  private readonly waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  private calls = 0;

  constructor(private readonly listeners: Listeners = {}) {
    this.worker.onmessage = ({ data }: MessageEvent<Reply>) => this.take(data);
    this.worker.onerror = ({ message }) => this.failAll(message || 'the worker could not be loaded');
  }

  call<K extends Call>(call: K, input?: Parameters<Calls[K]>[0]): Promise<ReturnType<Calls[K]>> {
    const id = ++this.calls;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve: resolve as (value: unknown) => void, reject });
      this.worker.postMessage({ id, call, input });
    });
  }

  /** Ends the worker, whatever it does. */
  end(): void {
    this.worker.terminate();
    this.failAll('it was stopped');
  }

  private take(reply: Reply): void {
    if ('event' in reply) {
      if (reply.event === 'progress') this.listeners.progress?.(reply.progress);
      else if (reply.event === 'finder') this.listeners.finder?.(reply.report);
      else this.listeners.stopped?.(reply.trouble);
      return;
    }
    const waiting = this.waiting.get(reply.id);
    this.waiting.delete(reply.id);
    if ('trouble' in reply) waiting?.reject(new WorkerError(reply.trouble));
    else waiting?.resolve(reply.value);
  }

  private failAll(message: string): void {
    for (const { reject } of this.waiting.values()) reject(new WorkerError({ message }));
    this.waiting.clear();
  }
}
