import { writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { setFlagsFromString } from 'node:v8';
import { median, race, type Timing } from '../src/cli/rounds.js';
import { makeCeiling } from './ceiling.js';
import type { Entrant, OwnEngine } from './entrant.js';
import { parseOptions } from './options.js';
import { enter, warmUpCompiler } from './ours.js';
import { enterPeer, findPeers, type Peer } from './peers.js';
import { type Ceilings, ceilingGflops, makeRow, type PeerState, type Report, type Row } from './results.js';
import { footer, shares, Table } from './table.js';
import type { Workload } from './workloads.js';

// The compiled step against the tape and others: steps per second in turns on one machine, medians over the rounds.

const options = parseOptions(process.argv.slice(2));
const timing: Timing = options.quick
  ? { rounds: options.rounds, sampleMs: 100, budgetMs: 1000, leastRounds: 1 }
  : { rounds: options.rounds, sampleMs: 150, budgetMs: 6000, leastRounds: Math.min(3, options.rounds) };

const progress = (text: string): void => {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
};

// Node.js 20 has relaxed SIMD behind a flag, which counts for what is compiled after it is set.
if (process.versions.node.startsWith('20.')) setFlagsFromString('--experimental-wasm-relaxed-simd');

if (options.callgraph) {
  const { callgraph } = await import('./callgraph.js');
  const milliseconds = options.quick ? 500 : 2000;
  for (const workload of options.workloads)
    console.log((await callgraph(workload, { threads: 1, milliseconds })).join('\n'));
  process.exit(0);
}

const peerStates: Record<string, PeerState> = {};
const peers: Peer[] = [];
for (const found of options.peers ? await findPeers() : []) {
  if ('missing' in found) peerStates[found.engine] = { missing: found.missing };
  else {
    peerStates[found.engine] = { version: found.version };
    peers.push(found);
  }
}

progress('ceiling');
const strict = await makeCeiling(false);
const ceilings: Ceilings = { strict: strict!, relaxed: await makeCeiling(true) };
const seen = { strict: [] as number[], relaxed: [] as number[] };
const engines: OwnEngine[] = [
  ...(options.bare ? [] : (['tape'] as const)),
  'compiled',
  ...(options.without.length ? (['compiled-without'] as const) : []),
  ...(options.wide ? (['compiled-wide'] as const) : []),
  ...(ceilings.relaxed ? (['compiled-relaxed'] as const) : []),
];

progress('warming up the compiler');
await warmUpCompiler();
const results: Row[] = [];
progress('');
const table = new Table(options.workloads);
console.log(table.header());
for (const [i, workload] of options.workloads.entries()) {
  const label = `${workload.name}, ${i + 1} of ${options.workloads.length}`;
  if (!process.stderr.isTTY) process.stderr.write(`${label}\n`);
  const rows = await measure(workload, (text) => progress(`${label}: ${text}`));
  progress('');
  console.log(`${i > 0 ? '\n' : ''}${table.group(rows)}`);
  results.push(...rows);
}
const report: Report = {
  ceiling_gflops: { strict: median(seen.strict), relaxed: ceilings.relaxed && median(seen.relaxed) },
  results,
  peers: peerStates,
  node: process.versions.node,
  cpu: cpus()[0].model,
  threads: options.threads,
  quick: options.quick,
  without: options.without,
};
const pivot = shares(results, options.workloads);
if (pivot.length) console.log(`\n${pivot.join('\n')}`);
console.log(`\n${footer(report, options.workloads)}`);
if (!options.bare && options.threads === 1) console.log('Our engines ran on one thread only.');
if (options.html) {
  const { page } = await import('./page.js');
  await writeFile(options.html, page(report, options.workloads));
  console.log(`The charts are in ${options.html}.`);
}
if (options.json) console.log(JSON.stringify(report));

async function measure(workload: Workload, say: (text: string) => void): Promise<Row[]> {
  say('compiling');
  const threads = options.bare ? 1 : options.threads;
  const compiles = options.quick ? 1 : 3;
  const ours = await enter(workload, { engines, threads, compiles, without: options.without });
  const others = await enterPeers(workload, say);
  const entrants: Entrant[] = [...ours.entrants, ...others];
  const pace = [ceilings.strict, ...(ceilings.relaxed ? [ceilings.relaxed] : [])];
  const raced = await race([...pace, ...entrants], timing, say);
  const strict = ceilingGflops(ceilings.strict, raced.shift()!.samples);
  const relaxed = ceilings.relaxed ? ceilingGflops(ceilings.relaxed, raced.shift()!.samples) : [];
  seen.strict.push(...strict);
  seen.relaxed.push(...relaxed);
  const ceilingOf = ({ engine }: Entrant): number | null => {
    // The ceiling is one of vectors of 128 bits.
    if (!(engines as string[]).includes(engine) || engine === 'compiled-wide') return null;
    return median(engine === 'compiled-relaxed' ? relaxed : strict);
  };
  const rows: Row[] = [];
  for (const [i, entrant] of entrants.entries()) {
    const { samples, failure } = raced[i];
    if (!failure) rows.push(makeRow(workload.name, entrant, samples, ours.flops, ceilingOf(entrant)));
    else if (entrant.engine in peerStates) noteFailure(entrant.engine, workload, failure);
    else throw failure;
    await entrant.close();
  }
  return rows;
}

async function enterPeers(workload: Workload, say: (text: string) => void): Promise<Entrant[]> {
  const entrants: Entrant[] = [];
  for (const peer of peers.filter(({ models }) => models.includes(workload.config.model))) {
    say(`starting ${peer.engine}`);
    try {
      entrants.push(await enterPeer(peer, workload));
    } catch (error) {
      noteFailure(peer.engine, workload, error as Error);
    }
  }
  return entrants;
}

function noteFailure(engine: string, { name }: Workload, { message }: Error): void {
  peerStates[engine].failed = { ...peerStates[engine].failed, [name]: message };
}
