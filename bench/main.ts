import { Command, InvalidArgumentError } from 'commander';
import type { Session } from '../src/index.js';
import { buildGolden } from './golden/model.js';
import { type GoldenConfig, workloads } from './workloads.js';

// The compiled step against the tape: steps per second in turns on one machine, medians over the rounds.

interface Row {
  workload: string;
  engine: 'tape' | 'compiled' | 'compiled-relaxed';
  threads: number;
  steps_per_second: number;
  /** Half the distance between the quartiles over the median. */
  spread: number;
  compile_ms: number;
}

const whole = (text: string): number => {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('expected a whole number from 1');
  return value;
};

const options = new Command('bench')
  .description('Measures training steps per second, the compiled engine and the tape in turns.')
  .option('--only <names>', `workloads, of ${Object.keys(workloads).join(', ')}`, (text) => text.split(','))
  .option('--rounds <n>', 'turns of each engine', whole, 9)
  .option('--threads <n>', 'also measure with so many threads', whole, 2)
  .option('--quick', 'three short rounds')
  .option('--json', 'one JSON object as the last line')
  .parse()
  .opts<{ only?: string[]; rounds: number; threads: number; quick?: boolean; json?: boolean }>();

const unknown = options.only?.find((name) => !(name in workloads));
if (unknown) {
  console.error(`bench: there is no workload ${unknown}: there are ${Object.keys(workloads).join(', ')}`);
  process.exit(2);
}

const results: Row[] = [];
for (const [name, config] of Object.entries(workloads)) {
  if (options.only && !options.only.includes(name)) continue;
  const rows = await measure(name, config);
  results.push(...rows);
  const [tape] = rows;
  for (const row of rows) {
    const speed = row.steps_per_second.toLocaleString('en', { maximumSignificantDigits: 4 });
    const ratio = (row.steps_per_second / tape.steps_per_second).toFixed(1);
    const threads = `${row.threads} thread${row.threads > 1 ? 's' : ''}`;
    console.log(
      `${name.padEnd(14)} ${row.engine.padEnd(17)} ${threads.padEnd(10)} ${speed.padStart(9)} steps/s  +-${(100 * row.spread).toFixed(0).padStart(2)} %  ${ratio.padStart(5)}x the tape`,
    );
  }
}
if (options.json) console.log(JSON.stringify({ results }));

async function measure(workload: string, config: GoldenConfig): Promise<Row[]> {
  const { step, batch } = buildGolden(config);
  const contestants = [{ engine: 'tape' as const, session: step.interpret(), threads: 1, compileMs: 0 }].map(
    (c) => c as { engine: Row['engine']; session: Session; threads: number; compileMs: number },
  );
  for (const threads of new Set([1, options.threads])) {
    const session = await step.compile({ threads, cache: false });
    contestants.push({ engine: 'compiled', session, threads, compileMs: session.module!.compileMs });
  }
  if (!process.versions.node.startsWith('20.')) {
    const session = await step.compile({ relaxed: true, cache: false });
    contestants.push({
      engine: 'compiled-relaxed',
      session,
      threads: 1,
      compileMs: session.module!.compileMs,
    });
  }
  const { x, y } = batch(0);
  const rounds = options.quick ? 3 : options.rounds;
  const speeds = contestants.map(() => [] as number[]);
  for (const { session } of contestants) session.data({ x, y });
  for (let round = -1; round < rounds; round++) {
    for (const [i, { session }] of contestants.entries()) {
      const speed = await timeSteps(session, options.quick ? 150 : 400);
      // The first round warms up.
      if (round >= 0) speeds[i].push(speed);
    }
  }
  for (const { session } of contestants) await session.close();
  return contestants.map(({ engine, threads, compileMs }, i) => {
    const sorted = speeds[i].sort((a, b) => a - b);
    const at = (q: number) => sorted[Math.round(q * (sorted.length - 1))];
    return {
      workload,
      engine,
      threads,
      steps_per_second: at(0.5),
      spread: (at(0.75) - at(0.25)) / 2 / at(0.5),
      compile_ms: compileMs,
    };
  });
}

/** Steps per second over about so many milliseconds. */
async function timeSteps(session: Session, milliseconds: number): Promise<number> {
  const began = performance.now();
  let steps = 0;
  for (let n = 1; performance.now() - began < milliseconds; n = Math.min(2048, 2 * n)) {
    for await (const _ of session.run({ steps: n, lr: 0.001, every: n }));
    steps += n;
  }
  return (steps * 1000) / (performance.now() - began);
}
