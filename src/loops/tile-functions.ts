import type { Node } from '../graph/graph.js';
import { digitsOf, isMapped } from '../kernels/index-map.js';
import type { Access, GemmKernel } from '../kernels/kernel.js';
import { type Segment, scratchOf } from '../kernels/tiling.js';
import { collapse, type LoopAccess, storedElements } from './axes.js';
import type { Buffers } from './buffers.js';
import { Scope } from './frame.js';
import { binary, define, instruction, load, sum } from './make.js';
import type { NestOptions } from './nest.js';
import type { Expression, Statement, TileFunction } from './program.js';
import { type Runs, rowPointers, sumAt, type TileSize, type TileStrides, tileLoop } from './tile.js';
import { Values } from './values.js';

/** Levels of the loops: before all, per matrix of the batch, per row, per vector of a row. */
const MATRIX = 1;
const ROW = 2;
const BLOCK = 3;

/** What has to be known of where the operands and results of a product lie. */
export interface ProductOptions extends NestOptions {
  /** Columns of the panels in which a matrix lies. */
  panelsOf(node: Node): number | undefined;
}

/** The functions of one product that work on a tile, made as they are asked for; all return their names. */
export class TileFunctions {
  private readonly functions = new Map<string, TileFunction>();
  /** Names of the indices into the batch. */
  readonly matrix: readonly string[];
  /** Those that the epilogue reads or writes. */
  private readonly used = new Set<number>();
  private readonly buffers: Pick<Buffers, 'of'>;

  constructor(
    private readonly kernel: GemmKernel,
    private readonly options: ProductOptions,
  ) {
    this.matrix = kernel.domain.slice(0, -2).map((_, i) => `b${i}`);
    this.buffers = {
      of: (node, element) => {
        const buffer = options.buffers.of(node, element);
        this.used.add(buffer);
        return buffer;
      },
    };
  }

  get all(): readonly TileFunction[] {
    return [...this.functions.values()];
  }

  /** A call of a function with an epilogue. */
  call(name: string, ...args: readonly Expression[]): Statement {
    return { kind: 'tile', name, args: [...args, ...this.matrix] };
  }

  private strides(vectors: number): TileStrides {
    const { tiling, a, b } = this.kernel;
    const { packB } = tiling;
    const bRow =
      4 *
      (packB === 'no'
        ? b.strides.at(-2)!
        : packB === 'lies'
          ? this.options.panelsOf(b.source)!
          : 4 * vectors);
    if (tiling.packA) return { aRow: 4, aColumn: 16, bRow };
    const [row, column] = a.strides.slice(-2).map((s) => 4 * s);
    return { aRow: tiling.rowsA === 'each' ? null : row, aColumn: column, bRow };
  }

  /** How a tile passes its rows of A. */
  private get runs(): Runs | null {
    const { a, k, tiling } = this.kernel;
    if (tiling.packA || !isMapped(a, -1)) return null;
    return { digits: digitsOf(a, -1, k), from: tiling.kBlocks > 1 ? 'k0' : 0 };
  }

  /** Whether tiles have to know where in k they begin. */
  get walks(): boolean {
    return this.runs !== null && this.kernel.tiling.kBlocks > 1;
  }

  /** Parameters of a tile's pointers to A. */
  private pointers(size: TileSize): string[] {
    return rowPointers(size, this.strides(size.vectors));
  }

  /** A tile with all that is fused behind it. */
  finished({ vectors, lanes }: Segment, rows: number): string {
    const size = { rows, vectors };
    const name = `${nameOf('tile', size)}${lanes < 4 ? `_${lanes}` : ''}`;
    return this.define(name, () => {
      const values = this.values('i', vectors);
      const epilogue = this.epilogue(values, size, lanes, sumAt);
      return this.withEpilogue(
        name,
        [...this.pointers(size), 'b', 'i', 'j'],
        [
          ...tileLoop(size, this.strides(vectors), this.kernel.k, this.runs),
          ...values.scopes[0].body,
          ...values.scopes[MATRIX].body,
          ...epilogue,
        ],
      );
    });
  }

  /** Tiles of the same rows on panels that lie one after the other, from column j to column last (in bytes). */
  group({ vectors }: Segment, rows: number, panelBytes: number, tile: readonly Statement[]): string {
    const name = nameOf('group', { rows, vectors });
    const { tiling } = this.kernel;
    const lies = tiling.packB === 'lies';
    const sums = tiling.epilogue === 'memory' ? [define('sums', sum('scratch', scratchOf(tiling).sums))] : [];
    return this.define(name, () =>
      this.withEpilogue(
        name,
        ['a', 'i', 'j', 'last', ...(lies ? ['from'] : [])],
        [
          ...sums,
          {
            kind: 'loop',
            index: 'j',
            from: null,
            test: binary('j', '<', 'last'),
            step: 16 * vectors,
            along: { name: 'b', from: lies ? 'from' : 'scratch', by: panelBytes },
            body: tile,
          },
        ],
      ),
    );
  }

  /** A tile whose sums are left at `to`; where k is cut, they are added to what is there. */
  plain({ vectors }: Segment, rows: number): string {
    const size = { rows, vectors };
    const name = nameOf('tile', size);
    const blocked = this.kernel.tiling.kBlocks > 1;
    const at = Array.from({ length: rows * vectors }, (_, u) => ({
      value: sumAt(Math.floor(u / vectors), u % vectors),
      offset: 16 * u,
    }));
    // Two neighbours are loaded before either is stored: V8 can join such (`storeAll` of values.ts).
    const leave = (pair: typeof at): Statement[] => {
      const before = (sums: string) => `${sums}_before`;
      const loads = pair.map(({ value, offset }) => define(before(value), load('vector', 'to', offset)));
      const stores = pair.map(({ value, offset }): Statement => {
        const left = blocked ? instruction('f32x4.add', before(value), value) : value;
        return { kind: 'store', to: 'to', value: left, offset };
      });
      return [...(blocked ? loads : []), ...stores];
    };
    return this.define(name, () => {
      const body = tileLoop(size, this.strides(vectors), blocked ? 'k' : this.kernel.k, this.runs);
      for (let u = 0; u < at.length; u += 2) body.push(...leave(at.slice(u, u + 2)));
      const block = [...(blocked ? ['k'] : []), ...(this.walks ? ['k0'] : [])];
      const parameters = [...this.pointers(size), 'b', 'to', ...block];
      return { name, parameters, buffers: [], body };
    });
  }

  /** What is fused behind a product, on rows of sums. */
  finish({ vectors, lanes }: Segment): string {
    const name = `finish${4 * vectors - 4 + lanes}`;
    return this.define(name, () => {
      const values = this.values('row');
      const products = Array.from({ length: vectors }, (_, v) => `product${v}`);
      const epilogue = this.epilogue(values, { rows: 1, vectors }, lanes, (_, v) => products[v]);
      const loads = products.map((product, v) => define(product, load('vector', 'from', 16 * v)));
      const rows: Statement = {
        kind: 'loop',
        index: 'row',
        from: 'i',
        test: binary('row', '<', sum('i', 'count')),
        step: 1,
        along: { name: 'from', from: null, by: 16 * vectors },
        body: [...loads, ...epilogue],
      };
      return this.withEpilogue(
        name,
        ['from', 'i', 'count', 'j'],
        [...values.scopes[0].body, ...values.scopes[MATRIX].body, rows],
      );
    });
  }

  private withEpilogue(
    name: string,
    parameters: readonly string[],
    body: readonly Statement[],
  ): TileFunction {
    return { name, parameters: [...parameters, ...this.matrix], buffers: [...this.used], body };
  }

  private define(name: string, make: () => TileFunction): string {
    if (!this.functions.has(name)) this.functions.set(name, make());
    return name;
  }

  /** Expressions over a row at `row`, or over a block of rows of so many vectors from there on. */
  private values(row: string, vectors?: number): Values {
    const { domain, members } = this.kernel;
    const m0 = domain.length - 2;
    const values = new Values(
      {
        loops: { ...collapse([], [], []), over: (access) => this.over(access) },
        levels: domain.map((_, i) => (i < m0 ? MATRIX : i === m0 ? ROW : BLOCK)),
        indices: domain.map((_, i) => (i < m0 ? `b${i}` : i === m0 ? row : 'j')),
        vectorAxis: m0 + 1,
        block: vectors ? { rowAxis: m0, vectors } : undefined,
        members: new Map(members.map((x) => [x.node, x])),
        buffers: this.buffers,
        regionOf: this.options.regionOf,
      },
      domain,
    );
    values.scopes.push(new Scope());
    return values;
  }

  /** An access over the domain; the matrices that it reaches in panels have as wide ones as the product. */
  private over(access: Access): LoopAccess {
    const panels = this.options.panelsOf(access.source);
    if (!panels) return access;
    const { domain } = this.kernel;
    return { ...access, strides: [...domain.slice(2).map(() => 0), panels, 1], apart: domain.at(-2)! };
  }

  /** Stores of the rows of a tile. */
  private epilogue(
    values: Values,
    { rows, vectors }: TileSize,
    lanes: number,
    product: (row: number, vector: number) => string,
  ): Statement[] {
    const { domain, members } = this.kernel;
    const [row, block] = [new Scope(), new Scope()];
    values.scopes[ROW] = row;
    values.scopes[BLOCK] = block;
    for (let u = 0; u < rows * vectors; u++) {
      const at = product(Math.floor(u / vectors), u % vectors);
      values.define(members[0].node, u, at, BLOCK, true);
    }
    const stored = members.map((m) => m.node).filter((node) => this.options.stored.has(node));
    const exist = (u: number) => (u % vectors === vectors - 1 ? lanes : 4);
    const targets = stored.map(
      (node) => [node, storedElements(node, domain, this.options.regionOf(node))] as const,
    );
    values.storeAll(targets, [0, rows * vectors], exist, BLOCK, true);
    values.scopes.length = ROW;
    return [...row.body, ...block.body];
  }
}

function nameOf(kind: string, { rows, vectors }: TileSize): string {
  return `${kind}${rows}x${4 * vectors}`;
}
