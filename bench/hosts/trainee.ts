import { mpi } from '../../src/distributed/index.js';
import { atOnce } from '../../src/distributed/transport.js';
import { buildGolden } from '../golden/model.js';
import { measuredRate } from '../ours.js';
import { isBare, select } from '../workloads.js';

// One of two processes of a check: trains a workload for some seconds, and the first tells how it went.
//
//   mpirun -n 2 node --import tsx bench/hosts/trainee.ts W3 10

/** What the first process prints, as JSON. */
export interface Told {
  readonly stepsPerSecond: number;
  /** Milliseconds in which two processes give each other a few bytes. */
  readonly latency: number;
  readonly sent: number;
}

const [name, seconds] = process.argv.slice(2);
const [{ config }] = select([name]);
if (isBare(config)) throw new RangeError(`${name} trains nothing`);
const run = buildGolden(config);
const peers = await mpi();
const few = [new Uint8Array(8), new Uint8Array(8)] as const;
const trips: number[] = [];
for (let i = 0; i < 200; i++) {
  const began = performance.now();
  atOnce(peers.exchange(1 - peers.rank, few[0], few[1]));
  trips.push(performance.now() - began);
}
trips.sort((a, b) => a - b);
const session = await run.step.compile({ shards: peers.size, distributed: peers });
session.data(run.batch(0));
const lr = measuredRate(run.learningRate);
const take = (steps: number) => session.run({ steps, lr, every: steps });
await take(20);
// The first process says how many steps that is, so that all take as many.
const began = performance.now();
await take(20);
const steps = new Float64Array([Math.ceil((20 * 1000 * Number(seconds)) / (performance.now() - began))]);
atOnce(peers.rank === 0 ? peers.exchange(1, bytesOf(steps), null) : peers.exchange(0, null, bytesOf(steps)));
const [sent, start] = [peers.sent, performance.now()];
await take(steps[0]);
const told: Told = {
  stepsPerSecond: (1000 * steps[0]) / (performance.now() - start),
  latency: trips[trips.length / 2],
  sent: (peers.sent - sent) / steps[0],
};
if (peers.rank === 0) console.log(JSON.stringify(told));
await session.close();
peers.close();

function bytesOf({ buffer }: Float64Array): Uint8Array {
  return new Uint8Array(buffer);
}
