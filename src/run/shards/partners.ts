import type { Peers } from '../../distributed/peers.js';
import type { Waiting } from '../../distributed/transport.js';
import type { Join, Range } from '../../distributed/tree.js';
import type { Rows } from './rows.js';
import type { Part, Slots } from './slots.js';

/** What partners do with each other. */
type Exchange = Exclude<Join, { kind: 'add' }>;

/** Follows the joins of a plan with parts of lists, and with rows of tables, each on a channel of its own. */
export class Partners {
  constructor(
    private readonly peers: Peers,
    private readonly slots: Slots,
    private readonly spare: number,
    private readonly joins: readonly Join[],
  ) {}

  /** Adds up a part of the lists of all processes. */
  *sum(part: Part, channel: number): Waiting<void> {
    const { slots, spare } = this;
    let round = 0;
    for (const join of this.joins) {
      const { kind, slot } = join;
      if (kind === 'add') {
        slots.add(slot, join.from, part);
        continue;
      }
      const send = kind === 'swap' || kind === 'send' ? slots.part(slot, part) : null;
      const receive = kind === 'send' ? null : slots.part(kind === 'take' ? slot : spare, part);
      yield* this.exchanging(join, send, receive, channel, round++);
      if (kind === 'collect' || (kind === 'swap' && join.adds)) slots.add(slot, spare, part);
    }
  }

  /** Gathers what all processes have of one array of rows. */
  *gather(rows: Rows, array: number, channel: number): Waiting<void> {
    let round = 0;
    for (const join of this.joins) {
      if (join.kind === 'add') continue;
      const of = (range: Range | null) => range && rows.bytes(array, range);
      const send = of('gives' in join ? join.gives : null);
      const receive = of('gets' in join ? join.gets : null);
      yield* this.exchanging(join, send, receive, channel, round++);
    }
  }

  /** In later rounds a partner may itself wait for one that is lost: it is given a second more, to say so. */
  private exchanging(
    { partner }: Exchange,
    send: Uint8Array | null,
    receive: Uint8Array | null,
    channel: number,
    round: number,
  ): Waiting<void> {
    const { peers } = this;
    return peers.exchanging(partner, send, receive, { seconds: peers.seconds + round, channel });
  }
}
