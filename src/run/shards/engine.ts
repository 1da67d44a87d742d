import type { Peers } from '../../distributed/peers.js';
import { atOnce, inTurns, type Waiting } from '../../distributed/transport.js';
import { type Local, MADE, OTHERS, type TreePlan, treePlan } from '../../distributed/tree.js';
import { DataError, OptionError } from '../../errors.js';
import { drawnRows } from '../../train/columns.js';
import { type EntryDescription, LEARNING_RATE } from '../../train/description.js';
import type { Engine, Numbers } from '../../train/engine.js';
import { macrotask } from '../../train/macrotask.js';
import { NOTE, type ShardedProgram } from '../../train/shards.js';
import type { CompiledEngine } from '../engine.js';
import { Partners } from './partners.js';
import { Rows } from './rows.js';
import { Slots } from './slots.js';

type Batch = Readonly<Record<string, Numbers>>;

/** What a session of shards is made of beside the module. */
export interface Sharding extends Omit<ShardedProgram, 'program'> {
  /** The entry `train` of the step, whose batch is cut. */
  readonly train: EntryDescription;
  /** Null: all shards are this process's. */
  readonly peers: Peers | null;
  readonly progress: Progress;
  /** The module, which has to be the same everywhere: it also says in which pieces lists are sent. */
  readonly wasm: Uint8Array;
}

/** Whom a module tells how much of a shard's list is there. */
export interface Progress {
  reached(bytes: number): void;
}

/** The dataset of a session, and how its batches are come by. */
interface Dataset {
  readonly columns: Batch;
  readonly rows: number;
  readonly inOrder: boolean;
}

/**
 * Trains on batches that are cut into shards, whose gradients it adds up, with those of other processes where there are any. What it
 * computes does not depend on how many there are.
 */
export class ShardedEngine implements Engine {
  readonly kind = 'compiled';
  private dataset: Dataset | null = null;
  private readonly plan: TreePlan;
  private readonly slots: Slots;
  private readonly rows: Rows;
  private readonly partners: Partners | null;
  private readonly size: number;
  /** Whether something was changed from outside since the processes compared what they hold. */
  private changed = true;
  private ending = false;

  constructor(
    private readonly inner: CompiledEngine,
    private readonly sharding: Sharding,
  ) {
    const { shards, peers, train, tables } = sharding;
    this.plan = treePlan(shards, peers?.size ?? 1, peers?.rank ?? 0);
    const { slots, spare, joins, split } = this.plan;
    this.slots = new Slots(inner, slots);
    this.rows = new Rows(inner, tables);
    this.partners = peers && new Partners(peers, this.slots, spare, joins);
    // Added to any number, -0 leaves it as it is.
    if (!split) this.slots.floats(OTHERS).fill(-0);
    this.size = train.inputs[0].shape[0] ?? 1;
  }

  get threads(): number {
    return this.inner.threads;
  }

  get seed(): number {
    return this.inner.seed;
  }

  set seed(seed: number) {
    this.inner.seed = seed;
    this.changed = true;
  }

  get failure(): Error | null {
    return this.inner.failure;
  }

  setData(columns: Record<string, Numbers>, rows: number, inOrder = false): void {
    const copies = this.parts.map(({ name, dtype }) => {
      const Column = dtype === 'f32' ? Float32Array : Int32Array;
      return [name, Column.from(columns[name])] as const;
    });
    this.dataset = { columns: Object.fromEntries(copies), rows, inOrder };
    this.changed = true;
  }

  advance(first: number, learningRates: Float32Array): Float32Array | Promise<Float32Array> {
    const steps = this.steps(first, learningRates);
    return this.sharding.peers ? inTurns(steps, macrotask) : atOnce(steps);
  }

  step(at: number, learningRate: number): number {
    return atOnce(this.take(this.drawnShards(at), at, learningRate));
  }

  trainOn(batch: Record<string, Numbers>, learningRate: number): number {
    const { shards } = this.sharding;
    const rowsOf = (shard: number) =>
      Object.fromEntries(
        this.parts.map(({ name }) => {
          const each = batch[name].length / shards;
          return [name, batch[name].subarray(shard * each, (shard + 1) * each)];
        }),
      );
    return atOnce(this.take(rowsOf, 0, learningRate));
  }

  draw(at: number): Record<string, Numbers> {
    return this.rowsAt(this.drawn(at));
  }

  backward(): never {
    throw new OptionError('backward: a step in shards has no gradients of its own: leave shards out');
  }

  update(): never {
    throw new OptionError('update: a step in shards takes no gradients: leave shards out');
  }

  gradients(): never {
    throw new OptionError('gradients: a step in shards keeps none: leave shards out');
  }

  evaluate(batch: Record<string, Numbers>): Record<string, Numbers> {
    return this.inner.evaluate(batch);
  }

  statistics(batch: Record<string, Numbers>): Record<string, Numbers> {
    return this.inner.statistics(batch);
  }

  invoke(entry: string, inputs: Record<string, Numbers>): Record<string, Numbers> {
    return this.inner.invoke(entry, inputs);
  }

  diagnose(batch: Record<string, Numbers>): Record<string, Numbers> {
    return this.inner.diagnose(batch);
  }

  read(name: string): Numbers {
    return this.inner.read(name);
  }

  write(name: string, values: Numbers): void {
    this.inner.write(name, values);
    this.changed = true;
  }

  lying(name: string): Numbers {
    return this.inner.lying(name);
  }

  putBack(name: string, lying: Numbers): void {
    this.inner.putBack(name, lying);
    this.changed = true;
  }

  async close(): Promise<void> {
    await this.inner.close();
  }

  private get parts() {
    return this.sharding.train.inputs.slice(0, -1);
  }

  private *steps(first: number, learningRates: Float32Array): Waiting<Float32Array> {
    const losses = new Float32Array(learningRates.length);
    for (let i = 0; i < losses.length; i++) {
      const at = first + i;
      losses[i] = yield* this.take(this.drawnShards(at), at, learningRates[i]);
      if (!this.ending && Number.isFinite(losses[i])) continue;
      if (this.ending) this.sharding.peers?.endTogether();
      this.ending = false;
      return losses.slice(0, i + 1);
    }
    return losses;
  }

  /** A step: the gradients of this process's shards, their sum with those of the others, the update. */
  private *take(rowsOf: (shard: number) => Batch, at: number, learningRate: number): Waiting<number> {
    const { inner, plan, sharding, slots, rows, partners } = this;
    const { peers, counters } = sharding;
    if (this.changed && peers) yield* this.comparing(at, learningRate);
    const counted = counters.map(({ name, step }) => ({ name, step, from: inner.read(name)[0] }));
    const note = [peers?.wantsEnd ? 1 : 0];
    let underWay: Waiting<void>[] = [];
    try {
      for (const { shard, after } of plan.own) {
        for (const { name, step, from } of counted) inner.write(name, Int32Array.of(from + shard * step));
        inner.load('shard', { ...rowsOf(shard), [NOTE]: note });
        try {
          underWay = this.make(after, partners && shard === plan.own.at(-1)!.shard ? partners : null);
        } catch (error) {
          throw this.ofShard(error, shard);
        }
        rows.keep(shard);
      }
    } finally {
      for (const { name, from } of counted) inner.write(name, Int32Array.of(from));
    }
    if (partners) {
      const { length } = underWay;
      for (let i = 0; i < rows.arrays; i++) underWay.push(partners.gather(rows, i, length + i + 1));
      yield* peers!.attending(underWay);
    }
    inner.view(inner.layout.entries.update.inputs.find(({ name }) => name === LEARNING_RATE)!)[0] =
      learningRate;
    inner.repeat('update', 1);
    this.ending = slots.note(MADE) + slots.note(OTHERS) > 0;
    return inner.outputs('update').loss[0];
  }

  /** Runs `shard`, and does part after part of its list, as it is made, what comes then; the exchanges that are under way at its end. */
  private make(after: readonly Local[], partners: Partners | null): Waiting<void>[] {
    const { inner, slots, sharding } = this;
    const underWay: Waiting<void>[] = [];
    let failure: { readonly error: unknown } | null = null;
    let done = 0;
    const reach = (bytes: number) => {
      if (bytes > done) {
        const part = [done, bytes] as const;
        done = bytes;
        for (const local of after)
          if (local.kind === 'keep') slots.copy(local.slot, MADE, part);
          else slots.add(local.slot, local.from, part);
        if (partners) underWay.push(partners.sum(part, underWay.length + 1));
      }
      // Those that are done say so again.
      for (const routine of underWay) routine.next();
    };
    sharding.progress.reached = (bytes) => {
      try {
        if (!failure) reach(bytes);
      } catch (error) {
        // Told when the threads have ended the job.
        failure = { error };
      }
    };
    try {
      inner.repeat('shard', 1);
    } finally {
      sharding.progress.reached = () => {};
    }
    if (failure) throw (failure as { error: unknown }).error;
    reach(slots.bytes);
    return underWay;
  }

  /** The error of an index that leaves its table, with the rows among which its position counts. */
  private ofShard(error: unknown, shard: number): unknown {
    const each = this.size / this.sharding.shards;
    if (error instanceof DataError && each < this.size)
      error.message += `; its position is one in a shard, of the rows ${shard * each} to ${(shard + 1) * each - 1} of the batch`;
    return error;
  }

  /** All processes have to hold the same, and to be about to do the same with it. */
  private *comparing(at: number, learningRate: number): Waiting<void> {
    const { inner, dataset, sharding } = this;
    const peers = sharding.peers!;
    const variables = inner.layout.variables.flatMap(({ name }) => [name, inner.lying(name)]);
    yield* peers.agreeing({
      'compiled module': peers.digest(sharding.wasm),
      data: dataset ? peers.digest(`${dataset.inOrder}`, ...Object.values(dataset.columns)) : '',
      'parameters, state, seed or step': peers.digest(`${this.seed} ${at}`, ...variables),
      'learning rate': String(learningRate),
    });
    this.changed = false;
  }

  private drawn(at: number): number[] {
    const { rows, inOrder } = this.dataset!;
    return drawnRows(this.seed, at, this.size, rows, inOrder);
  }

  /** The rows of each shard, of those that step `at` draws. */
  private drawnShards(at: number): (shard: number) => Batch {
    const each = this.size / this.sharding.shards;
    const drawn = this.drawn(at);
    return (shard) => this.rowsAt(drawn.slice(shard * each, (shard + 1) * each));
  }

  private rowsAt(picked: readonly number[]): Record<string, Numbers> {
    const { columns, rows } = this.dataset!;
    return Object.fromEntries(
      Object.entries(columns).map(([name, all]) => {
        const width = all.length / rows;
        const out = new (all.constructor as Float32ArrayConstructor)(picked.length * width);
        picked.forEach((row, i) => {
          out.set(all.subarray(row * width, (row + 1) * width), i * width);
        });
        return [name, out];
      }),
    );
  }
}
