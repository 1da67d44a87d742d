import type { GemmKernel } from '../schedule/kernel.js';
import { panelsOf, ROWS, type Segment, scratchOf, widestOf } from '../schedule/tiling.js';
import { numel } from '../shape.js';
import {
  act,
  binary,
  block,
  cast,
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
import type { NestOptions, Part } from './nest.js';
import type { Expression, Statement, TileFunction } from './program.js';
import { TileFunctions } from './tile-functions.js';

/** From a first one on, up to but not with a last one. */
type Range = readonly [from: Expression, to: Expression];

/**
 * A matrix product by its tiling: panels of columns run outside, so that their part of B stays in the first-level
 * cache, and the rows of A pass by in tiles whose sums stay in registers. What does not change from tile to tile is
 * a literal. Functions of the program do a tile, and what is fused behind it.
 */
export function gemmLoops(
  kernel: GemmKernel,
  options: NestOptions,
): Part & { readonly functions: readonly TileFunction[] } {
  if (numel(kernel.domain) === 0) return { body: [], units: 1, functions: [] };
  return new GemmBuilder(kernel, options).build();
}

class GemmBuilder {
  private readonly tile: TileFunctions;
  private readonly m: number;
  private readonly batch: readonly number[];
  private readonly panels: number;
  private readonly scratch: ReturnType<typeof scratchOf>;
  private readonly widest: number;

  constructor(
    private readonly kernel: GemmKernel,
    private readonly options: NestOptions,
  ) {
    const { domain, tiling } = kernel;
    this.m = domain.at(-2)!;
    this.batch = domain.slice(0, -2);
    this.tile = new TileFunctions(kernel, options);
    this.panels = panelsOf(tiling.segments);
    this.scratch = scratchOf(tiling);
    this.widest = widestOf(tiling.segments);
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
      define('left', this.operand(a)),
      define('right', this.operand(b)),
      ...this.rowBlocks(rows, panels),
    ]);
    return { body, units, functions: this.tile.all };
  }

  /** Where a matrix of an operand starts. */
  private operand({ source, offset, strides }: GemmKernel['a']): Expression {
    const terms = this.tile.matrix.map((index, i) =>
      strides[i] === 0 ? 0 : binary(index, '*', 4 * strides[i]),
    );
    return sum({ kind: 'buffer', buffer: this.options.buffers.of(source, offset) }, ...terms);
  }

  private scratchParts(): Statement[] {
    const { tiling } = this.kernel;
    const part = (name: string, offset: number) => define(name, sum('scratch', offset));
    return [
      ...(tiling.packB === 'no' ? [] : [part('panel', this.scratch.panel)]),
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
    return [range('matrix', 'begin', 'end', 1, [...indices, ...body])];
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
        ...this.packRows(rows, 0, this.kernel.k),
        ...this.panelLoops(
          panels,
          (s) => this.panel(s, rows),
          (s, column) => this.panelGroup(s, rows, column),
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
    const { k } = this.kernel;
    const { size } = this.scratch;
    const even = k % kBlock === 0;
    const bytes = times(binary(last, '-', first), this.sumsOfPanel);
    const blocks = (from: Expression, to: Expression) =>
      range('k0', from, to, kBlock, [
        ...(even ? [] : [define('steps', min(kBlock, binary(k, '-', 'k0')))]),
        ...this.packRows(rows, 'k0', even ? kBlock : 'steps'),
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
      const size = this.kernel.tiling.group;
      if (group && size > 1 && segment.count > 1) {
        const next = define('last', min(sum('first', size), last));
        return range('first', first, last, size, [next, ...group(segment, column)]);
      }
      return range('p', first, last, 1, [define('j', column('p')), ...body(segment)]);
    });
  }

  /** Copies rows of A to lie as tiles read them. */
  private packRows(rows: Range, k0: Expression, k: Expression): Statement[] {
    if (!this.kernel.tiling.packA) return [];
    const { strides } = this.kernel.a;
    const column = 4 * strides.at(-1)!;
    const from = sum('left', binary('i', '*', 4), k0 === 0 ? 0 : binary(k0, '*', column));
    const to = sum('packed', times(times(since('i', rows[0]), k), 4));
    return [range('i', rows[0], rows[1], ROWS, [act(library('packVector', from, column, count(k), to, 16))])];
  }

  /** The address of a tile's first element of A. */
  private rowAddress(rows: number, first: Expression, k0: Expression, k: Expression): Expression {
    const [row, column] = this.kernel.a.strides.slice(-2).map((s) => 4 * s);
    if (!this.kernel.tiling.packA)
      return sum('left', row ? binary('i', '*', row) : 0, k0 === 0 || !column ? 0 : binary(k0, '*', column));
    const at = since('i', first);
    if (rows === ROWS) return sum('packed', times(times(at, k), 4));
    return sum('packed', times(times(binary(at, '&', -4), k), 4), times(binary(at, '&', 3), 4));
  }

  private packPanel(
    { vectors, lanes }: Segment,
    k0: Expression,
    k: Expression,
    panel = 'panel',
  ): Statement[] {
    const { packB } = this.kernel.tiling;
    if (packB === 'no') return [];
    const [row, column] = this.kernel.b.strides.slice(-2).map((s) => 4 * s);
    const width = 16 * vectors;
    const from = (v: number) =>
      sum(
        'right',
        packB === 'copy' || column === 4
          ? 'j'
          : column % 4 === 0 && column
            ? binary('j', '*', column / 4)
            : 0,
        4 * v * column,
        k0 === 0 ? 0 : binary(k0, '*', row),
      );
    const body: Statement[] = [];
    for (let v = 0; v < vectors; v++) {
      const to = sum(panel, 16 * v);
      if (packB === 'copy') {
        const two = v + 1 < vectors;
        body.push(act(library(two ? 'packVectors2' : 'packVector', from(v), row, count(k), to, width)));
        if (two) v++;
      } else {
        const exist = v === vectors - 1 ? lanes : 4;
        body.push(
          act(
            row === 4
              ? library('packColumns', from(v), column, exist, count(k), to, width)
              : library('packStrided', from(v), column, row, exist, count(k), to, width),
          ),
        );
      }
    }
    return body;
  }

  private panelAddress(k0: Expression): Expression {
    if (this.kernel.tiling.packB !== 'no') return 'panel';
    const row = 4 * this.kernel.b.strides.at(-2)!;
    return sum('right', 'j', k0 === 0 || !row ? 0 : binary(k0, '*', row));
  }

  /** A panel whose tiles are finished at once. */
  private panel(segment: Segment, rows: Range): Statement[] {
    const { k } = this.kernel;
    const tile = (count: number) =>
      this.finishedTile(segment, this.rowAddress(count, rows[0], 0, k), count, this.panelAddress(0));
    return [...this.packPanel(segment, 0, k), ...this.tiles(segment.rows, rows, tile)];
  }

  /** Panels from `first` to `last`, which each row of tiles passes in turn. */
  private panelGroup(segment: Segment, rows: Range, column: (panel: string) => Expression): Statement[] {
    const { k } = this.kernel;
    const bytes = 16 * segment.vectors * k;
    const pack: Statement = {
      kind: 'loop',
      index: 'p',
      from: 'first',
      test: binary('p', '<', 'last'),
      step: 1,
      along: { name: 'b', from: 'panel', by: bytes },
      body: [define('j', column('p')), ...this.packPanel(segment, 0, k, 'b')],
    };
    const row = (count: number) => {
      const name = this.tile.group(segment, count, bytes, this.finishedTile(segment, 'a', count, 'b'));
      const a = this.rowAddress(count, rows[0], 0, k);
      return [this.tile.call(name, a, 'i', column('first'), column('last'))];
    };
    return [pack, ...this.tiles(segment.rows, rows, row)];
  }

  /** A tile at rows from `i` and columns from `j` on, and what is fused behind it. */
  private finishedTile(segment: Segment, a: Expression, count: number, b: Expression): Statement[] {
    if (this.kernel.tiling.epilogue === 'registers')
      return [this.tile.call(this.tile.finished(segment, count), a, b, 'i', 'j')];
    return [
      { kind: 'tile', name: this.tile.plain(segment, count), args: [a, b, 'sums'] },
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
      const a = this.rowAddress(count, rows[0], 'k0', k);
      const name = this.tile.plain(segment, count);
      return [{ kind: 'tile', name, args: [a, this.panelAddress('k0'), sums, k] }];
    };
    return [...this.packPanel(segment, 'k0', k), ...this.tiles(segment.rows, rows, tile)];
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
      { kind: 'let', name: 'i', value: from, type: 'usize', mutable: true },
      {
        kind: 'loop',
        index: 'i',
        from: null,
        test: binary(sum('i', size), '<=', to),
        step: size,
        body: tile(size),
      },
      when(binary('i', '<', to), ...tile(rest)),
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

/** How far an index is from where it began. */
function since(index: string, first: Expression): Expression {
  return first === 0 ? index : binary(index, '-', first);
}

/** A number of steps as an argument of type i32. */
function count(k: Expression): Expression {
  return typeof k === 'number' ? k : cast('i32', k);
}
