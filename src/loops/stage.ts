import { inputAttrs, isInput } from '../graph/graph.js';
import { type Group, type Kernel, type LoopKernel, shownGroup } from '../kernels/kernel.js';
import { shownName } from '../printable.js';
import { formatType } from '../shape.js';
import { printLoops } from './print.js';
import type { LoopProgram, Place } from './program.js';
import { unitsOfTile } from './tiles.js';

/** A kernel of an entry, in running order. */
export interface StageKernel {
  readonly entry: string;
  readonly kernel: Kernel;
  readonly name: string;
  readonly program: LoopProgram;
  readonly group: Group | null;
  /** The loops in which it runs, from the outside in. */
  readonly loops: readonly LoopKernel[];
}

/** All programs as a stage of the compilation: what each works on, then its loops, unless an earlier kernel has the same. */
export function printStage(kernels: readonly StageKernel[]): string {
  const first = new Map<string, string>();
  const lines: string[] = [];
  let entry: string | undefined;
  let at = 0;
  for (const kernel of kernels) {
    if (kernel.entry !== entry) {
      entry = kernel.entry;
      at = 0;
      const count = kernels.filter((k) => k.entry === entry).length;
      lines.push(`loops ${shownName(entry)}: ${count} kernels`);
    }
    const text = printLoops(kernel.program);
    const known = first.get(text);
    if (kernel.group?.from === at) lines.push(`  ${shownGroup(kernel.group)}`);
    const turns = kernel.loops.map(({ length }) => `, ${length} turns`).join('');
    lines.push(`  ${at} ${kernel.name}${turns}`);
    if (kernel.group) lines.push(`    ${unitsOfTile(kernel.kernel, kernel.group.tile)} units a tile`);
    kernel.program.buffers.forEach((place, i) => {
      lines.push(`    buffer${i} is ${shown(place)}`);
    });
    lines.push(...(known ? [`as ${known}`] : text.split('\n')).map((line) => `    ${line}`));
    if (!known) first.set(text, `${shownName(entry)} ${at}`);
    at++;
  }
  return `${lines.join('\n')}\n`;
}

function shown({ node, element }: Place): string {
  const name = isInput(node) ? shownName(inputAttrs(node).name) : node.op.name;
  return `${name} ${formatType(node)}${element ? ` from element ${element} on` : ''}`;
}
