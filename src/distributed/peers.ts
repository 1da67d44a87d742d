import { createHash } from 'node:crypto';
import { isObject } from '../check.js';
import { parseJson } from '../data/json.js';
import { OptionError } from '../errors.js';
import { clipped, printable } from '../printable.js';
import { PeerError } from './errors.js';
import type { Transport, Waiting } from './transport.js';

/** Which process one of them is: its host by name, its number there, and the place where such numbers count. */
export interface Member {
  readonly host: string;
  readonly pid: number;
  readonly place: string;
}

/** Bytes of what processes tell each other before they compute: a text of JSON in a place of fixed size. */
const RECORD = 2048;
/** For what others may still have to do before they answer, such as to compile: seconds at least. */
const PREPARING = 600;
/** Milliseconds from one look at whether a silent process still lives to the next. */
const LOOK = 250;

/** What processes that differ in something should do. */
const MENDS: Readonly<Record<string, string>> = {
  version: 'install the same version of 2headgrad on all hosts',
  model: 'all processes have to train the same model file',
  settings: 'start all processes with the same options',
  'compiled module': 'compile with the same options, such as memory, on all hosts',
  data: 'give all processes the same data',
  'parameters, state, seed or step':
    'they have to begin alike: with the same seed, or from the same checkpoint',
};

/**
 * The processes of one training, as one of them sees the others; what `mpi()` gives. Give it to `compile({ distributed, shards })`
 * in all of them.
 * @example
 * ```ts
 * import { Peers } from '2headgrad/distributed';
 * const isFirst = (peers: Peers) => peers.rank === 0; // as a rule the one that reports and saves
 * console.log(isFirst.length); // 1
 * ```
 */
export class Peers {
  private members: readonly Member[];
  private readonly ends: { readonly asked: AbortSignal; readonly all: AbortController }[] = [];
  /** Bytes that this process has sent so far. */
  sent = 0;

  /** @internal */
  constructor(
    private readonly transport: Transport,
    self: Member,
    /** How long another process may be silent in a step. */
    readonly seconds: number,
  ) {
    this.members = Array.from({ length: transport.size }, () => self);
  }

  /** All of them get to know each other. @internal */
  static *join(transport: Transport, self: Member, seconds: number, version: string): Waiting<Peers> {
    const peers = new Peers(transport, self, seconds);
    if (peers.size === 1) return peers;
    yield* peers.meeting(self);
    yield* peers.agreeing({ version });
    return peers;
  }

  /** Which of the processes this is, from 0. */
  get rank(): number {
    return this.transport.rank;
  }

  /** How many processes there are. */
  get size(): number {
    return this.transport.size;
  }

  /** As in `rank 1 on host b (process 1234)`. @internal */
  nameOf(rank: number): string {
    const { host, pid } = this.members[rank];
    return `rank ${rank} on host ${printable(host)} (process ${pid})`;
  }

  /**
   * A signal for `session.run` that is aborted in all processes after the same step, once `signal` is in one of them: all of them have
   * to end a run together.
   */
  together(signal: AbortSignal): AbortSignal {
    const all = new AbortController();
    this.ends.push({ asked: signal, all });
    return all.signal;
  }

  /** Whether this process wants the run to end. @internal */
  get wantsEnd(): boolean {
    return this.ends.some(({ asked, all }) => asked.aborted && !all.signal.aborted);
  }

  /** Called in all processes after a step before which one wanted that. @internal */
  endTogether(): void {
    for (const { all } of this.ends) all.abort();
  }

  /** What the transport has as `exchange`; throws PeerError where the partner has ended, or is silent for too long. @internal */
  exchange(
    partner: number,
    send: Uint8Array | null,
    receive: Uint8Array | null,
    seconds = this.seconds,
  ): Waiting<void> {
    return this.attending([this.exchanging(partner, send, receive, { seconds, channel: 0 })]);
  }

  /** The same for one of several that are on their way at once: it yields after each look. @internal */
  *exchanging(
    partner: number,
    send: Uint8Array | null,
    receive: Uint8Array | null,
    { seconds, channel }: { readonly seconds: number; readonly channel: number },
  ): Waiting<void> {
    let looked = performance.now();
    let asked = looked;
    let silent = 0;
    this.sent += send?.length ?? 0;
    const routine = this.transport.exchange(partner, send, receive, channel);
    while (!routine.next().done) {
      yield;
      const now = performance.now();
      // Time in which this process had other things to do is not the partner's.
      silent += Math.min(now - looked, LOOK);
      looked = now;
      if (now - asked < LOOK) continue;
      asked = now;
      if (this.hasEnded(partner)) throw new PeerError(`${this.nameOf(partner)} has ended`);
      if (silent > seconds * 1000)
        throw new PeerError(
          `${this.nameOf(partner)} has not answered for ${this.seconds} s: it hangs, is much slower than others, or cannot be reached any more`,
        );
    }
  }

  /** Looks at routines in turns until all are done; yields where others should have a turn. @internal */
  *attending(routines: readonly Waiting<void>[]): Waiting<void> {
    let open = routines;
    for (let looks = 0; ; ) {
      const left = open.filter((routine) => !routine.next().done);
      if (left.length === 0) return;
      looks = left.length < open.length ? 0 : looks + 1;
      open = left;
      if (this.transport.rest(looks)) yield;
    }
  }

  /**
   * Compares facts, by name, of all processes. Throws PeerError in all of them where one has others than the first, which says
   * what differs. @internal
   */
  *agreeing(facts: Readonly<Record<string, string>>): Waiting<void> {
    if (this.size === 1) return;
    const all = yield* this.gathering(facts);
    const { different } = yield* this.spreading(
      all && { different: differenceIn(all, (rank) => this.nameOf(rank)) },
    );
    if (typeof different === 'string') throw new PeerError(different, true);
  }

  /** What the first process has, for all; others give null. @internal */
  *sharing(bytes: Uint8Array | null): Waiting<Uint8Array> {
    const { length } = yield* this.spreading(bytes && { length: bytes.length });
    const all = bytes ?? new Uint8Array(Number(length));
    if (all.length === 0) return all;
    for (let rank = 1; rank < this.size; rank++) {
      if (this.rank === 0) yield* this.exchange(rank, all, null, this.preparing);
      else if (this.rank === rank) yield* this.exchange(0, null, all, this.preparing);
    }
    return all;
  }

  /** Some bytes in 16 digits, which tell whether those of others are the same. @internal */
  digest(...parts: readonly (string | ArrayBufferView)[]): string {
    const hash = createHash('sha256');
    for (const part of parts) {
      const bytes =
        typeof part === 'string'
          ? new TextEncoder().encode(part)
          : new Uint8Array(part.buffer, part.byteOffset, part.byteLength);
      // With its length in front, so that no part runs into the next.
      hash.update(`${bytes.length}:`).update(bytes);
    }
    return hash.digest('hex').slice(0, 16);
  }

  /** Says good-bye to the others, in all of them; it waits for them. Where it is not called that is done as the process ends. */
  close(): void {
    this.transport.close();
  }

  private get preparing(): number {
    return Math.max(PREPARING, this.seconds);
  }

  private *meeting(self: Member): Waiting<void> {
    const all = yield* this.gathering(self);
    // One for each, since a record has an end.
    const members: Member[] = [];
    for (let rank = 0; rank < this.size; rank++)
      members.push(memberOf(yield* this.spreading(all?.[rank] ?? null)));
    this.members = members;
  }

  /** What each process says, in the first of them; null in others. */
  private *gathering(said: object): Waiting<Record<string, unknown>[] | null> {
    if (this.rank > 0) {
      yield* this.exchange(0, recordOf(said), null, this.preparing);
      return null;
    }
    const all = [said as Record<string, unknown>];
    for (let rank = 1; rank < this.size; rank++) {
      const bytes = new Uint8Array(RECORD);
      yield* this.exchange(rank, null, bytes, this.preparing);
      all.push(parsed(bytes, this.nameOf(rank)));
    }
    return all;
  }

  /** What the first process says, in all of them. */
  private *spreading(said: object | null): Waiting<Record<string, unknown>> {
    const bytes = said ? recordOf(said) : new Uint8Array(RECORD);
    for (let rank = 1; rank < this.size; rank++) {
      if (this.rank === 0) yield* this.exchange(rank, bytes, null, this.preparing);
      else if (this.rank === rank) yield* this.exchange(0, null, bytes, this.preparing);
    }
    return parsed(bytes, this.nameOf(0));
  }

  /** Known of processes on this host alone. */
  private hasEnded(rank: number): boolean {
    const { place, pid } = this.members[rank];
    if (rank === this.rank || place !== this.members[this.rank].place) return false;
    try {
      process.kill(pid, 0);
      return false;
    } catch (error) {
      return (error as NodeJS.ErrnoException).code === 'ESRCH';
    }
  }
}

function differenceIn(
  all: readonly Record<string, unknown>[],
  nameOf: (rank: number) => string,
): string | null {
  const [first, ...others] = all;
  for (const [i, other] of others.entries())
    for (const [what, value] of Object.entries(first)) {
      if (other[what] === value) continue;
      const mend = MENDS[what] ?? 'all processes have to run the same program';
      return `the processes would not train the same: ${nameOf(i + 1)} has another ${what} than ${nameOf(0)}; ${mend}`;
    }
  return null;
}

function recordOf(said: object): Uint8Array {
  const text = new TextEncoder().encode(JSON.stringify(said));
  if (text.length > RECORD)
    throw new OptionError(`what processes tell each other is too long: ${clipped(JSON.stringify(said))}`);
  const bytes = new Uint8Array(RECORD).fill(32);
  bytes.set(text);
  return bytes;
}

function parsed(bytes: Uint8Array, by: string): Record<string, unknown> {
  try {
    const value = parseJson(new TextDecoder().decode(bytes).trimEnd());
    if (isObject(value)) return value;
  } catch {
    // Said below.
  }
  throw new PeerError(
    `${by} sent something else than was expected: it runs another program, or another version of 2headgrad`,
  );
}

function memberOf({ host, pid, place }: Record<string, unknown>): Member {
  return { host: String(host), pid: Number(pid), place: String(place) };
}
