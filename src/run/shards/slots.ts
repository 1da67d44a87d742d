import { MADE, OTHERS } from '../../distributed/tree.js';
import { align, type Buffer, SLACK } from '../../plan/layout.js';
import { OTHERS as OTHER_LIST, SUMS } from '../../train/shards.js';
import type { CompiledEngine } from '../engine.js';
import { growTo } from '../memory.js';

/** Bytes of a list, from the first up to but not with the last. */
export type Part = readonly [from: number, to: number];

/**
 * Lists of numbers in the memory of a session: where shards are made and updates read, what an update adds to that, and others behind
 * all else. Functions of the module add and copy parts of them.
 */
export class Slots {
  private readonly addresses: readonly number[];
  /** Of a list. */
  readonly bytes: number;

  constructor(
    private readonly engine: CompiledEngine,
    slots: number,
  ) {
    const { inputs } = engine.layout.entries.update;
    const input = (name: string): Buffer => inputs.find((buffer) => buffer.name === name)!;
    const made = input(SUMS);
    this.bytes = made.bytes;
    const first = align(engine.dataset);
    const size = align(made.bytes);
    this.addresses = Array.from({ length: slots }, (_, slot) => {
      if (slot === MADE) return made.address;
      return slot === OTHERS ? input(OTHER_LIST).address : first + (slot - OTHERS - 1) * size;
    });
    growTo(engine.memory, first + Math.max(0, slots - OTHERS - 1) * size + SLACK);
  }

  floats(slot: number): Float32Array {
    return new Float32Array(this.engine.memory.buffer, this.addresses[slot], this.bytes / 4);
  }

  /** The number of whoever made it, or the sum of such. */
  note(slot: number): number {
    return this.floats(slot).at(-1)!;
  }

  /** A part as it is sent. */
  part(slot: number, [from, to]: Part): Uint8Array {
    return new Uint8Array(this.engine.memory.buffer, this.addresses[slot] + from, to - from);
  }

  add(slot: number, other: number, [from, to]: Part): void {
    const { addresses } = this;
    this.engine.exports.accumulate!(addresses[slot] + from, addresses[other] + from, to - from);
  }

  copy(slot: number, other: number, [from, to]: Part): void {
    const { addresses } = this;
    this.engine.exports.move!(addresses[slot] + from, addresses[other] + from, to - from);
  }
}
