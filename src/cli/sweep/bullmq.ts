import type * as BullMq from 'bullmq';
import { DataError, OptionError } from '../../errors.js';
import { clipped } from '../../printable.js';
import { note } from '../output.js';
import { type RedisPlace, withoutPassword } from './redis-url.js';

// BullMQ, loaded only where somebody asks for a Redis, and errors of connections in a user's words.

/** Before all keys of ours. */
export const PREFIX = '2headgrad';
const CONNECT_MS = 10_000;
const MOST_RETRY_MS = 2000;

export async function loadBullMq(): Promise<typeof BullMq> {
  try {
    return await import('bullmq');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new OptionError('--redis needs the package bullmq, which is not installed: npm install bullmq@5');
  }
}

/** `signal`: from then on a connection that is lost is not tried again, so that whoever wants to end can. */
export const optionsOf = ({ host, port, db, tls, username, password }: RedisPlace, signal?: AbortSignal) => ({
  prefix: PREFIX,
  connection: {
    ...{ host, port, db, username, password, connectTimeout: CONNECT_MS },
    ...(tls && { tls: {} }),
    // What is lost is tried again for as long as it takes; meanwhile nothing fails.
    maxRetriesPerRequest: null,
    retryStrategy: (times: number) => (signal?.aborted ? null : Math.min(200 * times, MOST_RETRY_MS)),
  },
});

/** Throws DataError where a Redis cannot be reached, or does not let us in. */
export async function checkRedis(place: RedisPlace): Promise<void> {
  const { Queue } = await loadBullMq();
  const { prefix, connection } = optionsOf(place);
  const once = { ...connection, retryStrategy: () => null };
  const queue = new Queue('check', { prefix, connection: once, skipMetasUpdate: true });
  queue.on('error', () => {});
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('no answer')), CONNECT_MS);
  });
  try {
    await Promise.race([queue.waitUntilReady(), late]);
  } catch (error) {
    throw new DataError(`cannot use the Redis at ${place.shown}: ${said(error as Error, place)}`);
  } finally {
    clearTimeout(timer);
    await queue.close().catch(() => {});
  }
}

interface Connected {
  waitUntilReady(): Promise<unknown>;
  on(event: 'error', listener: (error: Error) => void): unknown;
}

/** Waits until it is connected. From then on what goes wrong is told once, and tried again by BullMQ. */
export async function connected<T extends Connected>(
  queue: T,
  place: RedisPlace,
  say: (text: string) => void = note,
): Promise<T> {
  let told = '';
  queue.on('error', (error) => {
    const message = `Redis at ${place.shown}: ${said(error, place)}`;
    if (message !== told) say(`${message}; trying again`);
    told = message;
  });
  await queue.waitUntilReady();
  return queue;
}

const MEND: readonly [RegExp, string][] = [
  [/ECONNREFUSED/, 'nothing listens there: start redis-server, or check host and port'],
  [/ENOTFOUND|EAI_AGAIN/, 'there is no such host: check its name'],
  [/NOAUTH/, 'it wants a password: set REDIS_PASSWORD, or the whole URL as REDIS_URL'],
  [/WRONGPASS|invalid password/, 'user or password are wrong'],
  [/no answer|ETIMEDOUT/, 'no answer: check host, port and firewall'],
];

function said({ message }: Error, place: RedisPlace): string {
  return MEND.find(([pattern]) => pattern.test(message))?.[1] ?? withoutPassword(message, place);
}

/** Ends what talks to a Redis. Where that is gone there is nothing to be told. */
export async function unlessGone(work: Promise<unknown>, signal: AbortSignal): Promise<void> {
  await work.catch((error: Error) => {
    if (!signal.aborted || !/connection is closed|ECONN|ETIMEDOUT/i.test(error.message)) throw error;
  });
}

/** An error of what was read from a Redis, whose keys are anybody's, in a user's words. */
export function redisError(error: unknown, place: RedisPlace, queue: string): unknown {
  if (!(error instanceof SyntaxError) && (error as Error)?.name !== 'ReplyError') return error;
  const message = clipped(said(error as Error, place).replace(/ script: .*/s, ''));
  return new DataError(
    `the Redis at ${place.shown} does not hold what sweeps write there (${message}): delete its keys ${PREFIX}:${queue}:*, or give another database, as in redis://HOST:PORT/1`,
  );
}
