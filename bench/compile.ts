import { Command, InvalidArgumentError } from 'commander';
import { type Library, runAsc } from '../src/emit/asc.js';
import { emitModule } from '../src/emit/module.js';
import type { Graph } from '../src/graph/graph.js';
import { guardIndices } from '../src/optimize/guard-indices.js';
import { optimize } from '../src/optimize/index.js';
import { planMemory } from '../src/plan/plan.js';
import { readLibrary } from '../src/run/node.js';
import { scheduleAll } from '../src/schedule/schedule.js';
import { type Deep, deepModels } from './deep.js';
import { bytes } from './table.js';

// What compiling deep models costs, stage by stage: how the time of each stage grows with the number of layers.

const NOTES = `
Milliseconds of one compilation without a cache, in a process that has compiled a small model before (the compiler is
warm); train and evaluate together. MODEL is mlp-LAYERS (64 wide, batches of 32, SGD) or rnn-STEPS (a cell
tanh(x W + h U + b) of 64, unrolled) or gru-STEPS (a GRU of 64, a scan). --parts adds how the stages optimize and schedule share theirs.`;

/** Milliseconds of each stage, and of the parts of those that tell. */
interface Times {
  readonly stages: Record<string, number>;
  readonly parts: Record<string, Record<string, number>>;
}

const wall = () => performance.now();
/** Milliseconds that this process has had a core, garbage collection included. */
const cpu = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

/** Adds up what goes by between calls of `tell`. */
class Stopwatch {
  readonly times: Record<string, number> = {};
  private part: string | null = null;
  private since = 0;

  constructor(private readonly clock: () => number) {}

  readonly tell = (part: string | null): void => {
    const now = this.clock();
    if (this.part !== null) this.times[this.part] = (this.times[this.part] ?? 0) + now - this.since;
    [this.part, this.since] = [part, now];
  };
}

async function measure({ trace }: Deep, library: Library, asc: boolean, clock: () => number) {
  const stages = new Stopwatch(clock);
  const passes = new Stopwatch(clock);
  const parts = new Stopwatch(clock);
  const map = <A, B>(record: Readonly<Record<string, A>>, f: (value: A) => B) =>
    Object.fromEntries(Object.entries(record).map(([entry, value]) => [entry, f(value)]));

  stages.tell('trace');
  const { name, variables, entries } = trace();
  stages.tell('optimize');
  const guarded = map(entries, guardIndices);
  const graphs = map(guarded, ({ graph }: { graph: Graph }) => {
    const optimized = optimize(graph, {}, passes.tell);
    passes.tell(null);
    return optimized;
  });
  stages.tell('schedule');
  const schedules = scheduleAll(graphs, {}, parts.tell);
  parts.tell(null);
  stages.tell('plan');
  const plan = planMemory(
    schedules,
    variables,
    map(guarded, (entry) => entry.guards),
  );
  stages.tell('emit');
  const source = emitModule(name, schedules, plan);
  stages.tell('asc');
  const wasm = asc ? await runAsc(source.text, library, { shared: true, relaxed: false, level: 3 }) : null;
  stages.tell(null);
  const times: Times = { stages: stages.times, parts: { optimize: passes.times, schedule: parts.times } };
  const kernels = Object.values(schedules).reduce((n, s) => n + s.kernels.length, 0);
  const functions = source.text.match(/^(?:export )?function /gm)?.length ?? 0;
  const nodes = Object.values(entries).reduce((n, graph) => n + graph.nodes.length, 0);
  const peak = Math.max(...Object.values(plan.entries).map((entry) => entry.peak));
  return {
    nodes,
    kernels,
    functions,
    source: source.text.length,
    wasm: wasm?.length ?? null,
    peak,
    ...times,
  };
}

function models(text: string): Deep[] {
  try {
    return deepModels(text.split(','));
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
}

const ALL = [
  'mlp-10',
  'mlp-50',
  'mlp-100',
  'mlp-200',
  'rnn-16',
  'rnn-64',
  'rnn-128',
  'gru-16',
  'gru-128',
  'gru-1024',
];
const command = new Command('bench:compile')
  .description('Measures how long compiling deep models takes, stage by stage.')
  .option('--only <models>', `of ${ALL.join(', ')}, or other numbers`, models, deepModels(ALL))
  .option('--parts', 'also the passes of optimize and the parts of schedule', false)
  .option('--no-asc', 'stop before asc')
  .option('--cpu', 'time on a core instead of time on the wall, for a machine that has other work', false)
  .option('--json', 'one JSON object as the last line', false)
  .addHelpText('after', NOTES)
  .parse();
const { only, parts, asc, json, ...times } = command.opts<{
  only: Deep[];
  parts: boolean;
  asc: boolean;
  cpu: boolean;
  json: boolean;
}>();

const clock = times.cpu ? cpu : wall;
const library = await readLibrary();
await measure(deepModels(['mlp-4'])[0], library, asc, clock);
const STAGES = ['trace', 'optimize', 'schedule', 'plan', 'emit', 'asc'];
const COUNTS = ['nodes', 'kernels', 'functions', 'source', 'wasm', 'peak'];
console.log(
  [
    'model'.padEnd(9),
    ...STAGES.map((s) => s.padStart(9)),
    'total ms'.padStart(9),
    ...COUNTS.map((c) => c.padStart(9)),
  ].join(''),
);
const results: Record<string, unknown> = {};
for (const model of only) {
  const found = await measure(model, library, asc, clock);
  results[model.name] = found;
  const { stages, nodes, kernels, functions, source, wasm, peak } = found;
  const total = Object.values(stages).reduce((a, b) => a + b, 0);
  const cells = [
    ...STAGES.map((stage) => stages[stage].toFixed(0)),
    total.toFixed(0),
    ...[nodes, kernels, functions].map(String),
    bytes(source),
    wasm === null ? '' : bytes(wasm),
    bytes(peak),
  ];
  console.log(model.name.padEnd(9) + cells.map((cell) => cell.padStart(9)).join(''));
  if (!parts) continue;
  for (const [stage, times] of Object.entries(found.parts)) {
    const list = Object.entries(times).sort(([, a], [, b]) => b - a);
    console.log(`  ${stage}: ${list.map(([part, ms]) => `${part} ${ms.toFixed(0)}`).join(', ')}`);
  }
}
if (json) console.log(JSON.stringify(results));
