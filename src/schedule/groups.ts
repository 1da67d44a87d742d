import { CACHE_BYTES } from '../cache-bytes.js';
import type { Node } from '../graph/graph.js';
import type { Group, Kernel, Storage } from '../kernels/kernel.js';
import { numel } from '../shape.js';
import { type Along, alongOf, keepApart, type Walk } from './along.js';

// Kernels that pass along the same axis of the same large values, as the two products behind a classifier and the sums for its
// bias do, run tile by tile: what one has brought into the cache the next finds there. Each computes what it computed
// alone, unit by unit, so no bit depends on it.

/** How far behind the first kernel of a group others are looked for. */
const LOOKAHEAD = 32;

/** Where values lie that have a memory of their own. */
const WHOLE = new Set<Storage['kind']>(['input', 'variable', 'output', 'constant', 'arena']);

/** Kernels in running order, those of a group side by side. */
export interface Grouped {
  readonly kernels: readonly Kernel[];
  readonly groups: readonly Group[];
}

/** Finds groups among kernels in running order, and brings their members together. */
export function groupKernels(
  kernels: readonly Kernel[],
  storage: ReadonlyMap<Node, Storage>,
  /** Those of the large values that a tile passes. */
  cacheBytes = CACHE_BYTES,
): Grouped {
  const places = new Places(storage, cacheBytes);
  const taken = new Set<Kernel>();
  const order: Kernel[] = [];
  const groups: Group[] = [];
  kernels.forEach((kernel, i) => {
    if (taken.has(kernel)) return;
    const found = new Draft(kernel, places);
    const between: Kernel[] = [];
    for (const next of found.isOpen ? kernels.slice(i + 1, i + 1 + LOOKAHEAD) : []) {
      if (taken.has(next)) continue;
      if (between.some((other) => places.conflict(other, next)) || !found.take(next)) between.push(next);
    }
    const tile = found.tile();
    const members = tile ? found.kernels : [kernel];
    if (tile) groups.push({ from: order.length, to: order.length + members.length - 1, ...tile });
    for (const member of members) {
      taken.add(member);
      order.push(member);
    }
  });
  return { kernels: order, groups };
}

/** A group that grows. */
class Draft {
  readonly kernels: Kernel[];
  private readonly along: Along | null;
  private alongs: Along[] = [];

  constructor(
    first: Kernel,
    private readonly places: Places,
  ) {
    this.kernels = [first];
    this.along = this.places.large(first) ? alongOf(first) : null;
    if (this.along) this.alongs = [this.along];
  }

  get isOpen(): boolean {
    return this.along !== null;
  }

  /** Takes a kernel in, if it belongs there. */
  take(kernel: Kernel): boolean {
    if (!this.along || !this.places.large(kernel)) return false;
    const next = alongOf(kernel);
    if (next?.size !== this.along.size || !this.shares(next)) return false;
    const [alongs, kernels] = [
      [...this.alongs, next],
      [...this.kernels, kernel],
    ];
    if (!isApart(kernels, alongs, this.places) || tileOf(alongs, this.places) === null) return false;
    this.alongs = alongs;
    this.kernels.push(kernel);
    return true;
  }

  tile(): Pick<Group, 'size' | 'tile'> | null {
    if (this.kernels.length < 2) return null;
    return { size: this.along!.size, tile: tileOf(this.alongs, this.places)! };
  }

  /** Whether it passes, tile by tile, a large value that a member passes too. */
  private shares({ walks }: Along): boolean {
    const own = new Set(this.alongs.flatMap((along) => this.places.passed(along.walks)));
    return this.places.passed(walks).some((place) => own.has(place));
  }
}

/** Whether what a member writes is touched by the others only in the same tile. */
function isApart(kernels: readonly Kernel[], alongs: readonly Along[], places: Places): boolean {
  const written = new Set(kernels.flatMap((kernel) => kernel.stores.map((node) => places.of(node))));
  const walks = new Map<Node | string, { walks: Walk[]; members: Set<Along> }>();
  for (const along of alongs) {
    for (const walk of along.walks) {
      const place = places.of(walk.node);
      if (!written.has(place)) continue;
      const found = walks.get(place) ?? { walks: [], members: new Set() };
      walks.set(place, found);
      found.walks.push(walk);
      found.members.add(along);
    }
  }
  const [{ size }] = alongs;
  return [...walks.values()].every((w) => w.members.size < 2 || keepApart(w.walks, size));
}

/** The length of a tile, or null if the members have none in common. */
function tileOf(alongs: readonly Along[], places: Places): number | null {
  const [{ size }] = alongs;
  const step = alongs.reduce((all, along) => lcm(all, along.step), 1);
  const asked = Math.max(...alongs.map((along) => along.tile ?? 0));
  const passed = new Map(alongs.flatMap(({ walks }) => walks).map((w) => [places.of(w.node), w.node]));
  const bytes = [...passed.values()].reduce(
    (sum, node) => sum + (places.isLarge(node) ? 4 * numel(node.shape) : 0),
    0,
  );
  const tile = asked || step * Math.max(1, Math.floor((places.cacheBytes * size) / bytes / step));
  const begins = tile * Math.floor((size - 1) / tile);
  const fits = alongs.every((along) => tile % along.step === 0 && begins <= along.last);
  return begins > 0 && fits ? tile : null;
}

/** Where values lie: new values of a variable where the old ones lay. */
class Places {
  constructor(
    private readonly storage: ReadonlyMap<Node, Storage>,
    readonly cacheBytes: number,
  ) {}

  /** Whether a value does not stay in the cache between two kernels. */
  isLarge({ shape }: Node): boolean {
    return 4 * numel(shape) >= 2 * this.cacheBytes;
  }

  of(node: Node): Node | string {
    const at = this.storage.get(node);
    return at && 'name' in at ? `${at.kind} ${at.name}` : node;
  }

  /** Whether a kernel touches a large value, and only values whose memory is their own. */
  large({ loads, stores }: Kernel): boolean {
    const touched = [...loads, ...stores];
    return touched.some((node) => this.isLarge(node)) && touched.every((node) => this.isWhole(node));
  }

  private isWhole(node: Node): boolean {
    const at = this.storage.get(node);
    return at !== undefined && WHOLE.has(at.kind);
  }

  /** The large values that some walks pass. */
  passed(walks: readonly Walk[]): (Node | string)[] {
    return walks.flatMap(({ node, stride }) => (stride > 0 && this.isLarge(node) ? [this.of(node)] : []));
  }

  /** Whether two kernels must stay in their order. */
  conflict(a: Kernel, b: Kernel): boolean {
    const [storesA, storesB] = [a, b].map((kernel) => new Set(kernel.stores.map((node) => this.of(node))));
    const touches = (stores: ReadonlySet<Node | string>, { loads, stores: own }: Kernel) =>
      [...loads, ...own].some((node) => stores.has(this.of(node)));
    return touches(storesA, b) || touches(storesB, a);
  }
}

function lcm(a: number, b: number): number {
  let [x, y] = [a, b];
  while (y) [x, y] = [y, x % y];
  return (a / x) * b;
}
