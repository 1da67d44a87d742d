import { Peers } from '../../src/distributed/peers.js';
import { inTurns } from '../../src/distributed/transport.js';
import { macrotask } from '../../src/train/macrotask.js';
import { loopback } from './loopback.js';

/** So many processes that are none, which know each other. */
export function group(size: number, seconds = 20): Promise<Peers[]> {
  const joining = loopback(size).map((transport, rank) => {
    const self = { host: `host${rank}`, pid: process.pid, place: 'here' };
    return inTurns(Peers.join(transport, self, seconds, '1.0'), macrotask);
  });
  return Promise.all(joining);
}
