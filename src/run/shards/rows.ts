import type { Range } from '../../distributed/tree.js';
import type { Buffer } from '../../plan/layout.js';
import type { Table } from '../../train/shards.js';
import type { CompiledEngine } from '../engine.js';

/** Where an array lies for one shard, as it is made, and for all of them, as an update takes it. */
interface Place {
  readonly made: Buffer;
  readonly all: Buffer;
  /** Bytes of a shard. */
  readonly each: number;
}

/** Rows of tables, and which they are: those of a shard are made where the next shard's are, and copied to those of all shards. */
export class Rows {
  private readonly places: readonly Place[];

  constructor(
    private readonly engine: CompiledEngine,
    tables: readonly Table[],
  ) {
    const { shard, update } = engine.layout.entries;
    this.places = tables
      .flatMap(({ ids, rows }) => [ids, rows])
      .map((name) => {
        const made = shard.outputs.find((buffer) => buffer.name === name)!;
        const all = update.inputs.find((buffer) => buffer.name === name)!;
        return { made, all, each: made.bytes };
      });
  }

  /** How many arrays there are. */
  get arrays(): number {
    return this.places.length;
  }

  /** Puts what was made of a shard to the others. */
  keep(shard: number): void {
    for (const { made, all, each } of this.places)
      this.engine.exports.move!(all.address + shard * each, made.address, each);
  }

  /** An array of some shards, as it is sent. */
  bytes(array: number, [from, to]: Range): Uint8Array {
    const { all, each } = this.places[array];
    return new Uint8Array(this.engine.memory.buffer, all.address + from * each, (to - from) * each);
  }
}
