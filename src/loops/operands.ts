import type { Node } from '../graph/graph.js';
import type { GemmKernel } from '../schedule/kernel.js';
import { ROWS, type Segment } from '../schedule/tiling.js';
import type { Buffers } from './buffers.js';
import { act, binary, cast, library, range, sum, times } from './make.js';
import type { Expression, Statement } from './program.js';

/** From a first one on, up to but not with a last one. */
export type Range = readonly [from: Expression, to: Expression];

/** The operands of a product: where they start, how parts of them are packed, and where a tile reads. */
export class Operands {
  /** Columns of the panels in which B lies, and how many bytes a panel has. */
  private readonly panels: { readonly columns: number; readonly bytes: number } | null;

  constructor(
    private readonly kernel: GemmKernel,
    private readonly buffers: Buffers,
    /** Names of the indices into the batch. */
    private readonly matrix: readonly string[],
    columns: number | undefined,
  ) {
    const [rows] = kernel.b.source.shape;
    this.panels = columns === undefined ? null : { columns, bytes: 4 * columns * rows };
  }

  /** Where a matrix of an operand starts; of a B in panels, where that starts. */
  start({ source, offset, strides }: GemmKernel['a']): Expression {
    if (this.panels && source === this.kernel.b.source) return this.buffer(source, offset);
    const terms = this.matrix.map((index, i) => (strides[i] === 0 ? 0 : binary(index, '*', 4 * strides[i])));
    return sum(this.buffer(source, offset), ...terms);
  }

  private buffer(source: Node, offset: number): Expression {
    return { kind: 'buffer', buffer: this.buffers.of(source, offset) };
  }

  /** Copies rows of A to lie as tiles read them. */
  packRows(rows: Range, k0: Expression, k: Expression): Statement[] {
    if (!this.kernel.tiling.packA) return [];
    const { strides } = this.kernel.a;
    const column = 4 * strides.at(-1)!;
    const from = sum('left', binary('i', '*', 4), k0 === 0 ? 0 : binary(k0, '*', column));
    const to = sum('packed', times(times(since('i', rows[0]), k), 4));
    return [range('i', rows[0], rows[1], ROWS, [act(library('packVector', from, column, count(k), to, 16))])];
  }

  /** The address of a tile's first element of A. */
  rowAddress(rows: number, first: Expression, k0: Expression, k: Expression): Expression {
    const [row, column] = this.kernel.a.strides.slice(-2).map((s) => 4 * s);
    if (!this.kernel.tiling.packA)
      return sum('left', row ? binary('i', '*', row) : 0, k0 === 0 || !column ? 0 : binary(k0, '*', column));
    const at = since('i', first);
    if (rows === ROWS) return sum('packed', times(times(at, k), 4));
    return sum('packed', times(times(binary(at, '&', -4), k), 4), times(binary(at, '&', 3), 4));
  }

  /** Copies a panel of B side by side; `j`: its first column, in bytes. */
  packPanel({ vectors, lanes }: Segment, k0: Expression, k: Expression, panel = 'panel'): Statement[] {
    const { packB } = this.kernel.tiling;
    if (packB === 'no' || packB === 'lies') return [];
    if (this.panels) return this.packPaneled({ vectors, lanes }, this.panels, k0, k, panel);
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

  /** As packPanel, of a B that is the transpose of a matrix in panels. */
  private packPaneled(
    { vectors, lanes }: Pick<Segment, 'vectors' | 'lanes'>,
    { columns, bytes }: { readonly columns: number; readonly bytes: number },
    k0: Expression,
    k: Expression,
    panel: Expression,
  ): Statement[] {
    const { strides } = this.kernel.b;
    const parts = this.matrix.map((index, i) => (strides[i] === 0 ? 0 : times(index, strides[i])));
    const first = sum(k0, ...parts);
    return Array.from({ length: vectors }, (_, v) => {
      const from = sum('right', binary('j', '*', columns), 16 * v * columns);
      const exist = v === vectors - 1 ? lanes : 4;
      const to = sum(panel, 16 * v);
      return act(library('packPaneled', from, first, bytes, exist, count(k), to, 16 * vectors));
    });
  }

  /** Copies so many panels of B side by side; `j`: the first column, in bytes. */
  packPanels({ vectors }: Segment, panels: Expression): Statement {
    const { b, k } = this.kernel;
    const name = (['packPanels2', 'packPanels3', 'packPanels4'] as const)[vectors - 2];
    const row = 4 * b.strides.at(-2)!;
    return act(library(name, sum('right', 'j'), row, k, 'panel', 16 * vectors * k, panels));
  }

  /** The address of a tile's first row of B. */
  panelAddress(k0: Expression): Expression {
    const { packB } = this.kernel.tiling;
    if (this.panels && packB === 'lies')
      return sum(
        'right',
        binary('j', '*', this.kernel.k),
        k0 === 0 ? 0 : binary(k0, '*', 4 * this.panels.columns),
      );
    if (packB !== 'no') return 'panel';
    const row = 4 * this.kernel.b.strides.at(-2)!;
    return sum('right', 'j', k0 === 0 || !row ? 0 : binary(k0, '*', row));
  }
}

/** How far an index is from where it began. */
export function since(index: string, first: Expression): Expression {
  return first === 0 ? index : binary(index, '-', first);
}

/** A number of steps as an argument of type i32. */
function count(k: Expression): Expression {
  return typeof k === 'number' ? k : cast('i32', k);
}
