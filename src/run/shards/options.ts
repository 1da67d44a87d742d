import { shown, wholeNumber } from '../../check.js';
import type { Peers } from '../../distributed/peers.js';
import { OptionError } from '../../errors.js';

export interface CutOptions {
  shards?: number | undefined;
  distributed?: Peers | undefined;
  wide?: boolean | undefined;
  relaxed?: boolean | undefined;
}

/** How many shards options ask for; 0: none, since one shard on one process is the step as it is. */
export function checkCut(what: string, { shards, distributed, wide, relaxed }: CutOptions): number {
  if (distributed !== undefined && (typeof distributed !== 'object' || typeof distributed?.size !== 'number'))
    throw new OptionError(`${what}: distributed must be what mpi() gives, got ${shown(distributed)}`);
  if (distributed && shards === undefined)
    throw new OptionError(
      `${what}: distributed: give shards too, into which each batch is cut: a number that ${distributed.size} processes share equally`,
    );
  const count = wholeNumber(`${what}: shards`, shards ?? 1);
  if (distributed && count % distributed.size !== 0) {
    const fitting = Array.from({ length: count }, (_, i) => i + 1).filter((n) => count % n === 0);
    throw new OptionError(
      `${what}: ${count} shards cannot be shared equally by ${distributed.size} processes: start ${fitting.length > 1 ? `${fitting.slice(0, -1).join(', ')} or ${fitting.at(-1)}` : fitting[0]} of them, or give another number of shards`,
    );
  }
  if (wide && (count > 1 || distributed))
    throw new OptionError(`${what}: wide vectors are not to be had with shards: leave one of them out`);
  if (relaxed && distributed)
    throw new OptionError(
      `${what}: relaxed code may have other bits on another machine, so that processes would drift apart: leave it out`,
    );
  return count > 1 || distributed ? count : 0;
}
