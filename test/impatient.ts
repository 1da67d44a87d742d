import type { Library } from '../src/emit/asc.js';

const made = new WeakMap<Library, Library>();

/**
 * The library with threads that sleep where they wait. As shipped they first turn for half a millisecond, which is all that a
 * core does while others want it: tests have fewer cores than threads. No bit depends on it.
 */
export function impatient(library: Library): Library {
  const known = made.get(library);
  if (known) return known;
  const team = library['team.ts'].replace(/(const SPINS: i32 = )\d+/, '$116');
  const changed = { ...library, 'team.ts': team };
  made.set(library, changed);
  return changed;
}
