import type { GemmKernel } from '../schedule/kernel.js';
import { type Segment, scratchOf } from '../schedule/tiling.js';
import type { Addresses } from './functions.js';
import { collapse } from './loops.js';
import type { NestOptions } from './nest.js';
import { sum, type TileSize, tileLoop } from './tile.js';
import { ownElements, Scope, Values } from './values.js';

/** Levels of the loops: before all, per matrix of the batch, per row, per vector of a row. */
const MATRIX = 1;
const ROW = 2;
const BLOCK = 3;

export interface GemmOptions extends NestOptions {
  /** What the names of its functions begin with. */
  readonly name: string;
}

/** The functions of one product that work on a tile, made as they are asked for; all return their names. */
export class TileFunctions {
  private readonly functions = new Map<string, readonly string[]>();
  /** Names of the indices into the batch. */
  readonly matrix: readonly string[];
  /** Parameters of the kernel that its epilogue reads or writes, which all functions get that have one. */
  private readonly pointers = new Set<string>();
  private readonly addresses: Addresses;

  constructor(
    private readonly kernel: GemmKernel,
    private readonly options: GemmOptions,
  ) {
    this.matrix = kernel.domain.slice(0, -2).map((_, i) => `b${i}`);
    const { addresses } = options;
    this.addresses = {
      ...addresses,
      of: (node, element) => {
        const address = addresses.of(node, element);
        if (addresses.parameters.includes(address)) this.pointers.add(address);
        return address;
      },
      stem: (node, element) => addresses.stem(node, element),
    };
  }

  get all(): readonly (readonly string[])[] {
    return [...this.functions.values()];
  }

  private strides(vectors: number) {
    const { tiling, a, b } = this.kernel;
    const [aRow, aColumn] = tiling.packA ? [4, 16] : a.strides.slice(-2).map((s) => 4 * s);
    return { aRow, aColumn, bRow: tiling.packB === 'no' ? 4 * b.strides.at(-2)! : 16 * vectors };
  }

  private name(kind: string, { rows, vectors }: TileSize): string {
    return `${this.options.name}_${kind}${rows}x${4 * vectors}`;
  }

  /** The head of a function that has an epilogue; the epilogue's text is made before. */
  private head(name: string, ...parameters: string[]): string {
    const typed = [...parameters, ...this.matrix, ...this.pointers].map((p) => `${p}: usize`);
    return `function ${name}(${typed.join(', ')}): void {`;
  }

  /** A call of such a function. */
  call(name: string, ...args: string[]): string {
    return `${name}(${[...args, ...this.matrix, ...this.pointers].join(', ')});`;
  }

  /** A tile with all that is fused behind it. */
  finished({ vectors, lanes }: Segment, rows: number): string {
    const size = { rows, vectors };
    const name = `${this.name('tile', size)}${lanes < 4 ? `_${lanes}` : ''}`;
    return this.define(name, () => {
      const values = this.values('i', vectors);
      const lines = this.epilogue(values, size, lanes, sum);
      return [
        this.head(name, 'a', 'b', 'i', 'j'),
        ...tileLoop(size, this.strides(vectors), this.kernel.k),
        ...values.scopes[0].lines,
        ...values.scopes[MATRIX].lines,
        ...lines,
        '}',
      ];
    });
  }

  /** Tiles of the same rows on panels that lie one after the other, from column j to column last (in bytes). */
  group({ vectors }: Segment, rows: number, panelBytes: number, tile: readonly string[]): string {
    const name = this.name('group', { rows, vectors });
    const { epilogue } = this.kernel.tiling;
    return this.define(name, () => [
      this.head(name, 'a', 'i', 'j', 'last'),
      ...(epilogue === 'memory' ? [`const sums = scratch + ${scratchOf(this.kernel.tiling).sums};`] : []),
      `for (let b = scratch; j < last; j += ${16 * vectors}, b += ${panelBytes}) {`,
      ...tile,
      '}',
      '}',
    ]);
  }

  /** A tile whose sums are left at `to`; where k is cut, they are added to what is there. */
  plain({ vectors }: Segment, rows: number): string {
    const size = { rows, vectors };
    const name = this.name('tile', size);
    const blocked = this.kernel.tiling.kBlocks > 1;
    const leave = (value: string, offset: number) => {
      const at = offset ? `, ${offset}` : '';
      return `v128.store(to, ${blocked ? `f32x4.add(v128.load(to${at}), ${value})` : value}${at});`;
    };
    return this.define(name, () => {
      const lines = [
        `function ${name}(a: usize, b: usize, to: usize${blocked ? ', k: usize' : ''}): void {`,
        ...tileLoop(size, this.strides(vectors), blocked ? 'k' : this.kernel.k),
      ];
      for (let r = 0; r < rows; r++)
        for (let v = 0; v < vectors; v++) lines.push(leave(sum(r, v), 16 * (r * vectors + v)));
      return [...lines, '}'];
    });
  }

  /** What is fused behind a product, on rows of sums. */
  finish({ vectors, lanes }: Segment): string {
    const name = `${this.options.name}_finish${4 * vectors - 4 + lanes}`;
    return this.define(name, () => {
      const values = this.values('row');
      const products = Array.from({ length: vectors }, (_, v) => `product${v}`);
      const lines = this.epilogue(values, { rows: 1, vectors }, lanes, (_, v) => products[v]);
      const loads = products.map(
        (product, v) => `const ${product} = v128.load(from${v ? `, ${16 * v}` : ''});`,
      );
      return [
        this.head(name, 'from', 'i', 'count', 'j'),
        ...values.scopes[0].lines,
        ...values.scopes[MATRIX].lines,
        `for (let row = i; row < i + count; row++, from += ${16 * vectors}) {`,
        ...loads,
        ...lines,
        '}',
        '}',
      ];
    });
  }

  private define(name: string, make: () => readonly string[]): string {
    if (!this.functions.has(name)) this.functions.set(name, make());
    return name;
  }

  /** Expressions over a row at `row`, or over a block of rows of so many vectors from there on. */
  private values(row: string, vectors?: number): Values {
    const { domain, members } = this.kernel;
    const m0 = domain.length - 2;
    const values = new Values(
      {
        loops: { ...collapse([], [], []), over: (access) => access },
        levels: domain.map((_, i) => (i < m0 ? MATRIX : i === m0 ? ROW : BLOCK)),
        indices: domain.map((_, i) => (i < m0 ? `b${i}` : i === m0 ? row : 'j')),
        vectorAxis: m0 + 1,
        block: vectors ? { rowAxis: m0, vectors } : undefined,
        members: new Map(members.map((x) => [x.node, x])),
        addresses: this.addresses,
      },
      domain,
    );
    values.scopes.push(new Scope());
    return values;
  }

  /** Stores of the rows of a tile. */
  private epilogue(
    values: Values,
    { rows, vectors }: TileSize,
    lanes: number,
    product: (row: number, vector: number) => string,
  ): string[] {
    const { domain, members } = this.kernel;
    const [row, block] = [new Scope(), new Scope()];
    values.scopes[ROW] = row;
    values.scopes[BLOCK] = block;
    for (let u = 0; u < rows * vectors; u++) {
      const at = product(Math.floor(u / vectors), u % vectors);
      values.define(members[0].node, u, at, BLOCK, true);
    }
    const stored = members.map((m) => m.node).filter((node) => this.options.stored.has(node));
    for (let u = 0; u < rows * vectors; u++) {
      const exist = u % vectors === vectors - 1 ? lanes : 4;
      for (const node of stored) values.store(node, ownElements(node, domain), u, exist, BLOCK);
    }
    values.scopes.length = ROW;
    return [...row.lines, ...block.lines];
  }
}
