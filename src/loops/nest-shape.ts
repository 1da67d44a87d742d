import type { Node } from '../graph/graph.js';
import type { Access, Member, NestKernel } from '../kernels/kernel.js';
import { targetIn } from '../kernels/region-reads.js';
import type { Region } from '../kernels/regions.js';
import { type Cut, cutOf, isOfParts } from '../kernels/sum-order.js';
import { collapse, type LoopAxis, type Loops, ownElements, readsOf } from './axes.js';
import type { NestOptions } from './nest.js';

/** Elements of a row whose blocks are kept long, whatever they compute. */
const SHORT_ROW = 32;

/** The loops of a nest, and how its values lie in them. */
export interface NestShape {
  readonly loops: Loops;
  /** Those of `loops`; without a reduction the innermost one plays the part of the row. */
  readonly axes: readonly LoopAxis[];
  readonly vectorAxis: number;
  /** Whether the vectors run over elements of a row (else over rows side by side). */
  readonly alongRow: boolean;
  /** Vectors of a block. */
  readonly unroll: number;
  /** Where stored members go. */
  readonly targets: ReadonlyMap<Node, Access>;
  /** Where the reductions are made in parts, which are the outermost axis then: along which other axis. */
  readonly cut: NestCut | null;
}

/** The axis along which reductions are cut, and how; steps of the vector axis are those of its reductions. */
export interface NestCut extends Pick<Cut, 'length' | 'parts'> {
  readonly axis: number;
}

export function shapeOf(
  kernel: NestKernel,
  { stored, target, regionOf }: Pick<NestOptions, 'stored' | 'target' | 'regionOf'>,
): NestShape {
  const { domain, reduced, members } = kernel;
  const targets = new Map(
    members
      .filter((m) => stored.has(m.node))
      .map((m) => [m.node, target ?? ownAccess(kernel, m, regionOf(m.node))]),
  );
  const { loops, cut } = inParts(
    kernel,
    collapse(domain, reduced, [...readsOf(members), ...targets.values()]),
  );
  const vectorAxis = loops.axes.length - 1;
  const axes = loops.axes.some((axis) => axis.reduced)
    ? loops.axes
    : loops.axes.map((axis, i) => ({ ...axis, reduced: i === vectorAxis }));
  const alongRow = axes[vectorAxis].reduced;
  const heavy = members.some((m) => m.node.op.lower.kind === 'elementwise' && m.node.op.lower.cost > 8);
  // A short row has little else to do while it waits for the sums of the stage before.
  const short = alongRow && axes[vectorAxis].size <= SHORT_ROW;
  const large = heavy || members.length > 10;
  const unroll = members.length > 24 ? 1 : large && !short ? 2 : 4;
  return { loops, axes, vectorAxis, alongRow, unroll, targets, cut };
}

/** The loops with one over parts around them, if the kernel's reductions are made so. */
function inParts(kernel: NestKernel, loops: Loops): { loops: Loops; cut: NestCut | null } {
  const cut = cutOf(kernel);
  if (!cut) return { loops, cut };
  const { parts, length, axes } = cut;
  // The groups of axes stand in their order: that of the cut is the one that begins where it does.
  const before = kernel.domain.reduce((n, size, axis) => (axis < axes[0] ? n * size : n), 1);
  let axis = 0;
  for (let n = 1; n < before; axis++) n *= loops.axes[axis].size;
  return {
    cut: { parts, length, axis: axis + 1 },
    loops: {
      axes: [{ size: parts, reduced: false }, ...loops.axes],
      over(access) {
        const over = loops.over(access);
        return { ...over, strides: [isOfParts(access.source) ? 1 : 0, ...over.strides] };
      },
    },
  };
}

function ownAccess(kernel: NestKernel, member: Member, region: Region | undefined): Access {
  if (region) return targetIn(kernel, member, region)!;
  const { domain, reduced } = kernel;
  const { node, level } = member;
  if (level === 'element') return ownElements(node, domain);
  const rows = ownElements(
    node,
    domain.filter((_, i) => !reduced[i]),
  ).strides;
  const apart = isOfParts(node) ? Number(node.attrs.parts) : 1;
  let next = 0;
  return { source: node, offset: 0, strides: domain.map((_, i) => (reduced[i] ? 0 : apart * rows[next++])) };
}
