import type { Peers } from '../../distributed/peers.js';
import { inTurns } from '../../distributed/transport.js';
import { printGraph } from '../../graph/print.js';
import { macrotask } from '../../train/macrotask.js';
import type { ShardedProgram } from '../../train/shards.js';

export { shardedProgram } from '../../train/shards.js';
export { ShardedEngine } from './engine.js';

/** All processes have to train the same model in the same way. Throws PeerError where they do not. */
export async function compareModels(
  peers: Peers,
  { program, shards }: ShardedProgram,
  seed: number,
): Promise<void> {
  const graphs = Object.values(program.entries).map((graph) => printGraph(graph, { where: false }));
  const facts = { model: peers.digest(...graphs), settings: `${shards} shards, seed ${seed}` };
  await inTurns(peers.agreeing(facts), macrotask);
}
