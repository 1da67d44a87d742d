import { OptionError } from '../errors.js';
import type { Graph } from '../graph/graph.js';
import { verifyGraph } from '../graph/verify.js';
import { blockAttention } from './attention/index.js';
import { centredSums } from './centred-sums.js';
import { commonSteps } from './common-steps.js';
import { commonSubexpressions } from './common-subexpressions.js';
import { deadCode } from './dead-code.js';
import { dropMarkers } from './drop-markers.js';
import { expandComposites } from './expand-composites.js';
import { foldConstants } from './fold-constants.js';
import { foldTransposes } from './fold-transposes.js';
import { implicitBroadcasts } from './implicit-broadcasts.js';
import { joinPads } from './join-pads.js';
import { loopBodies } from './loop-bodies.js';
import type { Pass } from './pass.js';
import { simplifyArithmetic } from './simplify-arithmetic.js';
import { simplifyMovement } from './simplify-movement.js';
import { sinkReshapes } from './sink-reshapes.js';
import { sparseUpdates } from './sparse-updates.js';

export type { Contract, Pass } from './pass.js';

/** In the order in which they run; each makes work for those after it, and the round starts again. */
export const passes: readonly Pass[] = [
  expandComposites,
  loopBodies,
  dropMarkers,
  foldConstants,
  simplifyArithmetic,
  simplifyMovement,
  sinkReshapes,
  implicitBroadcasts,
  foldTransposes,
  joinPads,
  centredSums,
  sparseUpdates,
  commonSubexpressions,
  commonSteps,
  deadCode,
  blockAttention,
];

export interface OptimizeOptions {
  /** Names of passes to leave out. */
  without?: readonly string[];
  /** Bytes that the second-level cache is taken to keep. */
  cacheBytes?: number;
}

const MAX_ROUNDS = 20;

/**
 * Runs the passes in turns, verifying after each, until none of them changes the graph any more.
 * @param tell called as each part of the work begins: with the name of a pass, or `verify`
 */
export function optimize(
  graph: Graph,
  { without = [], cacheBytes }: OptimizeOptions = {},
  tell: (part: string) => void = () => {},
): Graph {
  for (const name of without) {
    if (!passes.some((pass) => pass.name === name)) {
      throw new OptionError(
        `there is no pass ${name}: the passes are ${passes.map((pass) => pass.name).join(', ')}`,
      );
    }
  }
  tell('verify');
  verifyGraph(graph, 'tracing');
  const inner = (body: Graph) => optimizedBody(body, { without, cacheBytes });
  const chosen = passes.filter((pass) => !without.includes(pass.name));
  const early = chosen.filter((pass) => !pass.late).length;
  let now = graph;
  for (let run = 0, idle = 0; idle < chosen.length && run < MAX_ROUNDS * chosen.length; run++) {
    const pass = chosen[run % chosen.length];
    if (pass.late ? idle < early : idle >= early) continue;
    tell(pass.name);
    const next = pass.run(now, inner, cacheBytes);
    idle++;
    tell('verify');
    if (sameGraph(now, next)) continue;
    verifyGraph(next, pass.name);
    now = next;
    idle = 0;
  }
  return now;
}

/** Graphs inside of nodes, by the passes that are left out: each is optimized once, and as it is then stays. */
const bodies = new WeakMap<Graph, Map<string, Graph>>();

function optimizedBody(body: Graph, options: OptimizeOptions): Graph {
  const key = [...options.without!].sort().concat(String(options.cacheBytes)).join();
  const known = bodies.get(body)?.get(key);
  if (known) return known;
  const made = optimize(body, options);
  for (const graph of [body, made]) bodies.set(graph, new Map([...(bodies.get(graph) ?? []), [key, made]]));
  return made;
}

function sameGraph(a: Graph, b: Graph): boolean {
  if (a === b) return true;
  return (
    a.nodes.length === b.nodes.length &&
    a.updates.length === b.updates.length &&
    a.nodes.every((node, i) => node === b.nodes[i]) &&
    a.outputs.every((output, i) => output.node === b.outputs[i].node) &&
    a.updates.every((update, i) => update.value === b.updates[i].value)
  );
}
