import type { Node } from '../graph/graph.js';
import type { Access, Member, NestKernel } from '../schedule/kernel.js';
import { targetIn } from '../schedule/region-reads.js';
import type { Region } from '../schedule/regions.js';
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
  const loops = collapse(domain, reduced, [...readsOf(members), ...targets.values()]);
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
  return { loops, axes, vectorAxis, alongRow, unroll, targets };
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
  let next = 0;
  return { source: node, offset: 0, strides: domain.map((_, i) => (reduced[i] ? 0 : rows[next++])) };
}
