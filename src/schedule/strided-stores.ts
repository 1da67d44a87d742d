import type { Node } from '../graph/graph.js';
import { sourcesOf } from '../kernels/inline.js';
import type { Access, Box, KernelBody, Storage } from '../kernels/kernel.js';
import { isWorthIt, mayRead, mayStore, relocated } from '../kernels/region-reads.js';
import { joined, ownRegion, type Region, regionFor, regionOver } from '../kernels/regions.js';
import { identityStrides } from '../kernels/view.js';
import { numel, offsetOf, type Shape } from '../shape.js';
import { type Copied, copiedBy, restOf } from './copied.js';
import { emptyList, known } from './known.js';

/** A kernel before it has a name. */
export interface Draft {
  readonly body: KernelBody;
  readonly loads: readonly Node[];
  readonly stores: readonly Node[];
}

/**
 * Spares copies: where a kernel only writes other kernels' results in one buffer (a concatenation, zeros around a tensor,
 * the same elements in another order), those kernels write them there, through strides. Who else reads such a part from
 * memory reads it there. Returns the kernels that are left, and where the parts lie.
 * @param maps whether products may read through index maps
 */
export function storeParts(
  drafts: readonly Draft[],
  storage: ReadonlyMap<Node, Storage>,
  maps: boolean,
): { drafts: Draft[]; regions: ReadonlyMap<Node, Region> } {
  const placing = new Placing(drafts, storage, maps);
  // What is a part of a later value has its place when its own parts are looked for.
  for (let i = drafts.length - 1; i >= 0; i--) placing.spare(i);
  return placing.result();
}

class Placing {
  private readonly regions = new Map<Node, Region>();
  /** Of each value that is not made by one kernel alone: what it is made of. */
  private readonly parts = new Map<Node, Node[]>();
  private readonly bodies: (KernelBody | null)[];
  private readonly makers = new Map<Node, number>();
  private readonly readers = new Map<Node, number[]>();

  constructor(
    private readonly drafts: readonly Draft[],
    private readonly storage: ReadonlyMap<Node, Storage>,
    private readonly maps: boolean,
  ) {
    this.bodies = drafts.map(({ body }) => body);
    drafts.forEach(({ loads, stores }, i) => {
      for (const node of stores) this.makers.set(node, i);
      for (const node of loads) known(this.readers, node, emptyList<number>).push(i);
    });
  }

  /** Lets others write what a kernel would copy. */
  spare(kernel: number): void {
    for (const copied of copiedBy(this.bodies[kernel]!, this.drafts[kernel].stores)) {
      const { whole, parts } = copied;
      // The old value of a variable may still be read.
      if (this.storage.get(whole)?.kind === 'variable' || numel(whole.shape) === 0) continue;
      if (this.isThere(copied, kernel)) continue;
      const isEmpty = ({ shape }: Box) => numel(shape) === 0;
      const spared = parts.filter((part) => isEmpty(part) || this.moves(part, copied, kernel));
      if (spared.length === 0) continue;
      const body = this.bodies[kernel]!;
      const rest = restOf(body, whole, new Set<Box>(spared));
      this.parts.set(whole, [
        ...spared.filter((part) => !isEmpty(part)).map(({ read }) => read.source),
        // What is left is made by the same kernel as before.
        ...(rest?.kind === 'copy' ? [whole] : []),
      ]);
      this.bodies[kernel] = rest;
    }
  }

  /** Whether the value that a part is made of may lie there; it does then. */
  private moves(part: Copied['parts'][number], { whole, over }: Copied, kernel: number): boolean {
    const { source: value } = part.read;
    const maker = this.makers.get(value);
    const body = maker === undefined || maker === kernel ? null : this.bodies[maker];
    if (!body || this.storage.has(value) || this.regions.has(value) || this.parts.has(value)) return false;
    const target = this.regions.get(whole) ?? ownRegion(whole);
    const { strides, offset } = regionOver(target, over)!;
    const start = offsetOf(part.starts, strides, offset);
    const region = regionFor(part.read, part.shape, { whole: target.whole, strides, offset: start });
    if (!region || !mayStore(body, value, region)) return false;
    // The same kernel may read it for another part, too.
    const rest = restOf(this.bodies[kernel]!, whole, new Set<Box>([part]));
    const others = this.readers
      .get(value)!
      .flatMap((reader) => (reader === kernel ? (rest ?? []) : (this.bodies[reader] ?? [])));
    if (!others.every((reader) => mayRead(reader, value, region, this.maps))) return false;
    if (!isWorthIt(value, region, body, others)) return false;
    this.regions.set(value, region);
    return true;
  }

  /** Whether all parts already lie beside each other as they do in `whole`, which then needs no memory of its own. */
  private isThere({ whole, parts }: Copied, kernel: number): boolean {
    const body = this.bodies[kernel]!;
    const isOnlyThat = body.kind === 'copy' && body.fills.length === 0;
    if (!isOnlyThat || this.storage.has(whole) || this.regions.has(whole)) return false;
    const region = this.common(whole, parts);
    if (!region) return false;
    const readers = (this.readers.get(whole) ?? []).flatMap((reader) => this.bodies[reader] ?? []);
    if (!readers.every((reader) => mayRead(reader, whole, region, this.maps))) return false;
    this.regions.set(whole, region);
    this.parts.set(
      whole,
      parts.map(({ read }) => read.source),
    );
    this.bodies[kernel] = null;
    return true;
  }

  /** The region of all these parts together, if they are in order in the same memory. */
  private common(whole: Node, parts: Copied['parts']): Region | null {
    const regions = parts.flatMap(({ read }) => this.regions.get(read.source) ?? []);
    const memory = regions[0]?.whole;
    if (regions.length < parts.length || regions.some((region) => region.whole !== memory)) return null;
    const places = parts.flatMap(({ read, shape }, i) =>
      isIdentity(read, shape) ? (regionOver(regions[i], shape) ?? []) : [],
    );
    if (places.length < parts.length) return null;
    const [first] = parts;
    const strides = whole.shape.map((size, axis) => {
      if (size === 1 || first.shape[axis] > 1) return places[0].strides[axis];
      const next = parts.findIndex(({ starts }) => starts[axis] === first.starts[axis] + 1);
      return next < 0 ? 0 : places[next].offset - places[0].offset;
    });
    const origin = places[0].offset - offsetOf(first.starts, strides);
    const agree = parts.every(({ starts, shape }, i) => {
      const { offset, strides: own } = places[i];
      if (offset !== offsetOf(starts, strides, origin)) return false;
      return shape.every((size, axis) => size === 1 || own[axis] === strides[axis]);
    });
    return agree ? joined({ whole: memory, sizes: whole.shape, strides, offset: origin }) : null;
  }

  result(): { drafts: Draft[]; regions: ReadonlyMap<Node, Region> } {
    const drafts = this.drafts.flatMap((draft, i): Draft[] => {
      const body = this.bodies[i];
      if (!body) return [];
      const { loads, stores } = body === draft.body ? draft : left(draft, body);
      const made = [...new Set(loads.flatMap((node) => this.madeOf(node)))];
      return [{ body: relocated(body, this.regions), loads: made, stores }];
    });
    return { drafts, regions: this.regions };
  }

  /** The values that kernels make of which a value consists. */
  private madeOf(node: Node): Node[] {
    return this.parts.get(node)?.flatMap((part) => (part === node ? [node] : this.madeOf(part))) ?? [node];
  }
}

/** What a nest waits for though none of its members reads it: parts of a value that lies in parts, which members read whole. */
export function partsIn({ body, loads }: Draft): Node[] {
  if (body.kind !== 'nest') return [];
  const read = new Set(body.members.flatMap(({ node }) => sourcesOf(node)));
  return loads.filter((node) => !read.has(node));
}

/** What a part of a kernel still reads and writes. */
export function left({ body: all, loads, stores }: Draft, body: KernelBody): Pick<Draft, 'loads' | 'stores'> {
  if (body.kind === 'copy') return { loads: [...new Set(body.parts.map(({ read }) => read.source))], stores };
  if (body.kind !== 'nest' || all.kind !== 'nest') return { loads, stores };
  const members = new Set(body.members.map(({ node }) => node));
  const readBy = (nodes: Iterable<Node>) => new Set([...nodes].flatMap((node) => sourcesOf(node)));
  const [before, read] = [readBy(all.members.map(({ node }) => node)), readBy(members)];
  return {
    // In place of a value that lies in parts these are read, whoever of the members does.
    loads: loads.filter((node) => read.has(node) || !before.has(node)),
    stores: stores.filter((node) => members.has(node)),
  };
}

function isIdentity({ offset, strides, source }: Access, shape: Shape): boolean {
  const own = identityStrides(shape);
  return (
    offset === 0 &&
    numel(source.shape) === numel(shape) &&
    own.every((s, i) => shape[i] === 1 || s === strides[i])
  );
}
