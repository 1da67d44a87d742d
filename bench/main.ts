import { cpus } from 'node:os';
import { setFlagsFromString } from 'node:v8';
import { makeCeiling } from './ceiling.js';
import { parseOptions } from './options.js';
import { type Entrant, enter, type OwnEngine } from './ours.js';
import { type Ceilings, ceilingGflops, makeRow, type Report, type Row } from './results.js';
import { median, race, type Timing } from './rounds.js';
import { footer, group, header } from './table.js';
import type { Workload } from './workloads.js';

// The compiled step against the tape and others: steps per second in turns on one machine, medians over the rounds.

const options = parseOptions(process.argv.slice(2));
const timing: Timing = options.quick
  ? { rounds: options.rounds, sampleMs: 100, budgetMs: 1000, leastRounds: 1 }
  : { rounds: options.rounds, sampleMs: 150, budgetMs: 6000, leastRounds: Math.min(3, options.rounds) };
const CEILING_MS = 40;

const progress = (text: string): void => {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
};

// Node.js 20 has relaxed SIMD behind a flag, which counts for what is compiled after it is set.
if (process.versions.node.startsWith('20.')) setFlagsFromString('--experimental-wasm-relaxed-simd');

progress('ceiling');
const strict = await makeCeiling(false, CEILING_MS);
const ceilings: Ceilings = { strict: strict!, relaxed: await makeCeiling(true, CEILING_MS) };
const seen = { strict: [] as number[], relaxed: [] as number[] };

const results: Row[] = [];
console.log(header());
for (const [i, workload] of options.workloads.entries()) {
  const label = `${workload.name}, ${i + 1} of ${options.workloads.length}`;
  if (!process.stderr.isTTY) process.stderr.write(`${label}\n`);
  const rows = await measure(workload, (text) => progress(`${label}: ${text}`));
  progress('');
  console.log(`${i > 0 ? '\n' : ''}${group(rows)}`);
  results.push(...rows);
}
const report: Report = {
  ceiling_gflops: {
    strict: median(seen.strict),
    relaxed: ceilings.relaxed && median(seen.relaxed),
  },
  results,
  peers: {},
  node: process.versions.node,
  cpu: cpus()[0].model,
  cores: options.threads,
  quick: options.quick,
};
console.log(`\n${footer(report, options.workloads)}`);
if (options.json) console.log(JSON.stringify(report));

async function measure(workload: Workload, say: (text: string) => void): Promise<Row[]> {
  say('compiling');
  const engines: OwnEngine[] = [
    ...(options.bare ? [] : (['tape'] as const)),
    'compiled',
    ...(ceilings.relaxed ? (['compiled-relaxed'] as const) : []),
  ];
  const { entrants, flops } = await enter(workload, { engines, threads: options.bare ? 1 : options.threads });
  const samples = await race(
    [ceilings.strict, ...(ceilings.relaxed ? [ceilings.relaxed] : []), ...entrants],
    timing,
    say,
  );
  for (const entrant of entrants) await entrant.close();
  const strict = ceilingGflops(ceilings.strict, samples.shift()!);
  const relaxed = ceilings.relaxed ? ceilingGflops(ceilings.relaxed, samples.shift()!) : [];
  seen.strict.push(...strict);
  seen.relaxed.push(...relaxed);
  const ceilingOf = ({ engine }: Entrant) => median(engine === 'compiled-relaxed' ? relaxed : strict);
  return entrants.map((entrant, i) => makeRow(workload.name, entrant, samples[i], flops, ceilingOf(entrant)));
}
