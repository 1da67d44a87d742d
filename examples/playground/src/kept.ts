import type { Threads } from './protocol.js';
import { storage } from './storage.js';

/** What a reload brings back. */
export interface Kept {
  preset: string;
  source: string;
  /** The user's own; null for the names that come with the page. */
  words: string | null;
  /** The same of a text. */
  text: string | null;
  rate: number;
  threads: Threads;
}

const KEY = '2headgrad playground';
const WAIT_MS = 400;

let state: Partial<Kept> = {};
let waiting: ReturnType<typeof setTimeout> | undefined;

/** What was kept, as far as it can be read. */
export function kept(): Partial<Kept> {
  try {
    state = checked(JSON.parse(storage.get(KEY) ?? '{}'));
  } catch {
    state = {};
  }
  return state;
}

/** Keeps these, soon: somebody who writes does so many times a second. */
export function keep(changes: Partial<Kept>): void {
  state = { ...state, ...changes };
  clearTimeout(waiting);
  waiting = setTimeout(save, WAIT_MS);
}

function save(): void {
  clearTimeout(waiting);
  waiting = undefined;
  // Long texts may not fit; the rest does.
  if (!storage.set(KEY, JSON.stringify(state)))
    storage.set(KEY, JSON.stringify({ ...state, words: null, text: null }));
}

addEventListener('pagehide', () => {
  if (waiting !== undefined) save();
});

export function forget(): void {
  clearTimeout(waiting);
  waiting = undefined;
  state = {};
  storage.remove(KEY);
}

function checked(found: unknown): Partial<Kept> {
  const { preset, source, words, text, rate, threads } = (found ?? {}) as Record<string, unknown>;
  const some: Partial<Kept> = {};
  if (typeof preset === 'string') some.preset = preset;
  if (typeof source === 'string') some.source = source;
  if (typeof words === 'string') some.words = words;
  if (typeof text === 'string') some.text = text;
  if (typeof rate === 'number' && rate >= 0 && Number.isFinite(rate)) some.rate = rate;
  if (threads === 'auto' || (Number.isInteger(threads) && (threads as number) > 0))
    some.threads = threads as Threads;
  return some;
}
