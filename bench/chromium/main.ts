// Gives the benchmark a function to call from outside, which a worker answers.
import type { MeasureOptions } from './measure.js';

declare global {
  var measure: (call: 'start' | 'take', options: MeasureOptions) => Promise<number>;
}

const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });

globalThis.measure = (call, options) =>
  new Promise((resolve, reject) => {
    worker.onmessage = ({ data: { value, error } }) => (error ? reject(new Error(error)) : resolve(value));
    worker.onerror = ({ message }) => reject(new Error(message));
    worker.postMessage({ call, options });
  });
