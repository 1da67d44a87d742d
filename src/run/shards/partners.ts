import type { Peers } from '../../distributed/peers.js';
import type { Waiting } from '../../distributed/transport.js';
import type { Action } from '../../distributed/tree.js';
import type { ShardedProgram } from '../../train/shards.js';
import { Rows } from './rows.js';
import { HEADER, type Slots } from './slots.js';

/** What partners do with each other. */
export type Exchange = Exclude<Action, { kind: 'shard' | 'add' }>;

/** The word of a list's header that says how many words of rows follow. */
const FOLLOWING = 1;

/** Sends the lists of this process to others, and adds what comes: of tables the rows that are not zeros, all else whole. */
export class Partners {
  private readonly rows: Rows;
  private readonly hasTables: boolean;
  /** Words of a list that are sent whole. */
  private readonly whole: number;

  constructor(
    private readonly peers: Peers,
    private readonly slots: Slots,
    { whole, tables }: Pick<ShardedProgram, 'whole' | 'tables'>,
  ) {
    this.whole = HEADER + whole;
    this.hasTables = tables.length > 0;
    this.rows = new Rows(tables.map((table) => ({ ...table, from: HEADER + table.from })));
  }

  /** In later rounds a partner may itself wait for one that is lost: it is given a second more, to say so. */
  *join({ kind, partner, slot }: Exchange, round: number): Waiting<void> {
    const { peers, slots, rows, whole, hasTables } = this;
    const seconds = peers.seconds + round;
    const [sends, receives] = [kind === 'swap' || kind === 'send', kind !== 'send'];
    const own = slots.words(slot);
    const given = kind === 'take' ? own : slots.words(slots.spare);
    const message = sends && hasTables ? rows.pack(own) : null;
    if (message) own[FOLLOWING] = message.length;
    yield* peers.exchange(
      partner,
      sends ? bytesOf(own.subarray(0, whole)) : null,
      receives ? bytesOf(given.subarray(0, whole)) : null,
      seconds,
    );
    if (hasTables) {
      const room = receives ? rows.room(given[FOLLOWING]) : null;
      yield* peers.exchange(partner, message && bytesOf(message), room && bytesOf(room), seconds);
      if (kind === 'take') given.fill(0, whole);
      if (room) rows.unpack(room, given);
    }
    if (kind === 'swap' || kind === 'collect') slots.add(slot, slots.spare);
    if (kind !== 'take') rows.clear(slots.words(slots.spare));
  }
}

const bytesOf = ({ buffer, byteOffset, byteLength }: Int32Array) =>
  new Uint8Array(buffer, byteOffset, byteLength);
