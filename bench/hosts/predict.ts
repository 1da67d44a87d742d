import type { Parts } from './parts.js';

/** A network: bits a second in each direction of each host, and milliseconds from a message's end to where it is read. */
export interface Network {
  readonly gbits: number;
  readonly latency: number;
}

/**
 * Milliseconds of a step on so many hosts, a power of two, each with as many shards, by recursive doubling: in round r a host sends all
 * of its list to its partner, and rows of tables of 2^r hosts. A host's cable takes one message after the other, in the order in which
 * they are ready; what is in a piece is ready for its next round once its partner's is there and was added. No host waits for a slower
 * one, and sending takes no processor.
 */
export function predict(
  { pieces, rowBytes, shard, add, update, shards }: Parts,
  hosts: number,
  network: Network,
): number {
  const each = shards / hosts;
  const rounds = Math.log2(hosts);
  // All shards but the last are made, and added or kept, before anything can be sent.
  const before = (each - 1) * (shard + add);
  const length = pieces.reduce((sum, { bytes }) => sum + bytes, 0);
  const lists = pieces.map(({ bytes, ready }) => ({
    ready: before + ready,
    bytesIn: () => bytes,
    add: (add * bytes) / length,
  }));
  const rows = { ready: before + shard, bytesIn: (round: number) => rowBytes * each * 2 ** round, add: 0 };
  const waiting = [...lists, ...(rowBytes > 0 ? [rows] : [])].map((message) => ({ ...message, round: 0 }));
  let cable = 0;
  let end = before + shard;
  while (rounds > 0 && waiting.length > 0) {
    waiting.sort((a, b) => a.ready - b.ready);
    const next = waiting[0];
    cable = Math.max(cable, next.ready) + milliseconds(next.bytesIn(next.round), network);
    next.round++;
    const last = next.round === rounds;
    // The last addition is the update's.
    next.ready = cable + network.latency + (last ? 0 : next.add);
    if (!last) continue;
    end = Math.max(end, next.ready);
    waiting.shift();
  }
  return end + update;
}

/** A list goes over in frames of 1,500 bytes, of which 1,448 are ours, with 38 around each. */
const milliseconds = (bytes: number, { gbits }: Network): number =>
  (bytes * (1538 / 1448) * 8) / (gbits * 1e6);
