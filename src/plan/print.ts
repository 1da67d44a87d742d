import { formatType } from '../shape.js';
import { FIRST_REGION } from './layout.js';
import type { Buffer, MemoryPlan } from './plan.js';

/** The memory map: every region and buffer with its address and size in bytes, and how well the arena is shared. */
export function printMemory(plan: MemoryPlan): string {
  const lines = [
    `memory: ${plan.end} bytes before the dataset`,
    row(0, FIRST_REGION, 'control, learning rates, losses'),
  ];
  const list = (title: string, buffers: readonly Buffer[]) => {
    if (buffers.length === 0) return;
    lines.push(`  ${title}`);
    for (const b of buffers) lines.push(row(b.address, b.bytes, `${b.name}: ${formatType(b)}`));
  };
  list('variables', plan.variables);
  list('constants', plan.constants);
  for (const [entry, { inputs, outputs }] of Object.entries(plan.entries)) {
    list(`${entry}: inputs`, inputs);
    list(`${entry}: outputs`, outputs);
  }
  lines.push(
    '  arena',
    row(plan.arena.address, plan.arena.bytes, 'shared by the entries, which run one at a time'),
  );
  for (const [entry, { arena, peak, lowerBound, unshared }] of Object.entries(plan.entries)) {
    lines.push(`  ${entry}: peak ${peak} bytes; largest live set ${lowerBound}; without sharing ${unshared}`);
    for (const b of arena)
      lines.push(`${row(b.address, b.bytes, `${b.name}: ${formatType(b)}`)}  kernels ${b.from} to ${b.to}`);
  }
  return `${lines.join('\n')}\n`;
}

function row(address: number, bytes: number, what: string): string {
  return `    ${String(address).padStart(9)} ${String(bytes).padStart(9)}  ${what}`;
}
