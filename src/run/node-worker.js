// A thread of a compiled session. Plain JavaScript, so that it starts as it is from source and from a build.
import { parentPort, workerData } from 'node:worker_threads';

const { module, memory, index, count, scratch } = workerData;
const abort = () => {
  throw new Error('the compiled module stopped itself');
};
const { exports } = new WebAssembly.Instance(module, { env: { memory, abort, mark: () => {} } });
const { join, work } = /** @type {import('./engine.js').Exports} */ (/** @type {unknown} */ (exports));
join(index, count, scratch);
parentPort?.postMessage('ready');
work(0);
