import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { cpus } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { sha256 } from '../../digest.js';
import { decodeSigned, encodeSigned } from '../../emit/cached.js';
import type { Cache } from '../../emit/compile.js';
import { clipped } from '../../printable.js';
import type { Wide } from '../../train/engine.js';
import { compileWide, FLAG } from './compile.js';
import { here, processor } from './place.js';
import { type Candidate, encodeRequest } from './request.js';
import { refused, type Widened } from './wide.js';

/** What a trial is made with; all of it is usual but in tests. */
export interface TrialOptions {
  /** The script of the process. */
  script?: URL;
  /** A process that has said nothing for so many milliseconds hangs. */
  patience?: number;
}

/** A verdict, and whether it would be the same again: then it is worth keeping. */
export interface Verdict extends Wide {
  readonly lasting: boolean;
}

/** Rises when other things are tried, or in another way. */
const FORMAT = 1;
const PATIENCE_MS = 60_000;
/** Below this the gain is one of measuring. */
const LEAST_RATIO = 1.02;
/** How V8 says that it has no such option. */
const UNKNOWN_OPTION = /unrecognized flag/;
const CRASHES = ['SIGTRAP', 'SIGILL', 'SIGSEGV', 'SIGBUS', 'SIGABRT', 'SIGFPE'];
/** Windows tells a crash by a code that no program gives by itself. */
const CRASH_CODE = 0x80000000;
/** Milliseconds in which V8 ends what it was optimising for other modules, when nothing of them runs. */
const QUIET_MS = 50;

/** Characters of what a process says. */
const KEPT_TEXT = 4096;
const TRIAL = new URL('./trial.js', import.meta.url);

/** Verdicts of this process, by key. */
const known = new Map<string, Promise<Wide>>();

/**
 * A module with wide vectors, if they are right and faster: that is tried in a process of its own, which V8 may end or
 * never leave, and kept in the cache by module, Node and processor.
 */
export async function widen(
  candidate: Candidate,
  cache: Cache | undefined,
  options?: TrialOptions,
): Promise<Widened> {
  const { wasm, threads } = candidate;
  const { node, v8 } = process.versions;
  const told = [FORMAT, await sha256(wasm), threads, node, v8, process.arch, processor({ cpus }, here())];
  const key = await sha256(new TextEncoder().encode(JSON.stringify(told)));
  let found = known.get(key);
  if (!found) {
    found = verdictOf(candidate, key, cache, options);
    known.set(key, found);
  }
  const wide = await found;
  if (!wide.used) return { wasm, wide };
  await sleep(QUIET_MS);
  return { wasm: compileWide(wasm), wide };
}

async function verdictOf(
  candidate: Candidate,
  key: string,
  cache: Cache | undefined,
  options: TrialOptions | undefined,
): Promise<Wide> {
  const kept = parse(await decodeSigned(await cache?.get(key), key, cache));
  if (kept) return kept;
  const { lasting, ...wide } = await tryWide(candidate, options);
  if (!lasting) known.delete(key);
  else if (cache)
    await cache.set(key, await encodeSigned(new TextEncoder().encode(JSON.stringify(wide)), key, cache));
  return wide;
}

function parse(bytes: Uint8Array | undefined): Wide | undefined {
  // Signed, or at least undamaged: it was written by `verdictOf`.
  return bytes && JSON.parse(new TextDecoder().decode(bytes));
}

/** Tries a module in a process of its own. */
export async function tryWide(candidate: Candidate, options: TrialOptions = {}): Promise<Verdict> {
  const ended = await run(encodeRequest(candidate), options);
  const no = (reason: string, lasting = true): Verdict => ({ ...refused(reason), lasting });
  if ('error' in ended) return no(`a trial could not be started: ${ended.error}`, false);
  const { code, signal, silent, stdout, stderr } = ended;
  if (silent) return no(`a trial did not go on for ${silent / 1000} s`);
  const isCrash = (signal !== null && CRASHES.includes(signal)) || (code !== null && code >= CRASH_CODE);
  if (isCrash) return no(`a trial ended its process: ${signal ?? code}${fatal(stderr)}`);
  const { differs, trap, ratio } = (code === 0 && answerIn(stdout)) || {};
  if (differs !== undefined) return no(`a trial gave other bits, first in ${clipped(differs)}`);
  if (trap !== undefined) return no(`a trial was ended by its module: ${trap}`);
  if (ratio === undefined)
    return no(`a trial ended without an answer: ${signal ?? `code ${code}`}${errorIn(stderr)}`, false);
  if (UNKNOWN_OPTION.test(stderr)) return no(`this Node.js does not know --${FLAG}`);
  const how = `${ratio.toFixed(2)} times as many steps a second`;
  if (ratio < LEAST_RATIO) return { ...refused(`no faster in a trial: ${how}`, ratio), lasting: true };
  return { used: true, reason: `a trial gave the same bits and ${how}`, ratio, lasting: true };
}

type Ended =
  | { error: string }
  | { code: number | null; signal: string | null; silent: number; stdout: string; stderr: string };

function run(request: Uint8Array, options: TrialOptions): Promise<Ended> {
  const { script = TRIAL, patience = PATIENCE_MS } = options;
  return new Promise((resolve) => {
    let [stdout, stderr, silent] = ['', '', 0];
    // What this process was told may be nothing for that one: loaders, the port of a debugger.
    const env = { ...process.env, NODE_OPTIONS: '' };
    const child = start(() => spawn(process.execPath, [fileURLToPath(script)], { env, windowsHide: true }));
    if (child instanceof Error) return resolve({ error: child.message });
    const hangs = () => {
      silent = patience;
      child.kill('SIGKILL');
    };
    let timer = setTimeout(hangs, patience);
    child.stdout.on('data', (text) => {
      stdout = (stdout + text).slice(-KEPT_TEXT);
      clearTimeout(timer);
      timer = setTimeout(hangs, patience);
    });
    child.stderr.on('data', (text) => {
      stderr = (stderr + text).slice(-KEPT_TEXT);
    });
    // One that has died reads no more.
    child.stdin.on('error', () => {});
    child.stdin.end(request);
    child.once('error', (error) => {
      clearTimeout(timer);
      resolve({ error: error.message });
    });
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ code, signal, silent, stdout, stderr });
    });
  });
}

/** Where processes are forbidden, `spawn` throws. */
function start(spawned: () => ChildProcessWithoutNullStreams): ChildProcessWithoutNullStreams | Error {
  try {
    return spawned();
  } catch (error) {
    return error as Error;
  }
}

/** What trial.js writes last. */
interface Answer {
  readonly differs?: string;
  readonly trap?: string;
  readonly ratio?: number;
}

function answerIn(stdout: string): Answer | undefined {
  try {
    return JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '');
  } catch {
    return undefined;
  }
}

/** What V8 says of an error that it cannot go on after: the line behind "# Fatal error in ...". */
function fatal(stderr: string): string {
  const found = /^# Fatal error in .*\n# (.*)$/m.exec(stderr)?.[1];
  return found ? `, "${clipped(found)}"` : '';
}

function errorIn(stderr: string): string {
  const found = /^\w*Error\b.*$/m.exec(stderr)?.[0];
  return found ? `, ${clipped(found)}` : '';
}
