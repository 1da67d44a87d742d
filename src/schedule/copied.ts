import type { Node } from '../graph/graph.js';
import { sourcesOf } from '../kernels/inline.js';
import type { Access, Box, KernelBody, Member, NestKernel } from '../kernels/kernel.js';
import { contiguousOp } from '../ops/movement.js';
import type { Op } from '../ops/op.js';
import type { Shape } from '../shape.js';
import { around } from './boxes.js';

/** A value that a kernel only copies together, from parts that are blocks of the value as a tensor of shape `over`. */
export interface Copied {
  readonly whole: Node;
  readonly over: Shape;
  readonly parts: readonly (Box & { readonly read: Access })[];
}

/** The values that a kernel copies, among those that it stores. */
export function copiedBy(kernel: KernelBody, stores: readonly Node[]): Copied[] {
  if (kernel.kind === 'copy') return [{ whole: kernel.node, over: kernel.node.shape, parts: kernel.parts }];
  if (kernel.kind !== 'nest') return [];
  const starts = kernel.domain.map(() => 0);
  return kernel.members
    .filter((member) => stores.includes(member.node) && isCopy(kernel, member))
    .map(({ node, reads: [read] }) => ({
      whole: node,
      over: kernel.domain,
      parts: [{ read, shape: kernel.domain, starts }],
    }));
}

/** Whether a member has the elements of a value in memory in an order of its own, and no other member looks at it. */
function isCopy({ members }: NestKernel, { node, level, reads }: Member): boolean {
  const moves = node.op.lower.kind === 'movement' || node.op === (contiguousOp as unknown as Op);
  if (!moves || level !== 'element') return false;
  const made = new Set(members.map((member) => member.node));
  return !made.has(reads[0].source) && !members.some((m) => sourcesOf(m.node).includes(node));
}

/** The kernel without copying these parts of a value, or null if nothing is left. */
export function restOf(kernel: KernelBody, whole: Node, spared: ReadonlySet<Box>): KernelBody | null {
  if (kernel.kind === 'copy') {
    const parts = kernel.parts.filter((part) => !spared.has(part));
    // Zeros around all may no longer be written where others write.
    const fills = kernel.fills.flatMap((fill) =>
      around(fill, kernel.parts).map((box) => ({ ...box, value: fill.value })),
    );
    return parts.length + fills.length > 0 ? { ...kernel, parts, fills } : null;
  }
  if (kernel.kind !== 'nest') return kernel;
  const members = kernel.members.filter(({ node }) => node !== whole);
  return members.length > 0 ? { ...kernel, members } : null;
}
