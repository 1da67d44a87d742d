// A thread of Node that runs asc, which keeps its thread busy for seconds: see ascApart in node.ts.
import { parentPort, workerData } from 'node:worker_threads';
import { runAsc } from '../emit/asc.js';

const { source, library, options } = workerData;
const answer = await runAsc(source, library, options).then(
  (wasm) => ({ wasm }),
  ({ message }) => ({ message }),
);
parentPort?.postMessage(answer);
