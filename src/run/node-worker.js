// A thread of a compiled session. Plain JavaScript, so that it starts as it is from source and from a build.
import { parentPort, workerData } from 'node:worker_threads';
import { work } from './work.js';

work(workerData, (text) => parentPort?.postMessage(text));
