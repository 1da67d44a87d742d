import { inputAttrs, isInput, type Node } from '../graph/graph.js';
import { costOf } from '../kernels/cost.js';
import { operandShapes } from '../kernels/index-map.js';
import {
  type GemmKernel,
  type Kernel,
  type LoopKernel,
  type Operand,
  type Schedule,
  type Storage,
  shownGroup,
} from '../kernels/kernel.js';
import { isOfParts } from '../kernels/sum-order.js';
import { printable, shownName } from '../printable.js';
import { formatType } from '../shape.js';

/**
 * One block a kernel: what it computes, reads and writes, how it is tiled, and what it costs; then the reads that could not be
 * fused. The kernels of a loop stand below it, indented.
 */
export function printSchedule(schedule: Schedule): string {
  const lines = [
    `schedule ${shownName(schedule.name)}: ${schedule.kernels.length} kernels`,
    ...remade(schedule),
    ...blocks(schedule).map((line) => `  ${line}`),
  ];
  return `${lines.join('\n')}\n`;
}

/** What is made again rather than kept. */
function remade({ remade = [] }: Schedule): string[] {
  const list = (nodes: readonly Node[]) => nodes.map(valueLabel).join(', ') || 'constants';
  const lines = remade.map(
    ({ values, from, bytes, flops, nanoseconds }) =>
      `    ${list(values)}: ${bytes} bytes are free meanwhile; from ${list(from)}; ${flops} flops, about ${(nanoseconds / 1000).toPrecision(2)} us`,
  );
  return lines.length > 0 ? ['  made again rather than kept:', ...lines] : [];
}

function blocks(schedule: Schedule): string[] {
  const lines: string[] = [];
  schedule.kernels.forEach((kernel, i) => {
    const group = schedule.groups.find(({ from }) => from === i);
    if (group) lines.push(shownGroup(group));
    lines.push(`${i} ${kernel.name}`, ...block(kernel, schedule).map((line) => `  ${line}`));
  });
  const seen = new Set<string>();
  for (const { from, to, why } of schedule.unfused) {
    const line = `  ${valueLabel(from)} -> ${valueLabel(to)}: ${why}`;
    if (seen.size === 0) lines.push('not fused:');
    if (!seen.has(line)) lines.push(line);
    seen.add(line);
  }
  return lines;
}

function block(kernel: Kernel, schedule: Schedule): string[] {
  const { flops, bytes, nanoseconds } = costOf(kernel);
  const list = (nodes: readonly Node[]) => nodes.map((n) => place(n, schedule)).join(', ') || 'nothing';
  const stores = kernel.kind === 'loop' ? kernel.results : kernel.stores;
  return [
    ...(kernel.kind === 'loop' ? [] : [`fuses  ${fused(kernel)}`]),
    `loads  ${list(kernel.loads)}`,
    `stores ${list(stores)}`,
    ...(kernel.kind === 'gemm' ? [`tiles  ${tiles(kernel)}`] : []),
    `cost   ${flops} flops, ${bytes} bytes, ${(flops / Math.max(1, bytes)).toFixed(2)} flops/byte, about ${(nanoseconds / 1000).toPrecision(2)} us`,
    ...(kernel.kind === 'loop' ? turns(kernel, schedule) : []),
  ];
}

/** What a loop does once, where a turn finds what, and what it does. */
function turns({ before, body, length, places }: LoopKernel, schedule: Schedule): string[] {
  const found = [...places].flatMap(([key, { source, offset, step }]) => {
    const moved = step === 0 ? '' : `, ${Math.abs(step)} ${step < 0 ? 'back' : 'on'} with each turn`;
    const from = offset === 0 && step === 0 ? '' : ` from element ${offset}${moved}`;
    return `${printable(key)} is ${place(source, schedule)}${from}`;
  });
  return [
    ...before.map((copy) => `before ${copy.name} to ${place(copy.stores[0], schedule)}`),
    ...found.map((line) => `where  ${line}`),
    `${length} turns of ${body.kernels.length} kernels`,
    ...blocks(body).map((line) => `  ${line}`),
  ];
}

function fused(kernel: Kernel): string {
  if (kernel.kind !== 'gemm' && kernel.kind !== 'nest') return kernel.node.op.name;
  return kernel.members
    .map(({ node, level }) => {
      if (level === 'element') return node.op.name;
      return `${node.op.name} (${isOfParts(node) ? `reduce in ${node.attrs.parts} parts` : level})`;
    })
    .join(', ');
}

function tiles(kernel: GemmKernel): string {
  const { k, tiling } = kernel;
  const { segments, packA, packB, kBlock, kBlocks, totalAfter, rowBlock, together, epilogue } = tiling;
  const totals = totalAfter > 0 ? `, a total after each ${totalAfter}` : '';
  const shapes = segments.map((s) => `${s.count} of ${s.rows}x${4 * s.vectors - 4 + s.lanes}`);
  const notes = [
    ...maps(kernel),
    `panels ${shapes.join(', ')}`,
    packB === 'no'
      ? 'B in place'
      : packB === 'lies'
        ? 'B lies in panels'
        : packB === 'copy'
          ? `B copied by ${together > 1 ? `${together} panels` : 'panel'}`
          : packB === 'made'
            ? `B made by panel: ${madeOf(kernel.b)}`
            : 'B transposed by panel',
    ...(packA
      ? [
          kernel.a.prologue
            ? `A made by ${rowBlock} rows: ${madeOf(kernel.a)}`
            : `A copied by ${rowBlock} rows`,
        ]
      : []),
    ...(kBlocks > 1 ? [`k = ${k} in ${kBlocks} blocks of ${kBlock}${totals}`] : []),
    `sums ${epilogue === 'registers' ? 'finished in registers' : 'finished from memory'}`,
  ];
  return notes.join('; ');
}

/** The ops that make an operand. */
function madeOf({ prologue }: Operand): string {
  return prologue!.members.map(({ node }) => node.op.name).join(', ');
}

/** How the axes of operands are taken apart that are index maps: `A is m 4x12x12 by k 3x24`. */
function maps(kernel: GemmKernel): string[] {
  const shapes = operandShapes(kernel);
  return (['a', 'b'] as const).flatMap((which) => {
    const operand = kernel[which];
    if (!operand.digits) return [];
    const axes = operand.digits.map(
      (digits, i) => digits.map(({ size }) => size).join('x') || shapes[which][i],
    );
    const names = which === 'a' ? ['m', 'k'] : ['k', 'n'];
    const shown = axes.map((sizes, i) => `${names[i - axes.length + 2] ?? 'batch'} ${sizes}`);
    return [`${which.toUpperCase()} is ${shown.join(' by ')}`];
  });
}

function place(node: Node, { storage }: Pick<Schedule, 'storage'>): string {
  const at: Storage | undefined = storage.get(node);
  const name = at && 'name' in at ? `${at.kind} ${shownName(at.name)}` : node.op.name;
  if (at?.kind === 'variable' && at.panels)
    return `${name} ${formatType(node)} in panels of ${at.panels} columns`;
  const part = at?.kind === 'part' ? ` in ${place(at.region.whole, { storage })}` : '';
  return `${name} ${formatType(node)}${part}`;
}

/** A value in words, with the line that made it. */
export function valueLabel(node: Node): string {
  const name = isInput(node) ? shownName(inputAttrs(node).name) : node.op.name;
  return `${name} ${formatType(node)}${node.where ? ` (${printable(node.where)})` : ''}`;
}
