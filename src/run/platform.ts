import type { Library, runAsc } from '../emit/asc.js';
import type { Cache } from '../emit/compile.js';
import { IN_NODE } from '../host.js';
import type { Spawn } from './module.js';
import type { Candidate } from './wide/request.js';
import type { Widened } from './wide/wide.js';

/** What compiling and running need of the place where they happen: Node's is node.ts, a page's web.ts. */
export interface Platform {
  /** The hand-written kernels that come with the package. */
  readLibrary(): Promise<Library>;
  /** Where compiled modules are kept, if anywhere; `folder` chooses the place in Node. */
  moduleCache(folder?: string): Cache | undefined;
  spawnWorker: Spawn;
  /** Runs asc in another thread, where there is a way. */
  readonly ascApart?: typeof runAsc;
  /** A module with wide vectors where these are right and faster; in Node, where `wideRefusal` does not refuse them. */
  readonly widen?: (candidate: Candidate, cache: Cache | undefined) => Promise<Widened>;
}

/** Bundlers for browsers leave Node's out: package.json, "browser". */
export function platform(): Promise<Platform> {
  return IN_NODE ? import('./node.js') : import('./web.js');
}
