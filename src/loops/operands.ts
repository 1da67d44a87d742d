import type { Node } from '../graph/graph.js';
import { digitsOf, isMapped, operandShapes } from '../kernels/index-map.js';
import type { Digit, GemmKernel, Operand } from '../kernels/kernel.js';
import { isOfParts } from '../kernels/sum-order.js';
import { ROWS, type Segment } from '../kernels/tiling.js';
import type { Buffers } from './buffers.js';
import { overRuns, placeOf } from './index-map.js';
import { act, binary, block, cast, define, library, min, range, sum, times, when } from './make.js';
import type { NestOptions } from './nest.js';
import type { Expression, Statement } from './program.js';
import { PrologueLoops } from './prologue.js';

/** From a first one on, up to but not with a last one. */
export type Range = readonly [from: Expression, to: Expression];

/** The operands of a product: where they start, how parts of them are packed, and where a tile reads. */
export class Operands {
  /** Operands that are made as they are packed. */
  private readonly made: Readonly<Record<'a' | 'b', PrologueLoops | null>>;
  /** Columns of the panels in which B lies, and how many bytes a panel has. */
  private readonly panels: { readonly columns: number; readonly bytes: number } | null;

  constructor(
    private readonly kernel: GemmKernel,
    private readonly buffers: Buffers,
    /** Names of the indices into the batch. */
    private readonly matrix: readonly string[],
    columns: number | undefined,
    regionOf: NestOptions['regionOf'],
  ) {
    this.made = { a: this.madeOf('a', regionOf), b: this.madeOf('b', regionOf) };
    const [rows] = kernel.b.source.shape;
    this.panels = columns === undefined ? null : { columns, bytes: 4 * columns * rows };
  }

  private madeOf(which: 'a' | 'b', regionOf: NestOptions['regionOf']): PrologueLoops | null {
    const { prologue } = this.kernel[which];
    const { buffers } = this;
    return prologue ? new PrologueLoops(prologue, which, { buffers, regionOf }, this.matrix) : null;
  }

  /** Where a matrix of an operand starts; of a B in panels, where that starts. */
  start(operand: Operand): Expression {
    const start = this.buffer(operand.source, operand.offset);
    if (this.panels && operand.source === this.kernel.b.source) return start;
    const terms = this.matrix.map((index, i) => placeOf(digitsOf(operand, i, this.kernel.domain[i]), index));
    return sum(start, ...terms);
  }

  private buffer(source: Node, offset: number): Expression {
    return { kind: 'buffer', buffer: this.buffers.of(source, offset) };
  }

  /** A step of k as an operand counts it: an index map through all parts, where the matrices of the batch are parts of k. */
  private counted(which: 'a' | 'b', k0: Expression): Expression {
    const { k, members, [which]: operand } = this.kernel;
    return (operand.digits || operand.prologue) && isOfParts(members[0].node)
      ? sum(times(this.matrix[0], k), k0)
      : k0;
  }

  private digits(which: 'a' | 'b', axis: -1 | -2): readonly Digit[] {
    const shape = operandShapes(this.kernel)[which];
    return digitsOf(this.kernel[which], axis, shape.at(axis)!);
  }

  /** Copies rows of an operand, four at a time: their lines of k side by side. */
  private packMapped(
    which: 'a' | 'b',
    lanes: readonly Expression[],
    [k0, k]: readonly [Expression, Expression],
    to: Expression,
    width: number,
  ): Statement {
    const [along, across] = which === 'a' ? ([-1, -2] as const) : ([-2, -1] as const);
    const [steps, rows] = [this.digits(which, along), this.digits(which, across)];
    const start = which === 'a' ? 'left' : 'right';
    const step = 4 * (steps.at(-1)?.stride ?? 0);
    const names = lanes.map((_, lane) => `lane${lane}`);
    const whole = (rows.at(-1)?.size ?? 1) % 4 === 0;
    const next = 4 * (rows.at(-1)?.stride ?? 0);
    const place = (lane: Expression, i: number) =>
      whole && i > 0 ? sum('lane0', i * next) : sum(start, placeOf(rows, lane));
    return block(
      ...lanes.map((lane, i) => define(names[i], place(lane, i), 'usize')),
      ...overRuns(steps, this.counted(which, k0), k, (run) => {
        const at = (name: string) => sum(name, run.place);
        const target = sum(to, run.before === 0 ? 0 : times(run.before, width));
        return [
          act(
            whole && next === 4
              ? library('packVector', at('lane0'), step, count(run.steps), target, width)
              : library('packFour', ...names.map(at), step, count(run.steps), target, width),
          ),
        ];
      }),
    );
  }

  /** Copies rows of A to lie as tiles read them. */
  packRows(rows: Range, k0: Expression, k: Expression): Statement[] {
    if (!this.kernel.tiling.packA) return [];
    const { a, domain } = this.kernel;
    if (this.made.a) return this.makeRows(this.made.a, rows, [this.counted('a', k0), k]);
    if (isMapped(a, -1) || isMapped(a, -2)) {
      const m = domain.at(-2)!;
      // Beyond the last row the last one stands.
      const row = (r: number) => (r === 0 || m % ROWS === 0 ? sum('i', r) : min(sum('i', r), m - 1));
      const lanes = Array.from({ length: ROWS }, (_, r) => row(r));
      const target = sum('packed', times(times(since('i', rows[0]), k), 4));
      return [range('i', rows[0], rows[1], ROWS, [this.packMapped('a', lanes, [k0, k], target, 16)])];
    }
    const { strides } = a;
    const column = 4 * strides.at(-1)!;
    const from = sum('left', binary('i', '*', 4), k0 === 0 ? 0 : binary(k0, '*', column));
    const to = sum('packed', times(times(since('i', rows[0]), k), 4));
    return [range('i', rows[0], rows[1], ROWS, [act(library('packVector', from, column, count(k), to, 16))])];
  }

  /** Makes rows of A to lie as tiles read them. */
  private makeRows(
    made: PrologueLoops,
    [from, to]: Range,
    steps: readonly [Expression, Expression],
  ): Statement[] {
    const m = this.kernel.domain.at(-2)!;
    const rest = m % ROWS;
    const group = (lanes: number) => {
      const target = sum('packed', times(times(since('i', from), steps[1]), 4));
      return made.pack({ first: 'i', vectors: 1, lanes }, steps, { to: target, width: 4 * ROWS });
    };
    const last = rest ? [define('i', m - rest, 'usize'), ...group(rest)] : [];
    const full = range('i', from, to === m ? m - rest : to, ROWS, group(ROWS));
    if (to === m) return [...(m >= ROWS ? [full] : []), ...(rest ? [block(...last)] : [])];
    if (rest === 0) return [full];
    // Only the last rows of all are fewer.
    return [{ ...full, test: binary(sum('i', ROWS), '<=', to) }, when(binary(to, '==', m), ...last)];
  }

  /** The address of a tile's first element of A, or of the first element of each of its rows. */
  rowAddress(rows: number, first: Expression, k0: Expression, k: Expression): Expression[] {
    const { packA, rowsA } = this.kernel.tiling;
    if (!packA) {
      const isWalked = isMapped(this.kernel.a, -1);
      const step = isWalked ? 0 : placeOf(this.digits('a', -1), this.counted('a', k0));
      const lines = Array.from({ length: rowsA === 'each' ? rows : 1 }, (_, r) => sum('i', r));
      return lines.map((line) => sum('left', placeOf(this.digits('a', -2), line), step));
    }
    const at = since('i', first);
    if (rows === ROWS) return [sum('packed', times(times(at, k), 4))];
    return [sum('packed', times(times(binary(at, '&', -4), k), 4), times(binary(at, '&', 3), 4))];
  }

  /** Copies a panel of B side by side; `j`: its first column, in bytes. */
  packPanel({ vectors, lanes }: Segment, k0: Expression, k: Expression, panel = 'panel'): Statement[] {
    const { packB } = this.kernel.tiling;
    if (packB === 'no' || packB === 'lies') return [];
    if (this.made.b) {
      const lines = { first: binary('j', '/', 4), vectors, lanes };
      return this.made.b.pack(lines, [this.counted('b', k0), k], { to: panel, width: 16 * vectors });
    }
    if (this.panels) return this.packPaneled({ vectors, lanes }, this.panels, k0, k, panel);
    const { b } = this.kernel;
    if (isMapped(b, -1) || isMapped(b, -2)) {
      const first = binary('j', '/', 4);
      return Array.from({ length: vectors }, (_, v) => {
        const exist = v === vectors - 1 ? lanes : 4;
        const column = (lane: number) => sum(first, 4 * v + (lane < exist ? lane : 0));
        const columns = Array.from({ length: 4 }, (_, lane) => column(lane));
        return this.packMapped('b', columns, [k0, k], sum(panel, 16 * v), 16 * vectors);
      });
    }
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
