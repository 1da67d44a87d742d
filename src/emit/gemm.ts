import type { GemmKernel } from '../schedule/kernel.js';
import { panelsOf, ROWS, type Segment, scratchOf, widestOf } from '../schedule/tiling.js';
import { numel } from '../shape.js';
import { loop, plus } from './code.js';
import type { Body } from './nest.js';
import { type GemmOptions, TileFunctions } from './tile-functions.js';

/**
 * A matrix product by its tiling: panels of columns run outside, so that their part of B stays in the first-level
 * cache, and the rows of A pass by in tiles whose sums stay in registers. What does not change from tile to tile is
 * a literal. Functions whose names begin with `options.name` do a tile, and what is fused behind it.
 */
export function emitGemm(kernel: GemmKernel, options: GemmOptions): Body {
  if (numel(kernel.domain) === 0) return { lines: [], units: 1 };
  return new GemmEmitter(kernel, options).emit();
}

class GemmEmitter {
  private readonly tile: TileFunctions;
  private readonly m: number;
  private readonly batch: readonly number[];
  private readonly panels: number;
  private readonly scratch: ReturnType<typeof scratchOf>;
  private readonly widest: number;

  constructor(
    private readonly kernel: GemmKernel,
    private readonly options: GemmOptions,
  ) {
    const { domain, tiling } = kernel;
    this.m = domain.at(-2)!;
    this.batch = domain.slice(0, -2);
    this.tile = new TileFunctions(kernel, options);
    this.panels = panelsOf(tiling.segments);
    this.scratch = scratchOf(tiling);
    this.widest = widestOf(tiling.segments);
  }

  emit(): Body {
    const { a, b, tiling } = this.kernel;
    const { split } = tiling;
    const whole = { rows: ['0', String(this.m)], panels: ['0', String(this.panels)] } as const;
    const shared = {
      matrices: whole,
      panels: { ...whole, panels: ['begin', 'end'] as const },
      rows: {
        ...whole,
        rows: [
          `begin * ${ROWS}`,
          this.m % ROWS ? `min<usize>(end * ${ROWS}, ${this.m})` : `end * ${ROWS}`,
        ] as const,
      },
    }[split];
    const units = { matrices: numel(this.batch), panels: this.panels, rows: Math.ceil(this.m / ROWS) }[split];
    const { rows, panels } = units === 1 ? whole : shared;
    const body = [
      ...this.scratchParts(),
      `const left = ${this.operand(a)};`,
      `const right = ${this.operand(b)};`,
      ...this.rowBlocks(rows, panels),
    ];
    return {
      lines: this.overMatrices(body),
      units,
      functions: this.tile.all,
    };
  }

  /** Where a matrix of an operand starts. */
  private operand({ source, offset, strides }: GemmKernel['a']): string {
    const terms = this.tile.matrix.map((index, i) =>
      strides[i] === 0 ? '' : `${index} * ${4 * strides[i]}`,
    );
    return plus(this.options.addresses.of(source, offset), ...terms);
  }

  private scratchParts(): string[] {
    const { tiling } = this.kernel;
    const part = (name: string, offset: number) => `const ${name} = ${plus('scratch', offset)};`;
    return [
      ...(tiling.packB === 'no' ? [] : [part('panel', this.scratch.panel)]),
      ...(tiling.packA ? [part('packed', this.scratch.rows)] : []),
      ...(tiling.epilogue === 'memory' ? [part('sums', this.scratch.sums)] : []),
    ];
  }

  /** The body for each matrix of the batch. */
  private overMatrices(body: string[]): string[] {
    if (this.kernel.tiling.split !== 'matrices')
      return [...this.tile.matrix.map((index) => `const ${index}: usize = 0;`), ...body];
    const indices = this.batch.map((size, i) => {
      const inner = numel(this.batch.slice(i + 1));
      const index = inner === 1 ? 'matrix' : `matrix / ${inner}`;
      return `const b${i}: usize = ${i === 0 ? index : `${inner === 1 ? index : `(${index})`} % ${size}`};`;
    });
    return ['for (let matrix = begin; matrix < end; matrix++) {', ...indices, ...body, '}'];
  }

  private rowBlocks(rows: readonly [string, string], panels: readonly [string, string]): string[] {
    const { rowBlock } = this.kernel.tiling;
    if (rowBlock >= this.m) return this.panelBlocks(rows, panels);
    return [
      `for (let top: usize = ${rows[0]}; top < ${rows[1]}; top += ${rowBlock}) {`,
      `const bottom = min<usize>(top + ${rowBlock}, ${rows[1]});`,
      ...this.panelBlocks(['top', 'bottom'], panels),
      '}',
    ];
  }

  private panelBlocks(rows: readonly [string, string], panels: readonly [string, string]): string[] {
    const { kBlocks, kBlock, panelBlock, totalAfter } = this.kernel.tiling;
    const { k } = this.kernel;
    if (kBlocks === 1)
      return [
        ...this.packRows(rows, '0', String(k)),
        ...this.panelLoops(
          panels,
          (s) => this.panel(s, rows),
          (s, column) => this.panelGroup(s, rows, column),
        ),
      ];
    const first = panelBlock < this.panels ? 'first' : panels[0];
    const last = panelBlock < this.panels ? 'last' : panels[1];
    const even = k % kBlock === 0;
    const bytes = `(${last} - ${first}) * ${this.sumsOfPanel}`;
    const { size } = this.scratch;
    const blocks = (from: string, to: string) => [
      `for (let k0: usize = ${from}; k0 < ${to}; k0 += ${kBlock}) {`,
      ...(even ? [] : [`const steps = min<usize>(${kBlock}, ${k} - k0);`]),
      ...this.packRows(rows, 'k0', even ? String(kBlock) : 'steps'),
      ...this.panelLoops([first, last], (s) =>
        this.blockOfPanel(s, rows, even ? String(kBlock) : 'steps', first),
      ),
      '}',
    ];
    const sums = [`memory.fill(sums, 0, ${bytes});`, ...blocks('0', String(k))];
    const totals = [
      `memory.fill(sums, 0, ${3 * size});`,
      `for (let from: usize = 0; from < ${k}; from += ${totalAfter * kBlock}) {`,
      `const until = min<usize>(from + ${totalAfter * kBlock}, ${k});`,
      ...blocks('from', 'until'),
      `addToTotals(sums, ${bytes}, ${size});`,
      '}',
      `takeTotals(sums, ${bytes}, ${size});`,
    ];
    const body = [
      ...(totalAfter > 0 ? totals : sums),
      ...this.panelLoops([first, last], (s) => [
        this.finishCall(s, `sums + (p - ${first}) * ${this.sumsOfPanel}`, rows[0], `${rows[1]} - ${rows[0]}`),
      ]),
    ];
    if (panelBlock >= this.panels) return body;
    return [
      `for (let first: usize = ${panels[0]}; first < ${panels[1]}; first += ${panelBlock}) {`,
      `const last = min<usize>(first + ${panelBlock}, ${panels[1]});`,
      ...body,
      '}',
    ];
  }

  /** Bytes of the sums of one panel of a row block. */
  private get sumsOfPanel(): number {
    return 16 * this.widest * this.kernel.tiling.rowBlock;
  }

  private panelLoops(
    [from, to]: readonly [string, string],
    body: (segment: Segment) => string[],
    group?: (segment: Segment, column: (panel: string) => string) => string[],
  ): string[] {
    let before = 0;
    return this.kernel.tiling.segments.flatMap((segment) => {
      const [start, end] = [before, before + segment.count];
      before = end;
      const first = from === '0' ? String(start) : start === 0 ? from : `max<usize>(${from}, ${start})`;
      const last =
        to === String(this.panels) ? String(end) : end === this.panels ? to : `min<usize>(${to}, ${end})`;
      const size = this.kernel.tiling.group;
      if (group && size > 1 && segment.count > 1) {
        return [
          `for (let first: usize = ${first}; first < ${last}; first += ${size}) {`,
          `const last = min<usize>(first + ${size}, ${last});`,
          ...group(segment, (panel) => at(panel, start, segment)),
          '}',
        ];
      }
      const column = `const j = ${at('p', start, segment)};`;
      return [`for (let p: usize = ${first}; p < ${last}; p++) {`, column, ...body(segment), '}'];
    });
    function at(panel: string, start: number, { column, vectors }: Segment): string {
      const index = start === 0 ? panel : `(${panel} - ${start})`;
      return plus(`${index} * ${16 * vectors}`, 4 * column);
    }
  }

  /** Copies rows of A to lie as tiles read them. */
  private packRows(rows: readonly [string, string], k0: string, k: string): string[] {
    if (!this.kernel.tiling.packA) return [];
    const { strides } = this.kernel.a;
    const column = 4 * strides.at(-1)!;
    const from = plus('left', 'i * 4', k0 === '0' ? '' : `${k0} * ${column}`);
    return [
      `for (let i: usize = ${rows[0]}; i < ${rows[1]}; i += ${ROWS}) {`,
      `packVector(${from}, ${column}, ${count(k)}, packed + (i - ${rows[0]}) * ${k} * 4, 16);`,
      '}',
    ];
  }

  /** The address of a tile's first element of A. */
  private rowAddress(rows: number, first: string, k0: string, k: string): string {
    const [row, column] = this.kernel.a.strides.slice(-2).map((s) => 4 * s);
    if (!this.kernel.tiling.packA)
      return plus('left', row ? `i * ${row}` : '', k0 === '0' || !column ? '' : `${k0} * ${column}`);
    if (rows === ROWS) return `packed + (i - ${first}) * ${k} * 4`;
    return `packed + ((i - ${first}) & ~3) * ${k} * 4 + ((i - ${first}) & 3) * 4`;
  }

  private packPanel({ vectors, lanes }: Segment, k0: string, k: string, panel = 'panel'): string[] {
    const { packB } = this.kernel.tiling;
    if (packB === 'no') return [];
    const [row, column] = this.kernel.b.strides.slice(-2).map((s) => 4 * s);
    const width = 16 * vectors;
    const from = (v: number) =>
      plus(
        'right',
        packB === 'copy' || column === 4 ? 'j' : column % 4 === 0 && column ? `j * ${column / 4}` : '',
        4 * v * column,
        k0 === '0' ? '' : `${k0} * ${row}`,
      );
    const lines: string[] = [];
    for (let v = 0; v < vectors; v++) {
      const to = plus(panel, 16 * v);
      if (packB === 'copy') {
        const two = v + 1 < vectors;
        lines.push(
          `${two ? 'packVectors2' : 'packVector'}(${from(v)}, ${row}, ${count(k)}, ${to}, ${width});`,
        );
        if (two) v++;
      } else {
        const exist = v === vectors - 1 ? lanes : 4;
        lines.push(
          row === 4
            ? `packColumns(${from(v)}, ${column}, ${exist}, ${count(k)}, ${to}, ${width});`
            : `packStrided(${from(v)}, ${column}, ${row}, ${exist}, ${count(k)}, ${to}, ${width});`,
        );
      }
    }
    return lines;
  }

  private panelAddress(k0: string): string {
    if (this.kernel.tiling.packB !== 'no') return 'panel';
    const row = 4 * this.kernel.b.strides.at(-2)!;
    return plus('right', 'j', k0 === '0' || !row ? '' : `${k0} * ${row}`);
  }

  /** A panel whose tiles are finished at once. */
  private panel(segment: Segment, rows: readonly [string, string]): string[] {
    const k = String(this.kernel.k);
    const tile = (count: number) =>
      this.finishedTile(segment, this.rowAddress(count, rows[0], '0', k), count, this.panelAddress('0'));
    return [...this.packPanel(segment, '0', k), ...this.tiles(segment.rows, rows, tile)];
  }

  /** Panels from `first` to `last`, which each row of tiles passes in turn. */
  private panelGroup(
    segment: Segment,
    rows: readonly [string, string],
    column: (panel: string) => string,
  ): string[] {
    const k = String(this.kernel.k);
    const bytes = 16 * segment.vectors * this.kernel.k;
    const pack = [
      `for (let p = first, b = panel; p < last; p++, b += ${bytes}) {`,
      `const j = ${column('p')};`,
      ...this.packPanel(segment, '0', k, 'b'),
      '}',
    ];
    const row = (count: number) => {
      const name = this.tile.group(segment, count, bytes, this.finishedTile(segment, 'a', count, 'b'));
      const a = this.rowAddress(count, rows[0], '0', k);
      return [this.tile.call(name, a, 'i', column('first'), column('last'))];
    };
    return [...pack, ...this.tiles(segment.rows, rows, row)];
  }

  /** A tile at rows from `i` and columns from `j` on, and what is fused behind it. */
  private finishedTile(segment: Segment, a: string, count: number, b: string): string[] {
    if (this.kernel.tiling.epilogue === 'registers') {
      const name = this.tile.finished(segment, count);
      return [this.tile.call(name, a, b, 'i', 'j')];
    }
    return [
      `${this.tile.plain(segment, count)}(${a}, ${b}, sums);`,
      this.finishCall(segment, 'sums', 'i', String(count)),
    ];
  }

  /** A block of k of a panel, added to its sums. */
  private blockOfPanel(
    segment: Segment,
    rows: readonly [string, string],
    k: string,
    firstPanel: string,
  ): string[] {
    const { vectors } = segment;
    const sums = `sums + (p - ${firstPanel}) * ${this.sumsOfPanel} + (i - ${rows[0]}) * ${16 * vectors}`;
    const tile = (count: number) => [
      `${this.tile.plain(segment, count)}(${this.rowAddress(count, rows[0], 'k0', k)}, ${this.panelAddress('k0')}, ${sums}, ${k});`,
    ];
    return [...this.packPanel(segment, 'k0', k), ...this.tiles(segment.rows, rows, tile)];
  }

  /** Calls for all rows: full tiles, then what is left. */
  private tiles(
    size: number,
    [from, to]: readonly [string, string],
    tile: (rows: number) => string[],
  ): string[] {
    const rest = this.m % size;
    if (from === '0' && to === String(this.m)) {
      const full = this.m - rest;
      return [
        ...(full === size
          ? ['{', 'const i: usize = 0;', ...tile(size), '}']
          : loop('i', 'usize', full, size, tile(size))),
        ...(rest ? ['{', `const i: usize = ${full};`, ...tile(rest), '}'] : []),
      ];
    }
    if (rest === 0) return [`for (let i: usize = ${from}; i < ${to}; i += ${size}) {`, ...tile(size), '}'];
    return [
      `let i: usize = ${from};`,
      `for (; i + ${size} <= ${to}; i += ${size}) {`,
      ...tile(size),
      '}',
      `if (i < ${to}) {`,
      ...tile(rest),
      '}',
    ];
  }

  private finishCall(segment: Segment, sums: string, i: string, count: string): string {
    return this.tile.call(this.tile.finish(segment), sums, i, count, 'j');
  }
}

/** A number of steps as an argument of type i32. */
function count(k: string): string {
  return /^\d+$/.test(k) ? k : `<i32>${k}`;
}
