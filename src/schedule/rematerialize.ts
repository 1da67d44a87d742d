import type { Remade, Schedule } from '../kernels/kernel.js';
import type { Fused } from './fuse.js';
import { bytesOf } from './liveness.js';
import { tightOrder } from './order.js';
import { choose } from './remake-choice.js';
import type { Dropped, Remaking } from './remake-events.js';
import { withRemakings } from './remake-graph.js';
import { Story } from './remake-story.js';

/**
 * Makes values again, right before they are read, instead of keeping them meanwhile, so that fewer bytes of the arena live at one
 * time. What is made again comes out of the same operations in the same order, so no bit of any result changes.
 */
export class Rematerialization {
  private readonly story: Story;

  /** `plain`: the schedule of the entry as it is. */
  constructor(
    private readonly entry: Fused,
    plain: Schedule,
    takeOver: boolean,
  ) {
    const kernels = tightOrder(plain.kernels, plain.storage, takeOver);
    this.story = new Story(entry.fusion, { ...plain, kernels }, takeOver);
  }

  /**
   * The entry with at most `target` bytes of the arena alive at one time, as far as that can be told before its kernels have
   * their order, or as near to that as is found. `reached`: whether it is there.
   */
  within(target: number): { entry: Fused; reached: boolean } {
    const { entry, story } = this;
    const { dropped, remakings, profile } = choose(story, target);
    const reached = profile.every((bytes) => bytes <= target);
    if (remakings.length === 0) return { entry: { ...entry, most: target }, reached };
    const made = withRemakings(entry, story, dropped, remakings);
    const remade = remakings.flatMap((one) => toldOf(story, dropped, one));
    return { entry: { ...made, most: target, remade }, reached };
  }
}

/** What is told of a kernel that runs again; nothing of one that others spare. */
function toldOf(story: Story, dropped: Dropped, { cluster, wanted, slice }: Remaking): Remade[] {
  if (!story.unit(cluster).kernel) return [];
  const { loads: from, flops, nanoseconds } = slice;
  const memories = new Set(wanted.flatMap((node) => story.memoriesOf(node)));
  const bytes = [...memories].reduce((sum, node) => sum + (dropped.has(node) ? bytesOf(node) : 0), 0);
  return [{ values: wanted, from, bytes, flops, nanoseconds }];
}
