import type { Node } from '../graph/graph.js';
import { operandThrough } from '../kernels/index-map.js';
import { isInline } from '../kernels/inline.js';
import type { Box, KernelBody, NestKernel } from '../kernels/kernel.js';
import { type Copied, copiedBy, restOf } from './copied.js';
import { emptyList, known } from './known.js';
import { readOtherwise } from './prologue.js';
import { type Draft, left, partsIn } from './strided-stores.js';

/**
 * Spares copies that products alone read: they find their elements where these are copied from, through an index map of
 * several strides for each axis, as they pack panels or pass rows. Null in place of a kernel of which nothing is left.
 * @param may whether a copied value may be read by other kernels than the one that copies it
 * @param keep what has to be in memory
 */
export function mapOperands(
  drafts: readonly Draft[],
  may: (source: Node) => boolean,
  keep: (copy: Node) => boolean,
): (Draft | null)[] {
  const out: (Draft | null)[] = [...drafts];
  const readers = new Map<Node, number[]>();
  drafts.forEach(({ loads }, i) => {
    for (const node of loads) known(readers, node, emptyList<number>).push(i);
  });
  // What is copied of a copy is found before that one.
  for (let i = drafts.length - 1; i >= 0; i--) {
    const { body, stores, loads } = drafts[i];
    if (body.kind !== 'nest') continue;
    for (const copied of copiedBy(body, stores)) {
      const { whole, parts } = copied;
      const [{ read }] = parts;
      if (keep(whole) || isInline(read.source) || !may(read.source)) continue;
      // What lies as a part in another value's memory is known to kernels as what it is.
      const own = loads.filter((node) => node === read.source);
      const needs =
        body.members.length === 1 ? loads : own.length > 0 ? [...own, ...partsIn(drafts[i])] : own;
      const of = (readers.get(whole) ?? []).filter((reader) => out[reader]?.loads.includes(whole));
      const mapped = of.map((reader) => readThrough(out[reader]!, copied, needs));
      if (of.length === 0 || needs.length === 0 || mapped.includes(null)) continue;
      of.forEach((reader, at) => {
        out[reader] = mapped[at];
        for (const node of needs) known(readers, node, emptyList<number>).push(reader);
      });
      out[i] = without(out[i]!, whole, parts);
    }
  }
  return out;
}

/** A product that reads what is copied in place of the copy, or null if it cannot, or is no product. */
function readThrough(
  draft: Draft,
  { whole, over, parts: [{ read }] }: Copied,
  needs: readonly Node[],
): Draft | null {
  const { body } = draft;
  if (body.kind !== 'gemm' || body.members.some(({ reads }) => reads.some((r) => r.source === whole)))
    return null;
  return readOtherwise(draft, whole, needs, (kernel, which) =>
    operandThrough(kernel, which, { domain: over, read }),
  );
}

function without(draft: Draft, whole: Node, parts: readonly Box[]): Draft | null {
  const rest: KernelBody | null = restOf(draft.body as NestKernel, whole, new Set(parts));
  return rest && { body: rest, ...left(draft, rest) };
}
