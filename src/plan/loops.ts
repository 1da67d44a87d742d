import type { Node } from '../graph/graph.js';
import type { Kernel, LoopKernel, Schedule } from '../kernels/kernel.js';
import type { Region } from '../kernels/regions.js';
import { numel } from '../shape.js';
import { type ArenaPlan, placeArena } from './arena.js';
import { align, type Buffer } from './layout.js';

// Loops have an arena of their own, which is a buffer of what is around them: it lives while the loop runs.

/** A buffer of intermediate values, alive from the kernel that writes it to the last that reads it. */
export interface ArenaBuffer extends Buffer {
  readonly node: Node;
  readonly from: number;
  readonly to: number;
  /** Name of the buffer whose memory this one takes over, element by element, while its first kernel runs. */
  readonly over: string | null;
}

/** Where the values of a schedule lie. */
export interface StepPlan {
  readonly arena: readonly ArenaBuffer[];
  /**
   * Address of every stored node that is no part of another. What lies elsewhere in each step of a loop has one that is no
   * address, and only tells it from others.
   */
  readonly address: ReadonlyMap<Node, number>;
  /** Where each node lies that is a part of another. */
  readonly parts: ReadonlyMap<Node, Region>;
  /** Of a step of each loop, by what stands for the loop's memory. */
  readonly loops: ReadonlyMap<Node, LoopPlan>;
}

/** Where the values of a step of a loop lie. */
export interface LoopPlan extends StepPlan {
  /** Where its arena begins, and how many bytes it has. */
  readonly from: number;
  readonly bytes: number;
}

/** A schedule's arena, and those of the loops in it. */
export interface Placed {
  readonly arena: ArenaPlan;
  readonly loops: ReadonlyMap<Node, Placed>;
}

export function loopsIn({ kernels }: Schedule): LoopKernel[] {
  return kernels.flatMap((kernel) => (kernel.kind === 'loop' ? [kernel] : []));
}

/** All kernels of a schedule, those in loops among them. */
export function kernelsIn({ kernels }: Schedule): Kernel[] {
  return kernels.flatMap((kernel) =>
    kernel.kind === 'loop' ? [...kernel.before, ...kernelsIn(kernel.body)] : [kernel],
  );
}

/** Places in the arena of a schedule, from its start on. */
export function placed(schedule: Schedule): Placed {
  const loops = new Map(loopsIn(schedule).map(({ work, body }) => [work, placed(body)]));
  const sizes = new Map([...loops].map(([work, { arena }]) => [work, align(Math.max(4, arena.peak))]));
  return { arena: placeArena(schedule.lives, sizes), loops };
}

/** No address of a memory, of 32 bits, is as large. */
const ELSEWHERE = 2 ** 40;

/** Where the values of loops lie, once all around them have their addresses. */
export function loopPlan(
  schedule: Schedule,
  { loops }: Placed,
  around: ReadonlyMap<Node, number>,
  constants: ReadonlyMap<Node, number>,
): Map<Node, LoopPlan> {
  return new Map(
    loopsIn(schedule).map(({ work, body }): [Node, LoopPlan] => {
      const own = loops.get(work)!;
      const from = around.get(work)!;
      const arena = own.arena.buffers.map((b) => ({ ...b, address: b.address + from }));
      const address = new Map(arena.map((b) => [b.node, b.address]));
      const parts = new Map<Node, Region>();
      let elsewhere = ELSEWHERE;
      for (const [node, at] of body.storage) {
        if (at.kind === 'part') parts.set(node, at.region);
        else if (at.kind === 'constant') address.set(node, constants.get(node)!);
        else if (at.kind !== 'arena') {
          address.set(node, elsewhere);
          elsewhere += align(4 * Math.max(1, numel(node.shape)));
        }
      }
      // A variable's new value lies where the old one did.
      shareVariables(body, address);
      const inner = loopPlan(body, own, address, constants);
      for (const [node, region] of workRegions(inner)) parts.set(node, region);
      return [work, { arena, address, parts, loops: inner, from, bytes: own.arena.peak }];
    }),
  );
}

/** The memory of loops, which may be larger than the scheduler took it to be. */
export function workRegions(loops: ReadonlyMap<Node, LoopPlan>): [Node, Region][] {
  return [...loops].map(([whole, { bytes }]) => [
    whole,
    { whole, sizes: [Math.ceil(bytes / 4)], strides: [1], offset: 0 },
  ]);
}

function shareVariables({ storage }: Schedule, address: Map<Node, number>): void {
  const known = new Map<string, number>();
  for (const [node, at] of storage) {
    if (at.kind !== 'variable') continue;
    const first = known.get(at.name) ?? address.get(node)!;
    known.set(at.name, first);
    address.set(node, first);
  }
}
