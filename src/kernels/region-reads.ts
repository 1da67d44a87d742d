import type { Node } from '../graph/graph.js';
import { numel, type Shape } from '../shape.js';
import { opCost } from './cost.js';
import { operandThrough } from './index-map.js';
import { isInline, readsWhole, sourcesOf } from './inline.js';
import type { Access, GemmKernel, KernelBody, LoopBody, Member, NestKernel, Operand } from './kernel.js';
import { type Region, regionOver, within } from './regions.js';
import { cutOf, orderOf, passAsOne, passes } from './sum-order.js';

// What it means for a kernel that a value which it makes or reads lies in the memory of another.

type Loops = NestKernel | GemmKernel;

/** Where a member's elements go, over the domain; null if the loops cannot reach them there by strides. */
export function targetIn(kernel: Loops, { level }: Member, region: Region): Access | null {
  const kept = kernel.domain.map(
    (_, i) => kernel.kind === 'gemm' || level === 'element' || !kernel.reduced[i],
  );
  const over = regionOver(
    region,
    kernel.domain.filter((_, i) => kept[i]),
  );
  if (!over) return null;
  let next = 0;
  return {
    source: region.whole,
    offset: over.offset,
    strides: kept.map((k) => (k ? over.strides[next++] : 0)),
  };
}

/** Whether a kernel can write what it makes there. */
export function mayStore(kernel: KernelBody, value: Node, region: Region): boolean {
  switch (kernel.kind) {
    case 'copy':
      return regionOver(region, value.shape) !== null;
    case 'nest':
    case 'gemm': {
      const target = targetIn(kernel, kernel.members.find((m) => m.node === value)!, region);
      return target !== null && keepsSums(kernel, target);
    }
    case 'loop':
      return isStack(kernel, value) && isOneRun(region);
    default:
      return false;
  }
}

/** Whether each step of a loop makes one element of a value, and no other touches it. */
function isStack({ before }: LoopBody, value: Node): boolean {
  return value.op.lower.kind === 'result' && !before.some(({ stores }) => stores.includes(value));
}

/** Whether elements follow each other in memory. */
function isOneRun({ sizes, strides }: Region): boolean {
  return sizes.length === 0 || (sizes.length === 1 && strides[0] === 1);
}

/**
 * Whether all reads of a value can be made there.
 * @param maps whether products may read through index maps
 */
export function mayRead(kernel: KernelBody, value: Node, region: Region, maps: boolean): boolean {
  return readsOf(kernel).every(({ read, shape, fixed, operand, onTheSpot }) => {
    // What it is made from is read where it lies, element by element.
    if (onTheSpot) return !sourcesOf(read.source).includes(value);
    if (read.source !== value) return true;
    if (fixed) return false;
    const inside = within(read, shape, region);
    if (!inside) return maps && operand !== undefined && mapped(kernel, operand, region) !== null;
    return keepsSums(kernel, { ...read, ...inside });
  });
}

/** An operand of a product as an index map of the memory in which it is a part. */
function mapped(
  kernel: KernelBody,
  operand: 'a' | 'b',
  { whole, sizes, strides, offset }: Region,
): Operand | null {
  if (kernel.kind !== 'gemm') return null;
  return operandThrough(kernel, operand, { domain: sizes, read: { source: whole, strides, offset } });
}

interface Read {
  readonly read: Access;
  readonly shape: Shape;
  /** Whether the kernel takes it for granted how the elements lie. */
  readonly fixed?: boolean;
  /** Which of a product it is. */
  readonly operand?: 'a' | 'b';
  /** Whether the kernel makes it itself, wherever else it lies. */
  readonly onTheSpot?: boolean;
}

/** Reads from memory, and of what is made on the spot, over what shape. */
function readsOf(kernel: KernelBody): Read[] {
  switch (kernel.kind) {
    case 'copy':
      return [...kernel.parts];
    case 'loop':
      return kernel.reads.map((read) => ({ read, shape: [], fixed: true }));
    case 'scatter':
      return [kernel.base, kernel.ids, kernel.updates].map((read) => ({ read, shape: [], fixed: true }));
    case 'fold':
      return [kernel.ids, kernel.updates].map((read) => ({ read, shape: [], fixed: true }));
    default: {
      const members = membersReads(kernel);
      if (kernel.kind === 'nest') return members;
      const { domain, k, a, b } = kernel;
      const [m, n] = domain.slice(-2);
      const batch = domain.slice(0, -2);
      return [
        ...operandReads(a, [...batch, m, k], 'a'),
        ...operandReads(b, [...batch, k, n], 'b'),
        ...members,
      ];
    }
  }
}

/** Of an operand that is made, what it is made of. */
function operandReads(read: Operand, shape: Shape, operand: 'a' | 'b'): Read[] {
  const { prologue } = read;
  if (!prologue) return [{ read, shape, operand }];
  return membersReads({ domain: prologue.axes.flat(), members: prologue.members });
}

function membersReads({ domain, members }: Pick<Loops, 'domain' | 'members'>): Read[] {
  const made = new Set(members.map(({ node }) => node));
  return members.flatMap(({ node, reads }) =>
    reads
      // A table is read row by row.
      .map((read, i) => ({
        ...{ read, shape: domain, onTheSpot: isOnTheSpot(node, read) },
        fixed: node.op.lower.kind === 'gather' && i === 0,
      }))
      .filter(({ read }) => !made.has(read.source)),
  );
}

const isOnTheSpot = (reader: Node, { source }: Access) => isInline(source) && !readsWhole(reader);

/** Whether a reduction still takes its elements in order if one of the accesses has these strides. */
function keepsSums(kernel: KernelBody, access: Access): boolean {
  if (kernel.kind !== 'nest') return true;
  const cut = cutOf(kernel);
  if (cut && !passAsOne(kernel, cut, [access])) return false;
  return kernel.members.every((member) => orderOf(member) === 'free') || passes(kernel, [access]);
}

/** The kernel with its reads where the values lie. */
export function relocated(kernel: KernelBody, regions: ReadonlyMap<Node, Region>): KernelBody {
  const moved = (read: Access, shape: Shape): Access => {
    const region = regions.get(read.source);
    return region ? { source: region.whole, ...within(read, shape, region)! } : read;
  };
  switch (kernel.kind) {
    case 'copy':
      return {
        ...kernel,
        parts: kernel.parts.map((part) => ({ ...part, read: moved(part.read, part.shape) })),
      };
    case 'nest':
      return { ...kernel, members: membersMoved(kernel, moved) };
    case 'gemm': {
      const reads = readsOf(kernel);
      const movedOperand = (which: 'a' | 'b'): Operand => {
        const own = kernel[which];
        if (own.prologue) {
          const loops = { domain: own.prologue.axes.flat(), members: own.prologue.members };
          return { ...own, prologue: { ...own.prologue, members: membersMoved(loops, moved) } };
        }
        const { read, shape } = reads.find(({ operand }) => operand === which)!;
        const region = regions.get(read.source);
        if (!region) return own;
        return within(read, shape, region) ? moved(read, shape) : mapped(kernel, which, region)!;
      };
      return { ...kernel, a: movedOperand('a'), b: movedOperand('b'), members: membersMoved(kernel, moved) };
    }
    default:
      return kernel;
  }
}

function membersMoved(
  { domain, members }: Pick<Loops, 'domain' | 'members'>,
  moved: (read: Access, shape: Shape) => Access,
): readonly Member[] {
  const made = new Set(members.map(({ node }) => node));
  return members.map((member) => ({
    ...member,
    reads: member.reads.map((read) =>
      made.has(read.source) || isOnTheSpot(member.node, read) ? read : moved(read, domain),
    ),
  }));
}

/** Nanoseconds: to run a kernel at all, to copy an element, to read one that has no neighbour in its vector, to begin a row. */
const KERNEL = 20;
const COPY = 0.5;
const ALONE = 0.3;
/** To pack an element of an index map, beyond what it takes without one. */
const PACK = 0.15;
const ROW = 0.3;
/** Units of an op's cost in a nanosecond. */
const UNITS = 3;

/** Whether a copy costs more than what its absence costs those who make and read the value: rows end where its rows do. */
export function isWorthIt(
  value: Node,
  region: Region,
  maker: KernelBody,
  readers: readonly KernelBody[],
): boolean {
  const gain = KERNEL + COPY * numel(value.shape);
  const lost = readers.map((reader) => lossOfReader(reader, value, region));
  return lost.reduce((sum, loss) => sum + loss, lossOfMaker(maker, value, region)) <= gain;
}

/** Nanoseconds that a kernel loses where rows of its loops end sooner than before, and vectors are not full. */
function lossOfRows(kernel: KernelBody, before: readonly Access[], after: readonly Access[]): number {
  if (kernel.kind !== 'nest') return 0;
  const work = kernel.members.reduce((sum, { node, reads }) => sum + opCost(node) + reads.length, 0);
  const time = (row: number) => (numel(kernel.domain) / row) * (ROW + Math.ceil(row / 4) * (work / UNITS));
  return time(rowOf(kernel, after)) - time(rowOf(kernel, before));
}

/** Elements that all accesses pass as one row. */
function rowOf({ domain, reduced }: NestKernel, accesses: readonly Access[]): number {
  let row = 1;
  let inner = -1;
  for (let axis = domain.length - 1; axis >= 0; axis--) {
    if (domain[axis] === 1) continue;
    const joins =
      inner < 0 ||
      (reduced[axis] === reduced[inner] &&
        accesses.every(({ strides }) => strides[axis] === strides[inner] * domain[inner]));
    if (!joins) break;
    row *= domain[axis];
    inner = axis;
  }
  return row;
}

function lossOfMaker(kernel: KernelBody, value: Node, region: Region): number {
  if (kernel.kind !== 'nest') return 0;
  const made = kernel.members.find((m) => m.node === value)!;
  const reads = kernel.members.flatMap((m) => m.reads);
  return lossOfRows(kernel, reads, [...reads, targetIn(kernel, made, region)!]);
}

function lossOfReader(kernel: KernelBody, value: Node, region: Region): number {
  const reads = readsOf(kernel).filter(({ onTheSpot }) => !onTheSpot);
  const inside = reads.map(({ read, shape }) => (read.source === value ? within(read, shape, region) : read));
  const after = reads.map(({ read }, i) => ({ ...read, ...inside[i] }));
  const alone = reads.filter(({ read, shape }, i) => {
    if (kernel.kind === 'gemm' && read === kernel.a) return false;
    const axis = shape.findLastIndex((size) => size !== 1);
    return inside[i] && read.source === value && read.strides[axis] === 1 && after[i].strides[axis] !== 1;
  });
  const packed = reads.filter((_, i) => !inside[i]);
  const lost =
    alone.reduce((sum, { shape }) => sum + ALONE * numel(shape), 0) +
    packed.reduce((sum, { shape }) => sum + PACK * numel(shape), 0);
  const before = reads.map(({ read }) => read);
  return lost + lossOfRows(kernel, before, after);
}
