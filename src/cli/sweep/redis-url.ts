import { OptionError } from '../../errors.js';

// How to reach a Redis, and what of that nobody may see: neither messages, nor files, nor other processes.

/** What has the whole URL, or the password of one that is given without. */
export const [URL_VARIABLE, PASSWORD_VARIABLE] = ['REDIS_URL', 'REDIS_PASSWORD'] as const;

export interface RedisPlace {
  readonly host: string;
  readonly port: number;
  readonly db: number;
  readonly tls: boolean;
  readonly username?: string;
  readonly password?: string;
  /** For people: without user and password. */
  readonly shown: string;
}

const EXPECTED = 'expected redis://HOST:PORT, or rediss:// for TLS';

/**
 * Where a Redis is. `given`: what stands behind --redis; true where nothing does. Throws OptionError that does not quote the
 * URL, which may have a password at any place of a wrong one.
 */
export function redisPlace(given: string | true, env: NodeJS.ProcessEnv): RedisPlace {
  const said = given === true ? env[URL_VARIABLE] : given;
  if (!said) throw new OptionError(`--redis: give the URL of a Redis, or set ${URL_VARIABLE}: ${EXPECTED}`);
  const from = given === true ? URL_VARIABLE : '--redis';
  const url = URL.canParse(said) ? new URL(said) : undefined;
  if (!url || !['redis:', 'rediss:'].includes(url.protocol) || url.hostname === '')
    throw new OptionError(`${from} is not the URL of a Redis: ${EXPECTED}`);
  if (!/^\/?\d{0,5}$/.test(url.pathname) || url.search !== '' || url.hash !== '')
    throw new OptionError(`${from}: behind host and port there may be the number of a database, as in /1`);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const port = Number(url.port || 6379);
  const db = Number(url.pathname.slice(1) || 0);
  const password = decoded(from, url.password) || env[PASSWORD_VARIABLE] || undefined;
  const username = decoded(from, url.username) || undefined;
  return {
    ...{ host, port, db, tls: url.protocol === 'rediss:', username, password },
    shown: `${url.protocol}//${url.host}${db === 0 ? '' : `/${db}`}`,
  };
}

/** Refuses an address where a task is expected, without quoting it. */
export function refuseUrl(tasks: readonly string[]): void {
  if (tasks.some((task) => /^rediss?:/i.test(task)))
    throw new OptionError('the URL of a Redis stands behind --redis, and not among the tasks');
}

function decoded(from: string, part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw new OptionError(`${from}: user or password have a % that begins no code: write it as %25`);
  }
}

/** A text without a password, should a message of somebody else's quote it. */
export function withoutPassword(text: string, { password }: Pick<RedisPlace, 'password'>): string {
  if (!password) return text;
  return [password, encodeURIComponent(password)].reduce(
    (left, secret) => left.replaceAll(secret, '***'),
    text,
  );
}

/** What processes of models are told of the environment: they have nothing to ask a Redis. */
export function withoutSecrets(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { [URL_VARIABLE]: _, [PASSWORD_VARIABLE]: __, ...rest } = env;
  return rest;
}

/** Lists of processes show command lines, and with them a URL that stands there: from here on this one shows a title. */
export function hideCommandLine(given: string | true, title: string): void {
  if (given !== true && given.includes('@')) process.title = title;
}
