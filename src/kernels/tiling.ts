import { numel } from '../shape.js';
import { opCost } from './cost.js';
import { digitsOf, isMapped } from './index-map.js';
import type { Member, Operand } from './kernel.js';
import { inRows, packsMap } from './packing.js';

/** How a matrix product is cut into tiles that fit the registers and blocks that fit the caches. */
export interface Tiling {
  /** From left to right; together they cover the n columns. */
  readonly segments: readonly Segment[];
  /**
   * How the panels of B that a tile reads are laid out: as they lie, or copied side by side first; `made`: its elements are
   * made on the way; `lies`: B lies in panels.
   */
  readonly packB: 'no' | 'copy' | 'turned' | 'made' | 'lies';
  /** Whether rows of A are copied to lie k-major, four rows side by side. */
  readonly packA: boolean;
  /** How a tile finds its rows of A where they are not copied: by a stride, or each from an address of its own. */
  readonly rowsA: 'stride' | 'each';
  /** Products summed before a tile's sums go to memory; all k of them, unless panels would not stay in the cache. */
  readonly kBlock: number;
  readonly kBlocks: number;
  /** After how many blocks the sums are added to totals that keep what rounding takes from them; 0: there are few. */
  readonly totalAfter: number;
  /** Rows, and panels, that are worked on together where k is cut. */
  readonly rowBlock: number;
  readonly panelBlock: number;
  /** Panels that a row of tiles passes before the next row does. */
  readonly group: number;
  /** Panels of B that are copied at a time where a row of tiles passes one. */
  readonly together: number;
  /** Whether the other members of the kernel are computed on a tile in registers, or on sums read back from memory. */
  readonly epilogue: 'registers' | 'memory';
  /** Which units threads share. */
  readonly split: 'matrices' | 'panels' | 'rows';
}

/** Panels of equal width: `count` times `4 * vectors` columns from `column` on, worked on by tiles of `rows` rows. */
export interface Segment {
  readonly column: number;
  readonly vectors: number;
  readonly rows: number;
  readonly count: number;
  /** Columns in the last vector that exist. */
  readonly lanes: number;
}

/**
 * Time of one step in k of a tile of so many vectors (first index) and rows (second), in units of its own:
 * measured with all operands in the first-level cache (`npm run bench -- --gemm` shows the outcome). Tiles with
 * more sums, a row of B and a column of A than 15 vectors spill, so they are not in the table.
 */
const STEP_TIME: Readonly<Record<number, readonly number[]>> = {
  1: [0.65, 0.78, 0.85, 1.05],
  2: [0.78, 0.96, 1.28, 1.68],
  3: [0.88, 1.34],
  4: [1.08, 1.7],
};
/** Wider tiles for a single row. */
const ROW_STEP_TIME: typeof STEP_TIME = { ...STEP_TIME, 5: [1.32], 6: [1.52], 7: [1.73] };

/** Bytes of a panel of B and the tile's rows of A that leave the first-level cache to neither alone. */
const PANEL_BYTES = 20 * 1024;
/** Bytes of the panels that a row of tiles passes one after the other: they come from the second-level cache in time. */
const GROUP_BYTES = 64 * 1024;
const MOST_PANELS = 16;
/** Blocks of k above which the rounding of their sums piles up, and steps of one where k is long and a panel narrow. */
const FEW_BLOCKS = 8;
const NARROW_BLOCK = 128;
/** Bytes that the second-level cache keeps. */
const BLOCK_BYTES = 256 * 1024;
const LINE = 64;
/** Sets of the first-level cache, times the line. */
const CACHE_WAY = 4096;
/** An epilogue above this cost pushes a tile's sums out of the registers, and is long code besides. */
const REGISTER_EPILOGUE = 16;

export const ROWS = 4;

/** What lies in panels of a product's width: its right operand, and all that it stores. */
export interface InPanels {
  readonly width: number;
  readonly b: boolean;
  readonly c: boolean;
}

/** Columns of the panels in which matrices lie: rows of a line, so that tiles of others share none with their neighbours. */
export const PANEL_WIDTH = 16;

/** The tiling of c[m, n] = a[m, k] b[k, n] (for each matrix of the batch) with an epilogue. */
export function tilingOf(
  product: {
    domain: readonly number[];
    k: number;
    lastK?: number;
    a: Operand;
    b: Operand;
    members: readonly Member[];
  },
  inPanels?: InPanels,
): Tiling {
  const { domain, k, lastK = k, a, b, members } = product;
  const [m, n] = domain.slice(-2);
  const matrices = numel(domain.slice(0, -2));
  // How k is cut follows from the shape alone, and must not depend on how operands lie.
  const free = numel(domain) === 0 ? [] : segmentsOf(m, n, k);
  const segments = inPanels ? panelsOfWidth(m, n, inPanels.width) : free;
  const widest = widestOf(segments);
  const panels = panelsOf(segments);

  const bytesPerStep = 16 * widestOf(free) + 4 * ROWS;
  // A k that differs between matrices is walked in blocks.
  const fitting = Math.max(lastK < k ? 2 : 1, Math.ceil((k * bytesPerStep) / PANEL_BYTES - 0.25));
  const totalAfter = fitting > FEW_BLOCKS ? FEW_BLOCKS : 0;
  const kBlocks = totalAfter > 0 && widestOf(free) === 1 ? Math.ceil(k / NARROW_BLOCK) : fitting;
  const kBlock = Math.ceil(k / kBlocks);

  const [bRow, bColumn] = b.strides.slice(-2);
  const mapsB = isMapped(b, -1) || isMapped(b, -2);
  const packB = inPanels?.b
    ? 'lies'
    : b.prologue
      ? 'made'
      : bColumn !== 1 && n > 1
        ? 'turned'
        : mapsB
          ? 'copy'
          : m >= 6 * ROWS && (kBlocks > 1 || crowds(4 * bRow, kBlock) || 4 * k * n > BLOCK_BYTES)
            ? 'copy'
            : m >= 24 * ROWS && k >= ROWS && bRow % 4 !== 0
              ? // Vectors that straddle lines are worth straightening where they are read so often.
                'copy'
              : 'no';
  const [aRow, aColumn] = a.strides.slice(-2);
  // Where vectors straddle lines, the lines that panels share are best touched in turn. Else one panel at a time is
  // faster: down a column the same distance lies between all accesses, which the processor foresees.
  const straddles = kBlocks === 1 && packB !== 'no' && n % 4 !== 0 && !inPanels?.c;
  const group = straddles ? groupOf(segments, k) : 1;
  const rowsA = digitsOf(a, -2, m).length < 2 || inRows(a, m, segments) ? 'stride' : 'each';
  const packs = a.prologue !== undefined || packsMap(product, rowsA, panels);
  const packA =
    packs ||
    (rowsA === 'each' && group > 1) ||
    (aColumn !== 1 &&
      aRow === 1 &&
      m >= ROWS &&
      panels >= 8 &&
      (crowds(4 * aColumn, kBlock) || 4 * k * m > BLOCK_BYTES));

  // B is packed again for each block of rows. Those of a map are side by side once they are packed, and may be more.
  const rowBytes = packs ? 2 * BLOCK_BYTES : BLOCK_BYTES / 2;
  const rowBlocks = kBlocks > 1 || packA ? Math.max(1, Math.ceil((4 * m * kBlock) / rowBytes - 0.25)) : 1;
  const rowBlock = rowBlocks === 1 ? m : ROWS * Math.ceil(m / rowBlocks / ROWS);
  const sumBytes = totalAfter > 0 ? 48 : 16;
  const cost = members.slice(1).reduce((sum, { node }) => sum + opCost(node), 0);
  return {
    segments,
    packB,
    packA,
    rowsA,
    kBlock,
    kBlocks,
    totalAfter,
    rowBlock,
    panelBlock:
      kBlocks > 1
        ? Math.max(1, Math.min(panels, Math.floor(BLOCK_BYTES / (sumBytes * widest * rowBlock))))
        : panels,
    group,
    // Rows that lie on pages of their own are best read as far as a few panels go.
    together:
      kBlocks === 1 && packB === 'copy' && !mapsB && n % 4 === 0 && 4 * bRow >= PAGE
        ? groupOf(segments, k)
        : 1,
    epilogue: kBlocks > 1 || cost > REGISTER_EPILOGUE ? 'memory' : 'registers',
    // Whoever makes panels packs all rows of A, whoever makes rows all panels of B, whose rows lie side by side already.
    split:
      matrices > 1
        ? 'matrices'
        : !(packA && m >= 8 * ROWS) && (panels >= 8 || panels >= Math.ceil(m / ROWS))
          ? 'panels'
          : 'rows',
  };
}

/** Panels that a row of tiles passes in turn: no more than there are side by side. */
function groupOf(segments: readonly Segment[], k: number): number {
  const room = Math.floor(GROUP_BYTES / (16 * widestOf(segments) * k));
  return Math.max(1, Math.min(MOST_PANELS, room, Math.max(0, ...segments.map((s) => s.count))));
}

/** Whether so many rows, a stride apart, fall on few sets of the cache and push each other out. */
function crowds(stride: number, rows: number): boolean {
  const step = Math.max(LINE, gcd(stride, CACHE_WAY));
  return rows > 4 * (CACHE_WAY / step);
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}

/** Pages that the first-level translation buffer keeps, their bytes, and the time of a miss in steps of a tile. */
const TRANSLATIONS = 64;
const PAGE = 4096;
const MISS_TIME = 2.6;

/** How often a panel meets a page that the one before it has pushed out, over so many rows of n columns. */
function pageMisses(rows: number, n: number): number {
  const pages = rows * Math.min(1, (4 * n) / PAGE);
  return pages > TRANSLATIONS ? pages : 0;
}

/** The widths of panels whose tiles take the least time together. */
function segmentsOf(m: number, n: number, k: number): Segment[] {
  const table = m === 1 ? ROW_STEP_TIME : STEP_TIME;
  const widths = Object.keys(table).map(Number);
  const perPanel = (MISS_TIME * (pageMisses(m, n) + pageMisses(k, n))) / Math.max(1, k);
  const time = (vectors: number) => {
    const { [vectors]: steps } = table;
    const [full, rest] = [Math.floor(m / steps.length), m % steps.length];
    return perPanel + full * steps[steps.length - 1] + (rest ? steps[rest - 1] : 0);
  };
  const vectors = Math.ceil(n / 4);
  // Fewest kinds: the best width, and less than twice as much of others at the edge.
  const best = widths.reduce((a, b) => (time(b) / b < time(a) / a - 1e-9 ? b : a));
  const main = Math.max(0, Math.floor(vectors / best) - 1);
  const counts = new Map([[best, main]]);
  for (const width of cheapest(vectors - main * best, widths, time))
    counts.set(width, (counts.get(width) ?? 0) + 1);
  const segments: Segment[] = [];
  let column = 0;
  const add = (width: number, count: number, lanes: number) => {
    if (count === 0) return;
    segments.push({ column, vectors: width, rows: Math.min(m, table[width].length), count, lanes });
    column += 4 * width * count;
  };
  const kinds = [...counts].filter(([, count]) => count > 0).sort(([a], [b]) => b - a);
  const lanes = n % 4 || 4;
  kinds.forEach(([width, count], i) => {
    const cut = i === kinds.length - 1 && lanes < 4 ? 1 : 0;
    add(width, count - cut, 4);
    add(width, cut, lanes);
  });
  return segments;
}

/** Panels of one width, the last of which may have fewer columns. */
function panelsOfWidth(m: number, n: number, width: number): Segment[] {
  const count = Math.floor(n / width);
  const rest = n - count * width;
  const segment = (column: number, columns: number, count: number): Segment => {
    const vectors = Math.ceil(columns / 4);
    return { column, vectors, rows: Math.min(m, STEP_TIME[vectors].length), count, lanes: columns % 4 || 4 };
  };
  return [
    ...(count > 0 ? [segment(0, width, count)] : []),
    ...(rest > 0 ? [segment(count * width, rest, 1)] : []),
  ];
}

/** Time to copy a vector to a panel, in steps of a tile. */
const PACK_TIME = 0.7;

/** Time of a product on tiles of one kind, in the unit of theirs. */
export function timeOfTiles(
  { domain, k }: { domain: readonly number[]; k: number },
  { segments, packB }: Tiling,
  inPanels?: InPanels,
): number {
  const [m, n] = domain.slice(-2);
  const misses = (inPanels?.c ? 0 : pageMisses(m, n)) + (packB === 'lies' ? 0 : pageMisses(k, n));
  const pack = packB === 'no' || packB === 'lies' ? 0 : PACK_TIME;
  return segments.reduce((sum, { vectors, count }) => {
    const steps = (m === 1 ? ROW_STEP_TIME : STEP_TIME)[vectors];
    const [full, rest] = [Math.floor(m / steps.length), m % steps.length];
    const step = full * steps[steps.length - 1] + (rest ? steps[rest - 1] : 0);
    return sum + count * (k * (step + pack * vectors) + MISS_TIME * misses);
  }, 0);
}

/** Widths that add up to `total` in the least time. */
function cheapest(total: number, widths: readonly number[], time: (width: number) => number): number[] {
  const best: { time: number; last: number }[] = [{ time: 0, last: 0 }];
  for (let sum = 1; sum <= total; sum++) {
    best[sum] = widths
      .filter((width) => width <= sum)
      .map((width) => ({ time: best[sum - width].time + time(width), last: width }))
      .reduce((a, b) => (b.time < a.time - 1e-9 ? b : a));
  }
  const out: number[] = [];
  for (let sum = total; sum > 0; sum -= best[sum].last) out.push(best[sum].last);
  return out;
}

/** Vectors of the widest panel. */
export function widestOf(segments: readonly Segment[]): number {
  return Math.max(1, ...segments.map((s) => s.vectors));
}

export function panelsOf(segments: readonly Segment[]): number {
  return segments.reduce((sum, s) => sum + s.count, 0);
}

/** Where the parts of a thread's scratch lie, in bytes from its start, and how large it is. */
export interface Scratch {
  readonly panel: number;
  readonly rows: number;
  readonly sums: number;
  /** Bytes of the sums; behind them lie their totals, if there are any, and what rounding has taken from those. */
  readonly size: number;
  readonly bytes: number;
}

export function scratchOf(tiling: Tiling): Scratch {
  const {
    segments,
    packA,
    packB,
    kBlock,
    kBlocks,
    totalAfter,
    rowBlock,
    panelBlock,
    group,
    together,
    epilogue,
  } = tiling;
  const widest = widestOf(segments);
  const aligned = (bytes: number) => LINE * Math.ceil(bytes / LINE);
  const panel =
    packB === 'no' || packB === 'lies' ? 0 : aligned(16 * widest * kBlock * Math.max(group, together));
  const rows = packA ? aligned(4 * kBlock * ROWS * Math.ceil(rowBlock / ROWS)) : 0;
  const held = kBlocks > 1 ? rowBlock * panelBlock : ROWS;
  const sums = epilogue === 'memory' ? aligned(16 * widest * held) : 0;
  const bytes = panel + rows + sums * (totalAfter > 0 ? 3 : 1);
  return { panel: 0, rows: panel, sums: panel + rows, size: sums, bytes };
}
