import { constantValue, type Graph, type Node } from '../graph/graph.js';
import { isInline, sourcesOf } from '../kernels/inline.js';
import type {
  Access,
  CopyKernel,
  FoldKernel,
  GemmKernel,
  KernelBody,
  NestKernel,
  ScatterKernel,
  Schedule,
} from '../kernels/kernel.js';
import type { Cut } from '../kernels/sum-order.js';
import { tilingOf } from '../kernels/tiling.js';
import { viewOf } from '../kernels/view.js';
import type { MatmulAttrs } from '../ops/matmul.js';
import type { Lowering } from '../ops/op.js';
import { broadcastStrides } from '../shape.js';
import type { Cluster } from './cluster.js';
import type { Fusion } from './fuse.js';
import { loopKernel } from './loop-kernel.js';
import type { LoopNode } from './scans.js';

// Clusters as kernels.

/** Nodes that a cluster's kernel reads from memory. */
export function loadsOf(cluster: Cluster, fusion: Fusion): Node[] {
  const nodes = [...cluster.members.keys()].flatMap((node) => sourcesOf(node));
  const external = nodes.filter(
    (node) => !cluster.members.has(node) && !(isInline(node) && !fusion.home.has(node)),
  );
  return [...new Set(external)];
}

/** What a cluster's kernel does. */
export function bodyOf(cluster: Cluster, scheduled: (step: Graph) => Schedule): KernelBody {
  const [first] = cluster.members.keys();
  const members = [...cluster.members.values()];
  const { lower } = first.op;
  switch (lower.kind) {
    case 'matmul':
      return gemm(first, cluster);
    case 'scatter': {
      const [base, ids, updates] = first.inputs.map(ownAccess);
      return { kind: 'scatter', node: first, base, ids, updates } satisfies ScatterKernel;
    }
    case 'fold': {
      const [ids, updates] = first.inputs.map(ownAccess);
      return { kind: 'fold', node: first, ids, updates } satisfies FoldKernel;
    }
    case 'copy':
      return copy(first, lower);
    case 'loop':
      return loopKernel(first as LoopNode, [...cluster.members.keys()], scheduled);
    default:
      return { kind: 'nest', domain: cluster.domain, reduced: cluster.reduced, members } satisfies NestKernel;
  }
}

function ownAccess(node: Node): Access {
  return viewOf(node);
}

function gemm(node: Node, cluster: Cluster): GemmKernel {
  const { transposeA, transposeB, parts, length } = node.attrs as MatmulAttrs & Parts;
  const operand = (input: Node, transposed: boolean): Access & { k: number } => {
    const { source, strides, offset } = viewOf(input);
    const matrix = transposed ? [strides.at(-1)!, strides.at(-2)!] : [strides.at(-2)!, strides.at(-1)!];
    const batch = broadcastStrides(input.shape.slice(0, -2), strides.slice(0, -2), node.shape.slice(0, -2));
    return {
      source,
      offset,
      strides: [...batch, ...matrix],
      k: transposed ? input.shape.at(-2)! : input.shape.at(-1)!,
    };
  };
  const { k, ...a } = operand(node.inputs[0], transposeA);
  const { k: _, ...b } = operand(node.inputs[1], transposeB);
  const own = { domain: cluster.domain, members: [...cluster.members.values()] };
  const product = parts ? inParts(k, a, b, { parts, length: length! }) : { k, a, b };
  return { kind: 'gemm', ...own, ...product, tiling: tilingOf({ ...own, ...product }) };
}

type Parts = Partial<Pick<Cut, 'parts' | 'length'>>;

/** The parts of a product along k as a batch of products. */
function inParts(k: number, a: Access, b: Access, { parts, length }: Required<Parts>) {
  const [[aRow, aColumn], [bRow, bColumn]] = [a.strides.slice(-2), b.strides.slice(-2)];
  return {
    k: length,
    lastK: k - (parts - 1) * length,
    a: { ...a, strides: [length * aColumn, aRow, aColumn] },
    b: { ...b, strides: [length * bRow, bRow, bColumn] },
  };
}

function copy(node: Node, { zeros, starts }: Extract<Lowering, { kind: 'copy' }>): CopyKernel {
  const from = starts(node);
  const blocks = node.inputs.map((input, i) => ({
    read: ownAccess(input),
    shape: input.shape,
    starts: from[i],
  }));
  const all = { starts: node.shape.map(() => 0), shape: node.shape, value: 0 };
  const valueIn = ({ read }: (typeof blocks)[number]) => constantValue(read.source);
  const filled = blocks.flatMap((block) => {
    const value = valueIn(block);
    return value === undefined ? [] : [{ starts: block.starts, shape: block.shape, value }];
  });
  const parts = blocks.filter((block) => valueIn(block) === undefined);
  return { kind: 'copy', node, parts, fills: zeros ? [all, ...filled] : filled };
}
