import { setImmediate as turn } from 'node:timers/promises';
import { median } from '../../src/cli/rounds.js';
import { MADE, OTHERS } from '../../src/distributed/tree.js';
import { CompiledEngine } from '../../src/run/engine.js';
import { platform } from '../../src/run/platform.js';
import { shardedProgram } from '../../src/run/shards/cut.js';
import { Rows } from '../../src/run/shards/rows.js';
import { Slots } from '../../src/run/shards/slots.js';
import { LEARNING_RATE } from '../../src/train/description.js';
import { initialValues } from '../../src/train/initial.js';
import { NOTE } from '../../src/train/shards.js';
import type { StepDefinition } from '../../src/train/step.js';
import type { GoldenRun } from '../golden/model.js';
import { measuredRate } from '../ours.js';

/** A part of a shard's list, and when, in milliseconds since the shard was begun, it may be sent. */
export interface Piece {
  readonly bytes: number;
  readonly ready: number;
}

/** What one process does in a step that is cut into so many shards, in milliseconds of one thread. */
export interface Parts {
  readonly shards: number;
  readonly pieces: readonly Piece[];
  /** Rows of tables, and their numbers, of one shard. */
  readonly rowBytes: number;
  readonly shard: number;
  /** Two lists are added, or one is copied. */
  readonly add: number;
  readonly update: number;
}

/** Times the parts of steps, one after the other as they come in one, for some seconds. */
export async function measureParts(run: GoldenRun, shards: number, seconds: number): Promise<Parts> {
  const { step } = run;
  const program = shardedProgram(step.definition as unknown as StepDefinition, step.program, shards);
  const module = await step.compileModule({ shards, cache: false });
  let begun = 0;
  let pieces: { bytes: number; ready: number }[] = [];
  let told = 0;
  const reached = (bytes: number) => {
    if (bytes > told) pieces.push({ bytes: bytes - told, ready: performance.now() - begun });
    told = bytes;
  };
  const { spawnWorker } = await platform();
  const initial = initialValues(step.program.variables, 42);
  const { layout, wasm, options } = module;
  const begin = { layout, wasm, shared: options.shared, threads: 1, seed: 42, initial };
  const engine = await CompiledEngine.start({ ...begin, spawn: spawnWorker, reached });
  const slots = new Slots(engine, 3);
  slots.floats(OTHERS).fill(-0);
  const rows = new Rows(engine, program.tables);
  const { x, y } = run.batch(0);
  const inputs = { x: x.subarray(0, x.length / shards), y: y.subarray(0, y.length / shards), [NOTE]: [0] };
  engine.load('shard', inputs);
  for (const [name, value] of [[LEARNING_RATE, measuredRate(run.learningRate)]] as const)
    engine.view(layout.entries.update.inputs.find((input) => input.name === name)!)[0] = value;
  const whole = [0, slots.bytes] as const;
  const times = { shard: [] as number[], add: [] as number[], update: [] as number[] };
  const timed = (what: keyof typeof times, work: () => void) => {
    begun = performance.now();
    work();
    times[what].push(performance.now() - begun);
  };
  const seen: { bytes: number; ready: number }[][] = [];
  const end = performance.now() + 1000 * seconds;
  do {
    pieces = [];
    told = 0;
    timed('shard', () => engine.repeat('shard', 1));
    reached(slots.bytes);
    seen.push(pieces);
    for (let shard = 0; shard < shards; shard++) rows.keep(shard);
    timed('add', () => slots.add(2, MADE, whole));
    timed('update', () => engine.repeat('update', 1));
    await turn();
  } while (performance.now() < end);
  const rowBytes =
    rows.arrays === 0
      ? 0
      : program.tables.reduce((sum, { count, width }) => sum + 4 * count * (1 + width), 0);
  await engine.close();
  return {
    ...{ shards, rowBytes },
    pieces: seen[0].map(({ bytes }, i) => ({ bytes, ready: median(seen.map((pieces) => pieces[i].ready)) })),
    shard: median(times.shard),
    add: median(times.add),
    update: median(times.update),
  };
}
