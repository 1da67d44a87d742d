// Gives tests two functions to call from outside: scenarios here on the main thread, and in a worker.
import { type Scenarios, scenarios } from './scenarios.js';

type Run = (name: keyof Scenarios, options?: unknown) => Promise<unknown>;

declare global {
  var onMainThread: Run;
  var inWorker: Run;
  var endWorker: () => void;
}

const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
let calls = 0;

worker.onmessage = ({ data: { id, value, error } }) => {
  if (error) waiting.get(id)?.reject(new Error(error));
  else waiting.get(id)?.resolve(value);
  waiting.delete(id);
};
globalThis.inWorker = (name, options) =>
  new Promise((resolve, reject) => {
    waiting.set(++calls, { resolve, reject });
    worker.postMessage({ id: calls, name, options });
  });
globalThis.endWorker = () => worker.terminate();
globalThis.onMainThread = (name, options) =>
  (scenarios[name] as (options: unknown) => Promise<unknown>)(options);
document.title = 'ready';
