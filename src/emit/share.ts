import { MAX_PART_CELLS, PARTS } from '../plan/layout.js';
import { partsOf } from '../schedule/cost.js';
import type { Kernel } from '../schedule/kernel.js';

// How threads come to their part of a kernel. What is computed does not depend on who computes it.

/** A call of a kernel, and the function that it needs for that. */
export interface Call {
  readonly text: string;
  readonly lines: readonly string[];
}

/** Work for the first thread. */
export function ownCall(name: string, units: number): Call {
  return { text: `if (thread == 0) ${name}(${units > 1 ? `0, ${units}` : ''});`, lines: [] };
}

/** Each thread does its share; of a long kernel it takes parts until none is left. */
export function sharedCall(name: string, kernel: Kernel, units: number, threads: number, cells: Cells): Call {
  const parts = partsOf(kernel, units);
  const cell = parts > 1 ? cells.next(`${name}_taken`) : null;
  if (cell === null) {
    const unit = (index: string) => `firstUnit(${units}, ${index}, ${threads})`;
    return { text: `if (thread < ${threads}) ${name}(${unit('thread')}, ${unit('thread + 1')});`, lines: [] };
  }
  const take = `takePart(${cell}) - ${name}_taken`;
  return {
    text: `${name}_parts();`,
    lines: [
      '',
      `let ${name}_taken: i32 = 0;`,
      `/** Parts of ${name} for whoever is free; every thread counts how many were taken before. */`,
      `function ${name}_parts(): void {`,
      `if (threads == 1) return ${name}(0, ${units});`,
      `for (let part = ${take}; part < ${parts}; part = ${take}) {`,
      `${name}(<usize>(part * ${units} / ${parts}), <usize>((part + 1) * ${units} / ${parts}));`,
      '}',
      `${name}_taken += ${parts} + threads;`,
      '}',
    ],
  };
}

/** Cells of the control block, given out one by one. */
export class Cells {
  private readonly counts: string[] = [];

  /** The cell of a kernel whose threads count in a variable of their own what they know to be taken. */
  next(count: string): number | null {
    if (this.counts.length === MAX_PART_CELLS) return null;
    return PARTS + 4 * (this.counts.push(count) - 1);
  }

  /** What the first thread does before it gives out a job: threads that did not join the last one count anew. */
  clear(): string[] {
    return this.counts.length ? [`memory.fill(${PARTS}, 0, ${4 * this.counts.length});`] : [];
  }

  /** What every thread does as a job begins. */
  forget(): string[] {
    return this.counts.map((count) => `${count} = 0;`);
  }
}
