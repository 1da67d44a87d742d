import { receiveMessageOnPort, Worker } from 'node:worker_threads';
import { type CompiledModule, compileProgram } from '../../src/emit/compile.js';
import { CompiledEngine } from '../../src/run/engine.js';
import { nodeHelper } from '../../src/run/helper.js';
import type { Helper, Spawn } from '../../src/run/module.js';
import { moduleCache, readLibrary } from '../../src/run/node.js';
import { initialValues } from '../../src/train/initial.js';
import { Session } from '../../src/train/session.js';
import { line, points } from '../train/small.js';

// Sessions of which the last thread does what a test wants.

/** Workers by what goes wrong with them, as the source that they run. */
export const FAULTS = {
  exits: 'process.exit(3)',
  throws: 'throw new Error("no luck")',
  'never answers': 'setInterval(() => {}, 1000)',
  'never yields': 'for (;;);',
  'does not parse': 'for (',
  // Not before the session has started, on a machine that has much else to do.
  'exits once it is ready': 'parentPort.postMessage("ready"); setTimeout(() => process.exit(0), 500)',
  'throws once it is ready':
    'parentPort.postMessage("ready"); setTimeout(() => { throw new Error("late") }, 500)',
  'does nothing once it is ready': 'parentPort.postMessage("ready"); for (;;);',
} as const;

export type Fault = keyof typeof FAULTS;

let compiled: Promise<CompiledModule> | undefined;
const step = line();

export interface Faulty {
  session: Session;
  workers: Worker[];
}

/** A session of three threads; all are real but the last, which has a fault if one is given. */
export async function start(fault?: Fault | URL, workers: Worker[] = []): Promise<Faulty> {
  compiled ??= readLibrary().then((library) =>
    compileProgram(step.program, { library, cache: moduleCache() }),
  );
  const { wasm, layout } = await compiled;
  const spawn: Spawn = (start): Helper => {
    const worker = workerOf(start.index === 2 ? fault : undefined, start);
    workers.push(worker);
    return nodeHelper(worker, receiveMessageOnPort);
  };
  const engine = await CompiledEngine.start({
    ...{ wasm, layout, shared: true, threads: 3, seed: 7, spawn },
    initial: initialValues(step.program.variables, 7),
  });
  const session = new Session(step.description, engine);
  session.data(points);
  return { session, workers };
}

function workerOf(fault: Fault | URL | undefined, workerData: unknown): Worker {
  if (fault instanceof URL) return new Worker(fault, { workerData });
  if (!fault) return new Worker(new URL('../../src/run/node-worker.js', import.meta.url), { workerData });
  return new Worker(`const { parentPort } = require('node:worker_threads'); ${FAULTS[fault]}`, {
    ...{ eval: true, workerData, stderr: true },
  });
}
