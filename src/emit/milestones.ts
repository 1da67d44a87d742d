import { ALIGNMENT, type Buffer } from '../plan/layout.js';
import { type Places, regionIn, writtenBy } from '../plan/places.js';
import type { Run } from './runs.js';
import { elementsOf } from './touched.js';

// Where a step tells its host how much of an output is there already, so that the host can send it while the rest is made.

/** Bytes of which it is worth telling, and into how many such pieces an output is cut at most. */
const LEAST = 1 << 17;
const MOST = 16;
/** Nanoseconds after which the host is called even if nothing more is there: what it sends moves on only if it looks. */
const LOOK = 50_000;

/** Bytes from the beginning of an output that nothing touches any more after each of some runs. */
function finished(runs: readonly Run[], { address, bytes }: Buffer, places: Places): number[] {
  const ends: number[] = [];
  let end = bytes;
  for (let i = runs.length - 1; i >= 0; i--) {
    ends[i] = end;
    for (const kernel of kernelsOf(runs[i])) {
      const regions = [...writtenBy(places, kernel), ...kernel.loads.map((node) => regionIn(places, node))];
      for (const region of regions) {
        if (places.address.get(region.whole) !== address) continue;
        const { first, sizes, strides } = elementsOf(region, places);
        const lowest = strides.reduce(
          (at, stride, axis) => at + Math.min(0, stride * (sizes[axis] - 1)),
          first,
        );
        end = Math.min(end, 4 * lowest - address);
      }
    }
  }
  return ends;
}

const kernelsOf = (run: Run) => (run.kind === 'loop' ? [run.loop] : run.members.map(({ use }) => use.kernel));

/**
 * After which runs the host is told, and of how many bytes; of as many as before where it should only look. After the last
 * run it knows.
 */
export function milestones(
  runs: readonly Run[],
  output: Buffer,
  places: Places,
): ReadonlyMap<Run, { readonly bytes: number; readonly more: boolean }> {
  const piece = Math.max(LEAST, Math.ceil(output.bytes / MOST));
  const told = new Map<Run, { bytes: number; more: boolean }>();
  const ends = finished(runs, output, places);
  let [bytes, since] = [0, 0];
  runs.slice(0, -1).forEach((run, i) => {
    since += run.nanoseconds;
    const end = Math.floor(ends[i] / ALIGNMENT) * ALIGNMENT;
    const more = end - bytes >= piece;
    if (!more && (bytes === 0 || since < LOOK)) return;
    if (more) bytes = end;
    told.set(run, { bytes, more });
    since = 0;
  });
  return told;
}
