import type { Node } from '../graph/graph.js';
import { isInline, sourcesOf } from '../kernels/inline.js';
import type { Access, Level, Member } from '../kernels/kernel.js';
import { cutOf, keepsOrder } from '../kernels/sum-order.js';
import { identityStrides, needsCopy, viewOf } from '../kernels/view.js';
import { broadcastStrides, numel, reshapeStrides, type Shape } from '../shape.js';

/** Nodes that will share a kernel, while the schedule is being made. */
export interface Cluster {
  readonly id: number;
  /** A cluster that is `closed` takes no other nodes. */
  readonly kind: 'nest' | 'gemm' | 'closed';
  readonly domain: readonly number[];
  /** All false until a reduction joins. */
  reduced: readonly boolean[];
  readonly members: Map<Node, Member>;
}

/** Members beyond this make a kernel that no register file holds. */
const MAX_MEMBERS = 96;

/** The shape that a node's loops run over. */
export function loopShape(node: Node): Shape {
  return node.op.lower.kind === 'reduce' || needsCopy(node) ? node.inputs[0].shape : node.shape;
}

/** How a node reads its inputs over its own loop shape; a gather reads the rest of a row of its table, and its indices. */
export function ownReads(node: Node): Access[] {
  const shape = loopShape(node);
  if (node.op.lower.kind === 'gather') {
    const [table, ids] = node.inputs.map(viewOf);
    const rank = node.inputs[1].shape.length;
    return [
      {
        source: table.source,
        offset: table.offset,
        strides: dropOnes(shape, (i) => (i < rank ? 0 : table.strides[i - rank + 1])),
      },
      {
        source: ids.source,
        offset: ids.offset,
        strides: dropOnes(shape, (i) => (i < rank ? ids.strides[i] : 0)),
      },
    ];
  }
  return node.inputs.map((input) => readOver(input, shape));
}

/** A read of a node, broadcast to `shape`. */
export function readOver(node: Node, shape: Shape): Access {
  const { source, strides, offset } = viewOf(node);
  const over = broadcastStrides(node.shape, strides, shape);
  return { source, offset, strides: dropOnes(shape, (i) => over[i]) };
}

/** Strides with 0 on axes of size 1, so that equal maps compare equal. */
function dropOnes(shape: Shape, stride: (axis: number) => number): number[] {
  return shape.map((size, i) => (size === 1 ? 0 : stride(i)));
}

/** Sizes of the axes that are not reduced. */
export function rowShape(cluster: { domain: readonly number[]; reduced: readonly boolean[] }): number[] {
  return cluster.domain.filter((_, i) => !cluster.reduced[i]);
}

/** Strides of a value of one element per row (contiguous over the rows), over the whole domain. */
function rowStrides(domain: readonly number[], reduced: readonly boolean[]): number[] {
  const own = identityStrides(domain.filter((_, i) => !reduced[i]));
  let next = 0;
  return domain.map((_, i) => (reduced[i] ? 0 : own[next++]));
}

interface Fitted {
  readonly member: Member;
  readonly reduced: readonly boolean[];
}

/** The node as a member of the cluster and the reduced axes that this asks for, or why it cannot be one. */
export function fitInto(cluster: Cluster, node: Node): Fitted | string {
  const fitted = fitLoops(cluster, node);
  if (typeof fitted === 'string') return fitted;
  const loops = { domain: cluster.domain, reduced: fitted.reduced };
  return keepsOrder(loops, cluster.members.values(), fitted.member)
    ? fitted
    : 'its elements would be summed in another order';
}

function fitLoops(cluster: Cluster, node: Node): Fitted | string {
  if (cluster.kind === 'closed') return `${[...cluster.members.keys()][0].op.name} has a kernel of its own`;
  if (cluster.members.size >= MAX_MEMBERS) return 'the kernel is full';
  const shape = loopShape(node);
  if (numel(shape) === 0 || numel(cluster.domain) === 0) return 'it has no elements';
  const reads = ownReads(node);
  const { kind } = node.op.lower;
  if (kind === 'reduce') return fitReduce(cluster, node, reads);
  if (kind === 'gather' && cluster.kind === 'gemm') return 'a gather is not an epilogue';
  if (numel(shape) === numel(cluster.domain)) {
    const over = reads.map((read) => reshapeRead(read, shape, cluster.domain));
    if (over.includes(null)) return 'its shape does not follow the loops';
    const member: Member = { node, level: 'element', reads: over as Access[] };
    return checkReads(cluster, cluster.reduced, member) ?? { member, reduced: cluster.reduced };
  }
  if (!cluster.reduced.includes(true)) return 'its shape differs from the loops';
  if (cutOf(cluster)) return 'its loops are made in parts';
  const rows = rowShape(cluster);
  if (numel(shape) !== numel(rows)) return 'its shape differs from the loops';
  const over = reads.map((read) => reshapeRead(read, shape, rows));
  if (over.includes(null)) return 'its shape does not follow the rows';
  const widened = (over as Access[]).map((read) => {
    let next = 0;
    return {
      ...read,
      strides: cluster.domain.map((_, i) => (cluster.reduced[i] ? 0 : read.strides[next++])),
    };
  });
  const member: Member = { node, level: 'row', reads: widened };
  return checkReads(cluster, cluster.reduced, member) ?? { member, reduced: cluster.reduced };
}

function fitReduce(cluster: Cluster, node: Node, reads: Access[]) {
  if (cluster.kind === 'gemm') return 'a product is not reduced while it is made';
  const [from] = node.inputs;
  const axes = node.attrs.axes as readonly number[];
  const keep = from.shape
    .map((size, i) => ({ size, reduced: axes.includes(i) }))
    .filter((axis) => axis.size !== 1);
  const own = cluster.domain.map((size, i) => ({ size, i })).filter((axis) => axis.size !== 1);
  if (keep.length !== own.length || keep.some((axis, i) => axis.size !== own[i].size))
    return 'its axes are not the loops';
  const reduced = cluster.domain.map(() => false);
  keep.forEach((axis, i) => {
    reduced[own[i].i] = axis.reduced;
  });
  const free = !cluster.reduced.includes(true);
  if (!free && reduced.some((r, i) => r !== cluster.reduced[i] && cluster.domain[i] !== 1))
    return 'it reduces other axes';
  const over = reshapeRead(reads[0], from.shape, cluster.domain);
  if (!over) return 'its shape does not follow the loops';
  const member: Member = { node, level: 'reduce', reads: [over] };
  return (
    checkReads(cluster, free ? reduced : cluster.reduced, member) ?? {
      member,
      reduced: free ? reduced : cluster.reduced,
    }
  );
}

function reshapeRead(read: Access, from: Shape, to: Shape): Access | null {
  const strides = reshapeStrides(from, read.strides, to);
  return strides && { ...read, strides };
}

/** Members are read from registers, so at their own point of the loops alone. */
function checkReads(cluster: Cluster, reduced: readonly boolean[], member: Member): string | null {
  for (const read of member.reads) {
    const made = cluster.members.get(read.source);
    if (!made) {
      const why = isInline(read.source) ? checkInline(cluster, reduced, member, read.source) : null;
      if (why) return why;
      continue;
    }
    if (member.node.op.lower.kind === 'gather') return 'indices must be in memory';
    const elementwise = made.level === 'element';
    if (elementwise && member.level === 'row') return 'a row cannot read single elements';
    const expected = elementwise ? identityStrides(cluster.domain) : rowStrides(cluster.domain, reduced);
    // Strides that pass all of its elements leave no room for an offset.
    if (read.strides.some((s, i) => s !== expected[i])) return 'it reads other elements than its own';
  }
  return null;
}

/** A scalar made on the spot may be made of what the cluster makes only if there is one of that, and it is known. */
function checkInline(cluster: Cluster, reduced: readonly boolean[], member: Member, scalar: Node) {
  for (const source of sourcesOf(scalar)) {
    const made = cluster.members.get(source);
    if (!made) continue;
    const elementwise = made.level === 'element';
    if (elementwise && member.level === 'row') return 'a row cannot read single elements';
    const count = numel(elementwise ? cluster.domain : rowShape({ domain: cluster.domain, reduced }));
    if (count !== 1) return 'it reads other elements than its own';
  }
  return null;
}

/** The cluster with more members, behind those it has, or undefined if one of them does not fit. */
export function extended(cluster: Cluster, nodes: Iterable<Node>): Cluster | undefined {
  const grown: Cluster = { ...cluster, members: new Map(cluster.members) };
  for (const node of nodes) {
    const fitted = fitInto(grown, node);
    if (typeof fitted === 'string') return undefined;
    grown.members.set(node, fitted.member);
    grown.reduced = fitted.reduced;
  }
  return grown;
}

/** A cluster for one node. */
export function startCluster(id: number, node: Node): Cluster {
  const { kind: lowering } = node.op.lower;
  const kind =
    lowering === 'matmul'
      ? 'gemm'
      : ['scatter', 'fold', 'copy', 'loop'].includes(lowering)
        ? 'closed'
        : 'nest';
  const domain = loopShape(node);
  const axes = (node.attrs.axes as readonly number[] | undefined) ?? [];
  const reducing = node.op.lower.kind === 'reduce';
  const level: Level = reducing ? 'reduce' : 'element';
  const reads = kind !== 'nest' ? [] : ownReads(node);
  return {
    id,
    kind,
    domain,
    reduced: domain.map((_, i) => reducing && axes.includes(i)),
    members: new Map([[node, { node, level, reads }]]),
  };
}
