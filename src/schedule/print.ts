import type { Node } from '../graph/graph.js';
import { printable, shownName } from '../printable.js';
import { formatType } from '../shape.js';
import { costOf } from './cost.js';
import type { GemmKernel, Group, Kernel, Schedule, Storage } from './kernel.js';
import { isOfParts } from './sum-order.js';

/** One block a kernel: what it computes, reads and writes, how it is tiled, and what it costs; then the reads that could not be fused. */
export function printSchedule(schedule: Schedule): string {
  const lines = [`schedule ${shownName(schedule.name)}: ${schedule.kernels.length} kernels`];
  schedule.kernels.forEach((kernel, i) => {
    const group = schedule.groups.find(({ from }) => from === i);
    if (group) lines.push(`  ${shownGroup(group)}`);
    const { flops, bytes, nanoseconds } = costOf(kernel);
    lines.push(`  ${i} ${kernel.name}`);
    lines.push(`    fuses  ${fused(kernel)}`);
    lines.push(`    loads  ${kernel.loads.map((n) => place(n, schedule)).join(', ') || 'nothing'}`);
    lines.push(`    stores ${kernel.stores.map((n) => place(n, schedule)).join(', ')}`);
    if (kernel.kind === 'gemm') lines.push(`    tiles  ${tiles(kernel)}`);
    lines.push(
      `    cost   ${flops} flops, ${bytes} bytes, ${(flops / Math.max(1, bytes)).toFixed(2)} flops/byte, about ${(nanoseconds / 1000).toPrecision(2)} us`,
    );
  });
  const seen = new Set<string>();
  for (const { from, to, why } of schedule.unfused) {
    const line = `  ${label(from)} -> ${label(to)}: ${why}`;
    if (seen.size === 0) lines.push('  not fused:');
    if (!seen.has(line)) lines.push(`  ${line}`);
    seen.add(line);
  }
  return `${lines.join('\n')}\n`;
}

/** Which kernels a group has, and how it runs them. */
export function shownGroup({ from, to, size, tile }: Group): string {
  const tiles = Math.ceil(size / tile);
  return `kernels ${from} to ${to} are a group: each tile by tile, ${tiles} tiles of ${tile} along ${size}`;
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

function tiles({ k, tiling }: GemmKernel): string {
  const { segments, packA, packB, kBlock, kBlocks, totalAfter, rowBlock, together, epilogue } = tiling;
  const totals = totalAfter > 0 ? `, a total after each ${totalAfter}` : '';
  const shapes = segments.map((s) => `${s.count} of ${s.rows}x${4 * s.vectors - 4 + s.lanes}`);
  const notes = [
    `panels ${shapes.join(', ')}`,
    packB === 'no'
      ? 'B in place'
      : packB === 'lies'
        ? 'B lies in panels'
        : packB === 'copy'
          ? `B copied by ${together > 1 ? `${together} panels` : 'panel'}`
          : 'B transposed by panel',
    ...(packA ? [`A copied by ${rowBlock} rows`] : []),
    ...(kBlocks > 1 ? [`k = ${k} in ${kBlocks} blocks of ${kBlock}${totals}`] : []),
    `sums ${epilogue === 'registers' ? 'finished in registers' : 'finished from memory'}`,
  ];
  return notes.join('; ');
}

function place(node: Node, { storage }: Pick<Schedule, 'storage'>): string {
  const at: Storage | undefined = storage.get(node);
  const name = at && 'name' in at ? `${at.kind} ${shownName(at.name)}` : node.op.name;
  if (at?.kind === 'variable' && at.panels)
    return `${name} ${formatType(node)} in panels of ${at.panels} columns`;
  const part = at?.kind === 'part' ? ` in ${place(at.region.whole, { storage })}` : '';
  return `${name} ${formatType(node)}${part}`;
}

function label(node: Node): string {
  return `${node.op.name} ${formatType(node)}${node.where ? ` (${printable(node.where)})` : ''}`;
}
