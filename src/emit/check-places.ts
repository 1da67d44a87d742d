import type { Node } from '../graph/graph.js';
import { clashOf } from '../loops/in-place.js';
import type { EntryPlan } from '../plan/plan.js';
import { numel } from '../shape.js';
import type { Use } from './functions.js';

/**
 * Looks for errors in the memory plan: whatever a kernel writes where something lies that it also reads or writes must be
 * proven safe from its program. Throws an Error that names kernel and values.
 */
export function checkPlaces(uses: readonly Use[], { address }: EntryPlan): void {
  const sizeOf = (node: Node) => 4 * numel(node.shape);
  const meet = (a: Node, b: Node) =>
    address.get(a)! < address.get(b)! + sizeOf(b) && address.get(b)! < address.get(a)! + sizeOf(a);
  for (const { kernel, program } of uses) {
    // What its function does to rows is told in assembly/rows.ts: each sum is made before its first row is written.
    if (kernel.kind === 'fold') continue;
    const of = (node: Node) => (buffer: number) => program.buffers[buffer].node === node;
    const clash = (value: Node, old: Node) =>
      address.get(value) === address.get(old)
        ? clashOf(program, of(value), of(old))
        : 'they overlap in a part of their elements';
    for (const value of kernel.stores) {
      for (const old of [...kernel.loads, ...kernel.stores]) {
        if (old === value || !meet(value, old)) continue;
        const why = clash(value, old);
        if (why === null || (kernel.stores.includes(old) && clash(old, value) === null)) continue;
        throw new Error(
          `${kernel.name} writes ${value.op.name} over ${old.op.name}, which it must not: ${why}`,
        );
      }
    }
  }
}
