import { spawnSync } from 'node:child_process';
import { parseArgs } from 'node:util';
import { makeHosts, whyNoHosts } from '../scripts/namespaces.mjs';
import { buildGolden } from './golden/model.js';
import { measureParts, type Parts } from './hosts/parts.js';
import { type Network, predict } from './hosts/predict.js';
import type { Told } from './hosts/trainee.js';
import { enter } from './ours.js';
import { isBare, select, type Workload } from './workloads.js';

// How many steps a second a training would take on 1 to 64 hosts: a model, of parts that are measured here (docs/guide/distributed.md
// has the formula). With --check the parts of two processes on two hosts, which are network namespaces with a cable of 1 Gb/s between
// them, are put together in the same way, beside what these two processes take.

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: 'W2,W3,W4,W6' },
    seconds: { type: 'string', default: '2' },
    latency: { type: 'string', default: '0.1' },
    check: { type: 'boolean', default: false },
  },
});
const NAMES: Readonly<Record<string, string>> = { W2: 'names', W3: 'W3', W4: 'W4', W6: 'GPT' };
const HOSTS = [1, 2, 4, 8, 16, 32, 64];
const GBITS = [1, 10];
const seconds = Number(values.seconds);
const latency = Number(values.latency);

const workloads = select(values.only.split(','));
if (values.check) for (const workload of workloads) check(workload, await partsOf(workload, 2));
else {
  console.log(
    `A model of steps/s, of parts measured here: one thread and one shard a host, ${latency} ms a message.\n`,
  );
  console.log(row('', 'Gb/s', HOSTS.map(String), 'sent in a round'));
  for (const workload of workloads) await table(workload);
}

async function table(workload: Workload): Promise<void> {
  const alone = await stepsAlone(workload);
  const parts = new Map<number, Parts>();
  for (const hosts of HOSTS.slice(1))
    if (batchOf(workload) % hosts === 0) parts.set(hosts, await partsOf(workload, hosts));
  const sent = listBytes(parts.get(2)!);
  for (const gbits of GBITS) {
    const cells = HOSTS.map((hosts) => {
      if (hosts === 1) return significant(alone);
      const known = parts.get(hosts);
      return known ? significant(1000 / predict(known, hosts, { gbits, latency })) : '';
    });
    console.log(row(labelOf(workload), String(gbits), cells, `${(sent / 1000).toFixed(0)} kB`));
  }
}

function check(workload: Workload, parts: Parts): void {
  const why = whyNoHosts();
  if (why !== null) throw new Error(why);
  // A signal ends what runs on the hosts; they are taken down all the same.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => {});
  const hosts = makeHosts({ rate: '1gbit' });
  try {
    const trainee = ['--import', 'tsx', 'bench/hosts/trainee.ts', workload.name, values.seconds];
    const { command, args } = hosts.mpirun(1, [process.execPath, ...trainee]);
    const root = { OMPI_ALLOW_RUN_AS_ROOT: '1', OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1' };
    const { stdout, stderr } = spawnSync(command, args, {
      encoding: 'utf8',
      env: { ...process.env, ...root },
    });
    if (!stdout.includes('{')) throw new Error(stderr);
    const told: Told = JSON.parse(stdout);
    const network: Network = { gbits: 1, latency: told.latency };
    const predicted = 1000 / predict(parts, 2, network);
    console.log(
      `${labelOf(workload)}: two processes over 1 Gb/s, predicted ${significant(predicted)} steps/s, measured ${significant(told.stepsPerSecond)}; ${(told.sent / 1000).toFixed(0)} kB a step, ${told.latency.toFixed(3)} ms a message`,
    );
  } finally {
    hosts.close();
  }
}

function partsOf({ name, config }: Workload, shards: number): Promise<Parts> {
  if (isBare(config)) throw new RangeError(`${name} trains nothing`);
  return measureParts(buildGolden(config), shards, seconds);
}

/** Steps a second of the whole step on one thread. */
async function stepsAlone(workload: Workload): Promise<number> {
  const { entrants } = await enter(workload, { engines: ['compiled'], threads: 1, compiles: 1, without: [] });
  const [entrant] = entrants;
  const warm = await entrant.take(3);
  const steps = Math.max(3, Math.ceil((3 * 1000 * seconds) / warm));
  const ms = await entrant.take(steps);
  await entrant.close();
  return (1000 * steps) / ms;
}

function batchOf({ name, config }: Workload): number {
  if (isBare(config)) throw new RangeError(`${name} trains nothing`);
  return config.batch;
}

function listBytes({ pieces, rowBytes }: Parts): number {
  return pieces.reduce((sum, { bytes }) => sum + bytes, rowBytes);
}

function labelOf({ name }: Workload): string {
  return NAMES[name] ?? name;
}

function row(label: string, gbits: string, cells: readonly string[], sent: string): string {
  return [label.padEnd(6), gbits.padStart(5), ...cells.map((cell) => cell.padStart(8)), `  ${sent}`].join(
    ' ',
  );
}

function significant(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}
