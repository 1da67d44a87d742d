import { type Buffer, CONTROL, LOSSES, RATES } from '../plan/layout.js';
import type { EntryPlan, MemoryPlan } from '../plan/plan.js';
import { shownName } from '../printable.js';
import { numel } from '../shape.js';
import { comment } from './code.js';
import type { Imports } from './imports.js';
import type { Cells } from './share.js';

/** Copies a few bytes, a multiple of four, by loads and stores: calling memory.copy costs as much as many of them. */
function copyBytes(to: string, from: string, bytes: number): string[] {
  if (bytes > 128) return [`memory.copy(${to}, ${from}, ${bytes});`];
  const lines: string[] = [];
  for (let at = 0; at < bytes; ) {
    const size = [16, 8, 4].find((s) => at + s <= bytes)!;
    const offset = at ? `, ${at}` : '';
    if (size === 16) lines.push(`v128.store(${to}, v128.load(${from}${offset})${offset});`);
    else {
      const type = `u${8 * size}`;
      lines.push(`store<${type}>(${to}, load<${type}>(${from}${offset})${offset});`);
    }
    at += size;
  }
  return lines;
}

/** Nanoseconds in which a row of the dataset is chosen, bytes that are copied in one, and what a thread should have to do. */
const DRAWN = 25;
const COPIED = 16;
const DRAW_SHARE = 400;

/** The loop over training steps, batch drawn to loss kept; `step` is the function that takes one. */
function trainLoop(train: EntryPlan, step: string): string[] {
  const rate = train.inputs.at(-1)!;
  const columns = train.inputs.slice(0, -1);
  const loss = train.outputs.find((o) => o.name === 'loss')!;
  const row = (b: Buffer) => 4 * numel(b.shape.slice(1));
  const rows = columns[0].shape[0] ?? 1;
  const nanoseconds = rows * columns.reduce((sum, b) => sum + row(b) / COPIED, DRAWN);
  const threads = Math.max(1, Math.min(rows, Math.floor(nanoseconds / DRAW_SHARE)));
  const first = (index: string) => `<u32>firstUnit(${rows}, ${index}, ${threads})`;
  return [
    '/** Draws rows of a batch from the dataset, or takes the next ones. */',
    'function drawRows(step: u32, begin: u32, end: u32): void {',
    `const seed = load<u32>(${CONTROL.seed});`,
    `const rows = load<u32>(${CONTROL.rows});`,
    `const inOrder = load<u32>(${CONTROL.inOrder}) != 0;`,
    'for (let i = begin; i < end; i++) {',
    `const row = inOrder ? <usize>((<u64>step * ${rows} + i) % rows) : <usize>randomIndex(seed, 1, step, i, rows);`,
    ...columns.flatMap((b, c) => [
      `const from${c} = load<usize>(${CONTROL.columns + 4 * c}) + row * ${row(b)};`,
      `const to${c}: usize = ${b.address} + <usize>i * ${row(b)};`,
      ...copyBytes(`to${c}`, `from${c}`, row(b)),
    ]),
    '}',
    '}',
    '',
    '/** Training steps on drawn batches, until all are done, a loss is not finite, or an index leaves its table. */',
    'function trainSteps(): void {',
    `const steps = load<i32>(${CONTROL.steps});`,
    `const first = load<u32>(${CONTROL.first});`,
    'for (let i = 0; i < steps; i++) {',
    `if (thread < ${threads}) drawRows(first + i, ${first('thread')}, ${first('thread + 1')});`,
    `if (thread == 0) store<f32>(${rate.address}, load<f32>(${RATES} + 4 * <usize>i));`,
    'barrier();',
    `${step}();`,
    'if (thread == 0) {',
    `store<f32>(${LOSSES} + 4 * <usize>i, load<f32>(${loss.address}));`,
    `store<i32>(${CONTROL.taken}, i + 1);`,
    '}',
    'barrier();',
    `const loss = load<f32>(${LOSSES} + 4 * <usize>i);`,
    'if (loss - loss != 0) break;',
    ...(train.guards ?? []).map(({ fault }) => `if (load<i32>(${fault}) != 0) break;`),
    '}',
    '}',
    '',
  ];
}

/** What the host calls, and what the workers run. */
export function driver(
  plan: MemoryPlan,
  entries: readonly string[],
  cells: Cells,
  imports: Imports,
): string[] {
  const { train, shard } = plan.entries;
  if (shard) imports.add('lanes', 'addFloats');
  imports.add('team', 'barrier', 'currentJob', 'endJobs', 'enlist', 'isInTeam', 'nextJob', 'startJob');
  if (train) {
    imports.add('team', 'firstUnit', 'thread');
    imports.add('random', 'randomIndex');
  }
  return [
    ...(train ? trainLoop(train, stepName(entries.indexOf('train'))) : []),
    'function runJob(): void {',
    ...cells.forget(),
    `const times = load<i32>(${CONTROL.times});`,
    'for (let i = 0; i < times; i++) {',
    'switch (currentJob()) {',
    ...(train ? ['case 1: trainSteps(); break;'] : []),
    ...entries.map((_, i) => `case ${2 + i}: ${stepName(i)}(); break;`),
    '}',
    'barrier();',
    '}',
    '}',
    '',
    '/** Makes this instance one of `count` threads, whose scratch begins at `scratchAt`; the first is the host. */',
    'export function join(index: i32, count: i32, scratchAt: usize): void {',
    `enlist(index, count, scratchAt + <usize>index * ${plan.threadScratch});`,
    '}',
    '',
    `/** Runs a job on so many threads: 1 trains steps, ${comment(entries.map((e, i) => `${2 + i} is ${shownName(e)}`).join(', '))}. */`,
    'export function run(job: i32, team: i32): void {',
    ...cells.clear(),
    'startJob(job, team);',
    'runJob();',
    '}',
    '',
    '/** Tells the workers to end. */',
    'export function dismiss(): void {',
    'endJobs();',
    '}',
    '',
    ...(shard
      ? [
          '/** Adds floats at one place, so many bytes, to those at another. */',
          'export function accumulate(to: usize, from: usize, bytes: usize): void {',
          'addFloats(to, from, bytes);',
          '}',
          '',
          '/** Copies bytes from one place to another. */',
          'export function move(to: usize, from: usize, bytes: usize): void {',
          'memory.copy(to, from, bytes);',
          '}',
          '',
        ]
      : []),
    '/** A worker: does its part of each job until it is told to end. */',
    'export function work(seen: i32): void {',
    'while (true) {',
    'seen = nextJob(seen);',
    'if (currentJob() == 0) return;',
    'if (isInTeam()) runJob();',
    '}',
    '}',
  ];
}

/** The function that runs an entry once. */
export function stepName(entry: number): string {
  return `step${entry}`;
}
