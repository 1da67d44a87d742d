// Gives the benchmark a function to call from outside, which a worker answers. What the worker tells on the way goes to the
// function `tell`, which the benchmark puts into the page.
import type { Calls } from './calls.js';

declare global {
  var ask: <C extends keyof Calls>(call: C, given: Calls[C]['given']) => Promise<Calls[C]['result']>;
  var tell: ((report: unknown) => void) | undefined;
}

const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });

globalThis.ask = (call, given) =>
  new Promise((resolve, reject) => {
    worker.onmessage = ({ data: { value, error, report } }) => {
      if (report !== undefined) globalThis.tell?.(report);
      else if (error) reject(new Error(error));
      else resolve(value);
    };
    worker.onerror = ({ message }) => reject(new Error(message));
    worker.postMessage({ call, given });
  });
