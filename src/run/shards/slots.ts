import { align, SLACK } from '../../plan/layout.js';
import type { CompiledEngine } from '../engine.js';
import { growTo } from '../memory.js';

type Place = Parameters<CompiledEngine['view']>[0];

/** Lists of numbers behind all else in the memory of a session, which a function of the module adds up; and what partners send. */
export class Slots {
  private readonly places: readonly Place[];
  /** Where what a partner sends is put: the last of them. */
  private readonly spare: number;

  constructor(
    private readonly engine: CompiledEngine,
    length: number,
    slots: number,
  ) {
    const bytes = align(4 * length);
    const first = align(engine.dataset);
    this.places = Array.from({ length: slots + 1 }, (_, i) => ({
      address: first + i * bytes,
      bytes,
      dtype: 'f32',
    }));
    this.spare = slots;
    growTo(engine.memory, first + (slots + 1) * bytes + SLACK);
  }

  floats(slot: number): Float32Array {
    return this.engine.view(this.places[slot]) as Float32Array;
  }

  bytes(slot: number): Uint8Array {
    const { buffer, byteOffset, byteLength } = this.floats(slot);
    return new Uint8Array(buffer, byteOffset, byteLength);
  }

  get received(): Uint8Array {
    return this.bytes(this.spare);
  }

  /** Copies an output there, and a number behind it. */
  fill(slot: number, entry: string, output: string, last: number): void {
    const { engine } = this;
    const made = engine.layout.entries[entry].outputs.find(({ name }) => name === output)!;
    const floats = this.floats(slot);
    floats.set(engine.view(made));
    floats[made.bytes / 4] = last;
  }

  add(slot: number, from: number): void {
    const [to, other] = [this.places[slot], this.places[from]];
    this.engine.exports.accumulate!(to.address, other.address, to.bytes);
  }

  addReceived(slot: number): void {
    this.add(slot, this.spare);
  }
}
