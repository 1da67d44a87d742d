import type { Table } from '../../train/shards.js';

/**
 * Rows of tables that are not all zeros, as messages: for each table how many there are, which they are, and the rows one after the other.
 * Zeros of either sign are told apart by their bits, so that a sum of what is unpacked has the bits of one of whole tables.
 */
export class Rows {
  private out = new Int32Array(0);
  private into = new Int32Array(0);
  /** Rows that were unpacked last, by where they begin. */
  private unpacked: { from: number; width: number }[] = [];

  constructor(private readonly tables: readonly Table[]) {}

  /** The message of a list; it is overwritten by the next. */
  pack(list: Int32Array): Int32Array {
    const touched = this.tables.map((table) => touchedIn(list, table));
    const words = touched.reduce((sum, rows, i) => sum + 1 + rows.length * (1 + this.tables[i].width), 0);
    if (this.out.length < words) this.out = new Int32Array(2 * words);
    const { out } = this;
    let at = 0;
    this.tables.forEach(({ from, width }, i) => {
      const rows = touched[i];
      out[at++] = rows.length;
      out.set(rows, at);
      at += rows.length;
      for (const row of rows) {
        out.set(list.subarray(from + row * width, from + (row + 1) * width), at);
        at += width;
      }
    });
    return out.subarray(0, words);
  }

  /** Where a message of so many words is put. */
  room(words: number): Int32Array {
    if (this.into.length < words) this.into = new Int32Array(2 * words);
    return this.into.subarray(0, words);
  }

  /** Puts the rows of a message into a list whose tables are zeros. */
  unpack(message: Int32Array, list: Int32Array): void {
    this.unpacked = [];
    let at = 0;
    for (const { from, width } of this.tables) {
      const count = message[at++];
      const rows = message.subarray(at, at + count);
      at += count;
      for (const row of rows) {
        const place = from + row * width;
        list.set(message.subarray(at, at + width), place);
        this.unpacked.push({ from: place, width });
        at += width;
      }
    }
  }

  /** Puts zeros back where rows were unpacked. */
  clear(list: Int32Array): void {
    for (const { from, width } of this.unpacked) list.fill(0, from, from + width);
    this.unpacked = [];
  }
}

function touchedIn(list: Int32Array, { from, rows, width }: Table): number[] {
  const touched: number[] = [];
  for (let row = 0, at = from; row < rows; row++, at += width) {
    let i = at;
    while (i < at + width && list[i] === 0) i++;
    if (i < at + width) touched.push(row);
  }
  return touched;
}
