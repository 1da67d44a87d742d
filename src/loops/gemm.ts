import type { GemmKernel } from '../kernels/kernel.js';
import { panelsOf, ROWS, type Segment, scratchOf, widestOf } from '../kernels/tiling.js';
import { numel } from '../shape.js';
import {
  act,
  binary,
  block,
  define,
  instruction,
  library,
  loop,
  max,
  min,
  range,
  sum,
  times,
  when,
} from './make.js';
import type { Part } from './nest.js';
import { Operands, type Range, since } from './operands.js';
import type { Expression, Statement, TileFunction } from './program.js';
import { type ProductOptions, TileFunctions } from './tile-functions.js';

/**
 * A matrix product by its tiling: panels of columns run outside, so that their part of B stays in the first-level
 * cache, and the rows of A pass by in tiles whose sums stay in registers. What does not change from tile to tile is
 * a literal. Functions of the program do a tile, and what is fused behind it.
 */
export function gemmLoops(
  kernel: GemmKernel,
  options: ProductOptions,
): Part & { readonly functions: readonly TileFunction[] } {
  if (numel(kernel.domain) === 0) return { body: [], units: 1, functions: [] };
  return new GemmBuilder(kernel, options).build();
}

class GemmBuilder {
  private readonly tile: TileFunctions;
  private readonly operands: Operands;
  private readonly m: number;
  private readonly batch: readonly number[];
  private readonly panels: number;
  private readonly scratch: ReturnType<typeof scratchOf>;
  private readonly widest: number;
  /** The k of the matrices at hand. */
  private readonly depth: Expression;

  constructor(
    private readonly kernel: GemmKernel,
    options: ProductOptions,
  ) {
    const { domain, tiling } = kernel;
    this.m = domain.at(-2)!;
    this.batch = domain.slice(0, -2);
    this.tile = new TileFunctions(kernel, options);
    this.operands = new Operands(
      kernel,
      options.buffers,
      this.tile.matrix,
      options.panelsOf(kernel.b.source),
      options.regionOf,
    );
    this.panels = panelsOf(tiling.segments);
    this.scratch = scratchOf(tiling);
    this.widest = widestOf(tiling.segments);
    const { k, lastK = k } = kernel;
    this.depth = lastK < k ? 'depth' : k;
  }

  build() {
    const { a, b, tiling } = this.kernel;
    const { split } = tiling;
    const whole = { rows: [0, this.m], panels: [0, this.panels] } as const;
    const last = times('end', ROWS);
    const shared = {
      matrices: whole,
      panels: { ...whole, panels: ['begin', 'end'] as const },
      rows: { ...whole, rows: [times('begin', ROWS), this.m % ROWS ? min(last, this.m) : last] as const },
    }[split];
    const units = { matrices: numel(this.batch), panels: this.panels, rows: Math.ceil(this.m / ROWS) }[split];
    const { rows, panels } = units === 1 ? whole : shared;
    const body = this.overMatrices([
      ...this.scratchParts(),
      ...(a.prologue ? [] : [define('left', this.operands.start(a))]),
      ...(b.prologue ? [] : [define('right', this.operands.start(b))]),
      ...this.rowBlocks(rows, panels),
    ]);
    return { body, units, functions: this.tile.all };
  }

  private scratchParts(): Statement[] {
    const { tiling } = this.kernel;
    const part = (name: string, offset: number) => define(name, sum('scratch', offset));
    return [
      ...(packs(tiling) ? [part('panel', this.scratch.panel)] : []),
      ...(tiling.packA ? [part('packed', this.scratch.rows)] : []),
      ...(tiling.epilogue === 'memory' ? [part('sums', this.scratch.sums)] : []),
    ];
  }

  /** The body for each matrix of the batch. */
  private overMatrices(body: readonly Statement[]): Statement[] {
    if (this.kernel.tiling.split !== 'matrices')
      return [...this.tile.matrix.map((index) => define(index, 0, 'usize')), ...body];
    const indices = this.batch.map((size, i) => {
      const inner = numel(this.batch.slice(i + 1));
      const index = inner === 1 ? 'matrix' : binary('matrix', '/', inner);
      return define(`b${i}`, i === 0 ? index : binary(index, '%', size), 'usize');
    });
    const { k, lastK = k } = this.kernel;
    const all = k * (numel(this.batch) - 1) + lastK;
    const depth = this.depth === k ? [] : [define('depth', min(k, binary(all, '-', times('matrix', k))))];
    return [range('matrix', 'begin', 'end', 1, [...indices, ...depth, ...body])];
  }

  private rowBlocks(rows: Range, panels: Range): Statement[] {
    const { rowBlock } = this.kernel.tiling;
    if (rowBlock >= this.m) return this.panelBlocks(rows, panels);
    return [
      range('top', rows[0], rows[1], rowBlock, [
        define('bottom', min(sum('top', rowBlock), rows[1])),
        ...this.panelBlocks(['top', 'bottom'], panels),
      ]),
    ];
  }

  private panelBlocks(rows: Range, panels: Range): Statement[] {
    const { kBlocks, panelBlock } = this.kernel.tiling;
    if (kBlocks === 1)
      return [
        ...this.operands.packRows(rows, 0, this.kernel.k),
        ...this.panelLoops(
          panels,
          (s) => this.panel(s, rows),
          (s, column) =>
            this.kernel.tiling.group > 1
              ? this.panelGroup(s, rows, column)
              : this.panelsTogether(s, rows, column),
        ),
      ];
    if (panelBlock >= this.panels) return this.blocksOfK(rows, panels);
    return [
      range('first', panels[0], panels[1], panelBlock, [
        define('last', min(sum('first', panelBlock), panels[1])),
        ...this.blocksOfK(rows, ['first', 'last']),
      ]),
    ];
  }

  /** Panels whose sums are made in blocks of k, then finished. */
  private blocksOfK(rows: Range, [first, last]: Range): Statement[] {
    const { kBlock, totalAfter } = this.kernel.tiling;
    const { depth: k } = this;
    const { size } = this.scratch;
    const even = typeof k === 'number' && k % kBlock === 0;
    const bytes = times(binary(last, '-', first), this.sumsOfPanel);
    const blocks = (from: Expression, to: Expression) =>
      range('k0', from, to, kBlock, [
        ...(even ? [] : [define('steps', min(kBlock, binary(k, '-', 'k0')))]),
        ...this.operands.packRows(rows, 'k0', even ? kBlock : 'steps'),
        ...this.panelLoops([first, last], (s) => this.blockOfPanel(s, rows, even ? kBlock : 'steps', first)),
      ]);
    const clear = (length: Expression) => act(instruction('memory.fill', 'sums', 0, length));
    const sums = () => [clear(bytes), blocks(0, k)];
    const totals = () => [
      clear(3 * size),
      range('from', 0, k, totalAfter * kBlock, [
        define('until', min(sum('from', totalAfter * kBlock), k)),
        blocks('from', 'until'),
        act(library('addToTotals', 'sums', bytes, size)),
      ]),
      act(library('takeTotals', 'sums', bytes, size)),
    ];
    const finished = sum('sums', binary(binary('p', '-', first), '*', this.sumsOfPanel));
    return [
      ...(totalAfter > 0 ? totals() : sums()),
      ...this.panelLoops([first, last], (s) => [
        this.finishCall(s, finished, rows[0], rows[0] === 0 ? rows[1] : binary(rows[1], '-', rows[0])),
      ]),
    ];
  }

  /** Bytes of the sums of one panel of a row block. */
  private get sumsOfPanel(): number {
    return 16 * this.widest * this.kernel.tiling.rowBlock;
  }

  private panelLoops(
    [from, to]: Range,
    body: (segment: Segment) => readonly Statement[],
    group?: (segment: Segment, column: (panel: string) => Expression) => readonly Statement[],
  ): Statement[] {
    let before = 0;
    return this.kernel.tiling.segments.map((segment) => {
      const [start, end] = [before, before + segment.count];
      before = end;
      const first = from === 0 ? start : start === 0 ? from : max(from, start);
      const last = to === this.panels ? end : end === this.panels ? to : min(to, end);
      const column = (panel: string) => columnAt(panel, start, segment);
      const { group: inTurn, together } = this.kernel.tiling;
      const size = segment.vectors > 1 ? Math.max(inTurn, together) : inTurn;
      if (group && size > 1 && segment.count > 1) {
        const next = define('last', min(sum('first', size), last));
        return range('first', first, last, size, [next, ...group(segment, column)]);
      }
      return range('p', first, last, 1, [define('j', column('p')), ...body(segment)]);
    });
  }

  /** A panel whose tiles are finished at once. */
  private panel(segment: Segment, rows: Range): Statement[] {
    const pack = this.operands.packPanel(segment, 0, this.kernel.k);
    return [...pack, ...this.finishedTiles(segment, rows, this.operands.panelAddress(0))];
  }

  /** Panels from `first` to `last` that are copied together, then passed one after the other. */
  private panelsTogether(segment: Segment, rows: Range, column: (panel: string) => Expression): Statement[] {
    const pack = this.operands.packPanels(segment, binary('last', '-', 'first'));
    const each: Statement = {
      kind: 'loop',
      index: 'p',
      from: 'first',
      test: binary('p', '<', 'last'),
      step: 1,
      along: { name: 'b', from: 'panel', by: 16 * segment.vectors * this.kernel.k },
      body: [define('j', column('p')), ...this.finishedTiles(segment, rows, 'b')],
    };
    return [block(define('j', column('first')), pack), each];
  }

  private finishedTiles(segment: Segment, rows: Range, b: Expression): readonly Statement[] {
    const { k } = this.kernel;
    const tile = (count: number) =>
      this.finishedTile(segment, this.operands.rowAddress(count, rows[0], 0, k), count, b);
    return this.tiles(segment.rows, rows, tile);
  }

  /** Panels from `first` to `last`, which each row of tiles passes in turn. */
  private panelGroup(segment: Segment, rows: Range, column: (panel: string) => Expression): Statement[] {
    const { k } = this.kernel;
    const bytes = 16 * segment.vectors * k;
    const lies = this.kernel.tiling.packB === 'lies';
    const pack: Statement = {
      kind: 'loop',
      index: 'p',
      from: 'first',
      test: binary('p', '<', 'last'),
      step: 1,
      along: { name: 'b', from: 'panel', by: bytes },
      body: [define('j', column('p')), ...this.operands.packPanel(segment, 0, k, 'b')],
    };
    const row = (count: number) => {
      const name = this.tile.group(segment, count, bytes, this.finishedTile(segment, ['a'], count, 'b'));
      const a = this.operands.rowAddress(count, rows[0], 0, k);
      const from = lies ? [sum('right', binary(column('first'), '*', k))] : [];
      return [this.tile.call(name, ...a, 'i', column('first'), column('last'), ...from)];
    };
    return [...(lies ? [] : [pack]), ...this.tiles(segment.rows, rows, row)];
  }

  /** A tile at rows from `i` and columns from `j` on, and what is fused behind it. */
  private finishedTile(
    segment: Segment,
    rows: readonly Expression[],
    count: number,
    b: Expression,
  ): Statement[] {
    if (this.kernel.tiling.epilogue === 'registers')
      return [this.tile.call(this.tile.finished(segment, count), ...rows, b, 'i', 'j')];
    return [
      { kind: 'tile', name: this.tile.plain(segment, count), args: [...rows, b, 'sums'] },
      this.finishCall(segment, 'sums', 'i', count),
    ];
  }

  /** A block of k of a panel, added to its sums. */
  private blockOfPanel(segment: Segment, rows: Range, k: Expression, firstPanel: Expression): Statement[] {
    const { vectors } = segment;
    const sums = sum(
      'sums',
      binary(since('p', firstPanel), '*', this.sumsOfPanel),
      binary(since('i', rows[0]), '*', 16 * vectors),
    );
    const tile = (count: number): Statement[] => {
      const a = this.operands.rowAddress(count, rows[0], 'k0', k);
      const name = this.tile.plain(segment, count);
      const walk = this.tile.walks ? ['k0'] : [];
      const args = [...a, this.operands.panelAddress('k0'), sums, k, ...walk];
      return [{ kind: 'tile', name, args }];
    };
    return [...this.operands.packPanel(segment, 'k0', k), ...this.tiles(segment.rows, rows, tile)];
  }

  /** Calls for all rows: full tiles, then what is left. */
  private tiles(
    size: number,
    [from, to]: Range,
    tile: (rows: number) => readonly Statement[],
  ): readonly Statement[] {
    const rest = this.m % size;
    if (from === 0 && to === this.m) {
      const full = this.m - rest;
      return [
        ...(full === size
          ? [block(define('i', 0, 'usize'), ...tile(size))]
          : loop('i', full, size, tile(size))),
        ...(rest ? [block(define('i', full, 'usize'), ...tile(rest))] : []),
      ];
    }
    if (rest === 0) return [range('i', from, to, size, tile(size))];
    return [
      { ...range('i', from, to, size, tile(size)), test: binary(sum('i', size), '<=', to) },
      // Only the last rows of all are fewer.
      when(binary(to, '==', this.m), define('i', this.m - rest, 'usize'), ...tile(rest)),
    ];
  }

  private finishCall(segment: Segment, sums: Expression, i: Expression, count: Expression): Statement {
    return this.tile.call(this.tile.finish(segment), sums, i, count, 'j');
  }
}

/** The first column of a panel, in bytes. */
function columnAt(panel: string, start: number, { column, vectors }: Segment): Expression {
  return sum(times(since(panel, start), 16 * vectors), 4 * column);
}

/** Whether panels of B are copied to scratch. */
function packs({ packB }: GemmKernel['tiling']): boolean {
  return packB !== 'no' && packB !== 'lies';
}
