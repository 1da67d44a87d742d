import type { Node } from '../graph/graph.js';
import type { Kernel, Storage } from './kernel.js';

/**
 * Running order: every kernel after those that make what it reads, and a kernel that overwrites a variable
 * after all others that read its old value. Among those that are ready, the first in the graph goes first.
 */
export function orderKernels(kernels: readonly Kernel[], storage: ReadonlyMap<Node, Storage>): Kernel[] {
  const makers = new Map<Node, Kernel>();
  for (const kernel of kernels) for (const node of kernel.stores) makers.set(node, kernel);
  const overwritten = new Map<string, Kernel>();
  for (const kernel of kernels) {
    for (const node of kernel.stores) {
      const at = storage.get(node)!;
      if (at.kind === 'variable') overwritten.set(at.name, kernel);
    }
  }
  const waits = new Map<Kernel, Set<Kernel>>(kernels.map((k) => [k, new Set()]));
  for (const kernel of kernels) {
    for (const node of kernel.loads) {
      const maker = makers.get(node);
      if (maker) {
        if (maker !== kernel) waits.get(kernel)!.add(maker);
        continue;
      }
      const at = storage.get(node);
      const writer = at?.kind === 'variable' ? overwritten.get(at.name) : undefined;
      if (writer && writer !== kernel) waits.get(writer)!.add(kernel);
    }
  }
  const done = new Set<Kernel>();
  const order: Kernel[] = [];
  while (order.length < kernels.length) {
    const next = kernels.find((k) => !done.has(k) && [...waits.get(k)!].every((w) => done.has(w)));
    if (!next)
      throw new Error(
        `kernels wait for each other: ${kernels.filter((k) => !done.has(k)).map((k) => k.name)}`,
      );
    done.add(next);
    order.push(next);
  }
  return order;
}
