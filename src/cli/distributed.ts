import { setTimeout as sleep } from 'node:timers/promises';
import { PeerError, type Peers } from '../distributed/index.js';
import { inTurns } from '../distributed/transport.js';
import { DivergedError, GradError } from '../errors.js';
import { type Reader, read } from './folder.js';
import { breathe } from './interrupt.js';

/** Seconds that a process waits with an error for the first one, whose error, if it has one, ends all of them. */
const FIRST_SPEAKS = 1;
/** The same where all have the same error, and the first one saves before it tells it. */
const FIRST_SAVES = 10;

/** Whether this process tells and saves what there is to tell and save: where there are several, the first. */
export const leads = (peers: Peers | null): boolean => !peers || peers.rank === 0;

/** Runs a command that shares its work with other processes; in `work` nothing but what the first one says is printed. */
export async function withPeers(
  seconds: number | undefined,
  work: (peers: Peers) => Promise<number>,
): Promise<number> {
  const { mpi } = await import('../distributed/index.js');
  const peers = await mpi({ seconds });
  try {
    const code = await work(peers);
    peers.close();
    return code;
  } catch (error) {
    // A process that ends with an error, and without a good-bye, ends the others.
    if (leads(peers)) throw error;
    const isCommon = error instanceof DivergedError || (error instanceof PeerError && error.everywhere);
    // Whoever waits for a process that is lost may be waited for by others: it speaks first.
    const seconds = isCommon ? FIRST_SAVES : error instanceof PeerError ? 0 : FIRST_SPEAKS;
    await sleep(1000 * seconds);
    if (error instanceof PeerError && error.everywhere) return 1;
    if (error instanceof GradError) error.message = `${peers.nameOf(peers.rank)}: ${error.message}`;
    throw error;
  }
}

/** Reads files of a run in the first process, and gives them to the others: their hosts need not have the folder. */
export function readerOf(peers: Peers | null): Reader {
  if (!peers) return read;
  return async (folder, name, most) => {
    const bytes = leads(peers) ? await read(folder, name, most) : null;
    return inTurns(peers.sharing(bytes), breathe);
  };
}

/** What the first process makes, as plain data, for all. */
export async function sharedValue<T>(peers: Peers | null, make: () => Promise<T>): Promise<T> {
  if (!peers) return make();
  const bytes = leads(peers) ? new TextEncoder().encode(JSON.stringify(await make())) : null;
  return JSON.parse(new TextDecoder().decode(await inTurns(peers.sharing(bytes), breathe)));
}

/** Says how to go on from what is saved, where another process is lost. */
export function tellCheckpoint(error: unknown, folder: string, step: number | null): void {
  if (!(error instanceof PeerError) || error.everywhere) return;
  const last = step === null ? 'the last checkpoint' : `the last checkpoint, of step ${step},`;
  error.message += `; ${last} is in ${folder}: start again with --resume, with any number of processes that divides the shards`;
}
