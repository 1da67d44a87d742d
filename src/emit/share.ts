import { MAX_PART_CELLS, PARTS } from '../plan/layout.js';
import type { KernelFunction } from './functions.js';
import type { Imports } from './imports.js';

// How threads come to their part of a kernel. What is computed does not depend on who computes it.

/** A call of a kernel's function, and what has to be declared for it. */
export interface Call {
  readonly text: string;
  readonly lines: readonly string[];
}

/** A function of a range of units, and the addresses that it is called with. */
interface Callee {
  readonly to: Pick<KernelFunction, 'name' | 'units' | 'parameters'>;
  readonly addresses: readonly string[];
}

/** Work that this thread does wherever it is called. */
export function plainCall({ to, addresses }: Callee): Call {
  const range = to.units > 1 ? ['0', to.units] : [];
  return { text: `${to.name}(${[...range, ...addresses].join(', ')});`, lines: [] };
}

/** Work for the first thread, or for the second if there is one. */
export function ownCall({ to, addresses }: Callee, second: boolean, imports: Imports): Call {
  imports.add('team', 'thread', ...(second ? ['second'] : []));
  const who = second ? 'second' : 0;
  return { text: `if (thread == ${who}) ${plainCall({ to, addresses }).text}`, lines: [] };
}

/** Each thread does its share, or takes of so many parts until none is left. `stem` tells the call from others. */
export function sharedCall(
  { to, addresses }: Callee,
  { parts: count, stem }: { readonly parts: number; readonly stem: string },
  threads: number,
  { parts, imports }: { readonly parts: PartFunctions; readonly imports: Imports },
): Call {
  const { units } = to;
  const taken = `${stem}_taken`;
  const cell = count > 1 ? parts.cells.next(taken) : null;
  if (cell === null) {
    imports.add('team', 'firstUnit', 'thread');
    const unit = (index: string) => `firstUnit(${units}, ${index}, ${threads})`;
    const range = [unit('thread'), unit('thread + 1')];
    return {
      text: `if (thread < ${threads}) ${to.name}(${[...range, ...addresses].join(', ')});`,
      lines: [],
    };
  }
  const { name, lines } = parts.of(to, count);
  return {
    text: `${taken} = ${name}(${[taken, cell, ...addresses].join(', ')});`,
    lines: [...lines, `let ${taken}: i32 = 0;`],
  };
}

/** The functions that give out parts of kernels, each made when it is first asked for. */
export class PartFunctions {
  readonly cells = new Cells();
  private readonly made = new Set<string>();

  constructor(private readonly imports: Imports) {}

  /** The lines are empty if it exists. */
  of({ name: kernel, units, parameters }: Callee['to'], parts: number) {
    const name = `${kernel}_parts${parts}`;
    if (this.made.has(name)) return { name, lines: [] };
    this.made.add(name);
    this.imports.add('team', 'takePart', 'threads');
    const typed = ['taken: i32', 'cell: usize', ...parameters.map((p) => `${p}: usize`)];
    const call = (from: string, to: string) => `${kernel}(${[from, to, ...parameters].join(', ')});`;
    const take = 'takePart(cell) - taken';
    const lines = [
      '',
      `/** Parts of ${kernel} for whoever is free; takes and returns how many this thread knows to be taken. */`,
      `function ${name}(${typed.join(', ')}): i32 {`,
      'if (threads == 1) {',
      call('0', String(units)),
      'return taken;',
      '}',
      `for (let part = ${take}; part < ${parts}; part = ${take}) {`,
      call(`<usize>(part * ${units} / ${parts})`, `<usize>((part + 1) * ${units} / ${parts})`),
      '}',
      `return taken + ${parts} + threads;`,
      '}',
    ];
    return { name, lines };
  }
}

/** Cells of the control block, given out one by one. */
export class Cells {
  private readonly counts: string[] = [];

  /** The cell of a call whose threads count in a variable of their own what they know to be taken. */
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
