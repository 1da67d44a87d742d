import { spawnSync } from 'node:child_process';
import { Command } from 'commander';
import { makeHosts, whyNoHosts } from '../scripts/namespaces.mjs';
import { GradError } from '../src/errors.js';
import type { Session } from '../src/index.js';
import { buildGolden, writeInitial } from './golden/model.js';
import { measureParts, type Parts } from './hosts/parts.js';
import { predict } from './hosts/predict.js';
import type { Told } from './hosts/trainee.js';
import { amount } from './numbers.js';
import { measuredRate } from './ours.js';
import { isBare, select, type Workload } from './workloads.js';

// How many steps a second a training would take on 1 to 64 hosts: a model, of parts that are measured here (docs/guide/distributed.md
// has the formula). With --check it is put beside what two processes take on two hosts, which are network namespaces with a cable of
// 1 Gb/s between them; with --here it is measured what two processes take on this machine, beside one with one and with two threads.

const program = new Command('bench:hosts')
  .description(
    'How many steps a second a training takes on 1 to 64 hosts: a model, of parts that are measured.',
  )
  .option('--only <names>', 'workloads', 'W2,W3,W4,W6')
  .option('--seconds <x>', 'of each measurement', amount, 2)
  .option('--latency <ms>', 'of a message', amount, 0.1)
  .option('--check', 'beside it what two processes take on two hosts, which are namespaces', false)
  .option('--here', 'what two processes take on this machine, in place of it', false)
  .parse();
const values = program.opts<{
  only: string;
  seconds: number;
  latency: number;
  check: boolean;
  here: boolean;
}>();
const NAMES: Readonly<Record<string, string>> = { W2: 'names', W3: 'W3', W4: 'W4', W6: 'GPT' };
const HOSTS = [1, 2, 4, 8, 16, 32, 64];
const GBITS = [1, 10];
const { seconds, latency } = values;

const workloads = chosen(values.only);
if (values.check) for (const workload of workloads) check(workload, await partsOf(workload, 2));
else if (values.here) for (const workload of workloads) await here(workload);
else {
  console.log(
    `A model of steps/s, of parts measured here: one thread and one shard a host, ${latency} ms a message.\n`,
  );
  console.log(row('', 'Gb/s', HOSTS.map(String), 'sent in a round'));
  for (const workload of workloads) await table(workload);
}

function chosen(only: string): Workload[] {
  try {
    const found = select(only.split(','));
    const bare = found.find(({ config }) => isBare(config));
    if (bare) program.error(`error: --only: ${bare.name} is a product alone, and nothing that is trained`);
    return found;
  } catch (error) {
    if (error instanceof RangeError) program.error(`error: --only: ${error.message}`);
    throw error;
  }
}

async function table(workload: Workload): Promise<void> {
  const alone = await stepsAlone(workload, {});
  const parts = new Map<number, Parts>();
  for (const hosts of HOSTS.slice(1)) {
    const known = await partsOf(workload, hosts).catch((error) => {
      // The batch has no such shards, or a batch norm would see one row.
      if (error instanceof GradError) return null;
      throw error;
    });
    if (known) parts.set(hosts, known);
  }
  const [some] = parts.values();
  const sent = some ? `${(listBytes(some) / 1000).toFixed(0)} kB` : '';
  for (const gbits of GBITS) {
    const cells = HOSTS.map((hosts) => {
      if (hosts === 1) return significant(alone);
      const known = parts.get(hosts);
      return known ? significant(1000 / predict(known, hosts, { gbits, latency })) : '';
    });
    console.log(row(labelOf(workload), String(gbits), cells, sent));
  }
}

function check(workload: Workload, parts: Parts): void {
  const why = whyNoHosts();
  if (why !== null) throw new Error(why);
  // A signal ends what runs on the hosts; they are taken down all the same.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => {});
  const hosts = makeHosts({ rate: '1gbit' });
  try {
    const { command, args } = hosts.mpirun(1, trainee(workload));
    const { stepsPerSecond, sent, latency } = twoProcesses(command, args);
    const predicted = significant(1000 / predict(parts, 2, { gbits: 1, latency }));
    console.log(
      `${labelOf(workload)}: two processes over 1 Gb/s, predicted ${predicted} steps/s, measured ${significant(stepsPerSecond)}; ${(sent / 1000).toFixed(0)} kB a step, ${latency.toFixed(3)} ms a message`,
    );
  } finally {
    hosts.close();
  }
}

async function here(workload: Workload): Promise<void> {
  const steps = [];
  for (const options of [{}, { threads: 2 }, { shards: 2 }]) steps.push(await stepsAlone(workload, options));
  const { stepsPerSecond } = twoProcesses('mpirun', ['-n', '2', ...trainee(workload)]);
  const [one, two, shards, processes] = [...steps, stepsPerSecond].map(significant);
  console.log(
    `${labelOf(workload)}: ${one} steps/s on one thread, ${two} on two, ${shards} in two shards on one; ${processes} on two processes`,
  );
}

function trainee({ name }: Workload): string[] {
  return [process.execPath, '--import', 'tsx', 'bench/hosts/trainee.ts', name, String(seconds)];
}

function twoProcesses(command: string, args: readonly string[]): Told {
  const root = { OMPI_ALLOW_RUN_AS_ROOT: '1', OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1' };
  const { stdout, stderr } = spawnSync(command, args, { encoding: 'utf8', env: { ...process.env, ...root } });
  if (!stdout?.includes('{')) throw new Error(stderr);
  return JSON.parse(stdout);
}

function runOf({ name, config }: Workload) {
  if (isBare(config)) throw new RangeError(`${name} trains nothing`);
  return buildGolden(config);
}

function partsOf(workload: Workload, shards: number): Promise<Parts> {
  return measureParts(runOf(workload), shards, seconds);
}

/** Steps a second of one process. */
async function stepsAlone(
  workload: Workload,
  options: { threads?: number; shards?: number },
): Promise<number> {
  const run = runOf(workload);
  const session: Session = await run.step.compile(options);
  writeInitial(run, session);
  session.data(run.batch(0));
  const lr = measuredRate(run.learningRate);
  const take = async (steps: number) => {
    const began = performance.now();
    await session.run({ steps, lr, every: steps });
    return performance.now() - began;
  };
  await take(20);
  const steps = Math.max(3, Math.ceil((20 * 1000 * seconds) / (await take(20))));
  const ms = await take(steps);
  await session.close();
  return (1000 * steps) / ms;
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
