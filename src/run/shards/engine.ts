import type { Peers } from '../../distributed/peers.js';
import { atOnce, inTurns, type Waiting } from '../../distributed/transport.js';
import { type TreePlan, treePlan } from '../../distributed/tree.js';
import { OptionError } from '../../errors.js';
import { drawnRows } from '../../train/columns.js';
import { type EntryDescription, LEARNING_RATE } from '../../train/description.js';
import type { Engine, Numbers } from '../../train/engine.js';
import { macrotask } from '../../train/macrotask.js';
import { type ShardedProgram, SUMS } from '../../train/shards.js';
import type { CompiledEngine } from '../engine.js';
import { Partners } from './partners.js';
import { HEADER, Slots } from './slots.js';

type Batch = Readonly<Record<string, Numbers>>;

/** What a session of shards is made of beside the module. */
export interface Sharding extends Omit<ShardedProgram, 'program'> {
  /** The entry `train` of the step, whose batch is cut. */
  readonly train: EntryDescription;
  /** Null: all shards are this process's. */
  readonly peers: Peers | null;
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
  private readonly partners: Partners | null;
  private readonly size: number;
  /** Whether something was changed from outside since the processes compared what they hold. */
  private changed = true;
  private ending = false;

  constructor(
    private readonly inner: CompiledEngine,
    private readonly sharding: Sharding,
  ) {
    const { shards, length, peers, train } = sharding;
    this.plan = treePlan(shards, peers?.size ?? 1, peers?.rank ?? 0);
    this.slots = new Slots(inner, length, this.plan.slots);
    this.partners = peers && new Partners(peers, this.slots, sharding);
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
    const { inner, slots, plan, sharding } = this;
    if (this.changed && sharding.peers) yield* this.comparing(at, learningRate);
    const counted = sharding.counters.map(({ name, step }) => ({ name, step, from: inner.read(name)[0] }));
    const end = sharding.peers?.wantsEnd ? 1 : 0;
    const compute = (shard: number, slot: number) => {
      for (const { name, step, from } of counted) inner.write(name, Int32Array.of(from + shard * step));
      inner.load('shard', rowsOf(shard));
      inner.repeat('shard', 1);
      slots.fill(slot, 'shard', SUMS, end);
    };
    try {
      let rounds = 0;
      for (const action of plan.actions)
        if (action.kind === 'shard') compute(action.shard, action.slot);
        else if (action.kind === 'add') slots.add(action.slot, action.from);
        else yield* this.partners!.join(action, rounds++);
    } finally {
      for (const { name, from } of counted) inner.write(name, Int32Array.of(from));
    }
    const sums = slots.floats(plan.result);
    inner.load('update', {
      [SUMS]: sums.subarray(HEADER, HEADER + sharding.length),
      [LEARNING_RATE]: [learningRate],
    });
    inner.repeat('update', 1);
    this.ending = sums[0] > 0;
    return inner.outputs('update').loss[0];
  }

  /** All processes have to hold the same, and to be about to do the same with it. */
  private *comparing(at: number, learningRate: number): Waiting<void> {
    const { inner, dataset, sharding } = this;
    const peers = sharding.peers!;
    const variables = inner.layout.variables.flatMap(({ name }) => [name, inner.lying(name)]);
    yield* peers.agreeing({
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
