import type { Cache } from '../../emit/compile.js';
import type { Wide } from '../../train/engine.js';
import { platform } from '../platform.js';
import { here, obstacle } from './place.js';
import type { Candidate } from './request.js';

export const refused = (reason: string, ratio: number | null = null): Wide => ({
  used: false,
  reason,
  ratio,
});

/** What is run: the module as bytes, or compiled with wide vectors; and why. */
export interface Widened {
  readonly wasm: Uint8Array | WebAssembly.Module;
  readonly wide: Wide;
}

/** A module with wide vectors, if this place has them and they are right and faster; who asked for them is told else. */
export async function widened(
  name: string,
  candidate: Candidate,
  cache: Cache | undefined,
): Promise<Widened> {
  const reason = obstacle(here());
  const { widen } = await platform();
  const { wasm } = candidate;
  const made =
    reason || !widen
      ? { wasm, wide: refused(reason ?? 'this place has none') }
      : await widen(candidate, cache);
  tellRefusal(name, made.wide);
  return made;
}

const told = new Set<string>();

/** Warns that a program goes on without, once for each reason. */
export function tellRefusal(name: string, { used, reason }: Wide): void {
  const text = `${name}: no wide vectors, all goes on without: ${reason}`;
  if (used || told.has(text)) return;
  told.add(text);
  if (globalThis.process?.emitWarning) globalThis.process.emitWarning(text);
  else console.warn(text);
}
