import { align, SLACK } from '../../plan/layout.js';
import type { CompiledEngine } from '../engine.js';
import { growTo } from '../memory.js';

type Place = Parameters<CompiledEngine['view']>[0];

/** Words in front of a list: whether a process wants to end, and what partners tell each other. */
export const HEADER = 4;

/** Lists of numbers behind all else in the memory of a session, which a function of the module adds up; and what partners send. */
export class Slots {
  private readonly places: readonly Place[];
  /** Where what a partner sends is put: the last of them. */
  readonly spare: number;

  constructor(
    private readonly engine: CompiledEngine,
    length: number,
    slots: number,
  ) {
    const bytes = align(4 * (HEADER + length));
    const first = align(engine.dataset);
    this.places = Array.from({ length: slots + 1 }, (_, i) => ({
      address: first + i * bytes,
      bytes,
      dtype: 'f32',
    }));
    this.spare = slots;
    growTo(engine.memory, first + (slots + 1) * bytes + SLACK);
  }

  /** With its header. */
  floats(slot: number): Float32Array {
    return this.engine.view(this.places[slot]) as Float32Array;
  }

  /** The same bits as whole numbers. */
  words(slot: number): Int32Array {
    const { buffer, byteOffset, length } = this.floats(slot);
    return new Int32Array(buffer, byteOffset, length);
  }

  /** Copies an output there, behind a number. */
  fill(slot: number, entry: string, output: string, first: number): void {
    const { engine } = this;
    const made = engine.layout.entries[entry].outputs.find(({ name }) => name === output)!;
    const floats = this.floats(slot);
    floats.fill(0, 0, HEADER);
    floats[0] = first;
    floats.set(engine.view(made), HEADER);
  }

  add(slot: number, from: number): void {
    const [to, other] = [this.places[slot], this.places[from]];
    this.engine.exports.accumulate!(to.address, other.address, to.bytes);
  }
}
