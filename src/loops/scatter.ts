import { constantValue, makeNode, type Node } from '../graph/graph.js';
import { scatterSizes } from '../graph/scatter.js';
import { blockOf, chainsOf } from '../kernels/chains.js';
import type { Access, Box, CopyKernel, FoldKernel, NestKernel, ScatterKernel } from '../kernels/kernel.js';
import { constantOp } from '../ops/leaf.js';
import { contiguousOp } from '../ops/movement.js';
import type { Op } from '../ops/op.js';
import { numel, offsetOf, type Shape } from '../shape.js';
import { storedElements } from './axes.js';
import {
  act,
  binary,
  block,
  cast,
  define,
  instruction,
  library,
  load,
  min,
  range,
  sum,
  times,
  when,
} from './make.js';
import { type NestOptions, nestLoops, type Part } from './nest.js';
import type { Expression, Statement } from './program.js';

/** Threads share columns, or rows by their last digits where those are few: all rows of an index then are of one thread. */
const FEW_COLUMNS = 32;
const DIGITS = 16;

/** Adds rows into a table. The table is updated where it lies if the base lies there too. */
export function scatterLoops(kernel: ScatterKernel, options: NestOptions): Part {
  const { node, base, ids, updates } = kernel;
  const address = addressIn(options);
  const to = address(node);
  const { rows, count, width } = scatterSizes(node);
  const bytes = 4 * width;
  const chains = chainsOf(kernel);
  if (chains && width > 0) {
    const next = sum('scratch', chains.next);
    const first = load('i32', sum('scratch', times(4, 'row')));
    const row = (columns: Columns) => {
      const [from, at] = [address(updates.source), sum(to, times('row', bytes))];
      const sums = [sum(from, columns.start), bytes, columns.bytes, blockOf(count), sum(at, columns.start)];
      return act(library('sumChain', first, next, ...sums));
    };
    const chain = (begin: Expression, end: Expression) =>
      act(library('chainRows', address(ids.source), count, rows, DIGITS, begin, end, 'scratch', next));
    if (width < FEW_COLUMNS)
      return {
        units: DIGITS,
        body: [
          chain('begin', 'end'),
          range('first', 0, rows, DIGITS, [
            define('last', min(sum('first', 'end'), rows)),
            range('row', sum('first', 'begin'), 'last', 1, [row({ start: 0, bytes })]),
          ]),
        ],
      };
    const { units, columns } = columnsOf(width);
    return { units, body: [chain(0, DIGITS), ...columns.define, range('row', 0, rows, 1, [row(columns)])] };
  }
  const size = rows * bytes;
  const prepare =
    constantValue(base.source) === 0
      ? [act(instruction('memory.fill', to, 0, size))]
      : options.overwrites(node)
        ? []
        : [act(instruction('memory.copy', to, address(base.source), size))];
  if (count === 0 || width === 0) return { body: prepare, units: 1 };
  const full = 16 * Math.floor(width / 4);
  const rest = width % 4;
  // What the whole table needs before is done by one thread.
  const units = prepare.length > 0 ? 1 : Math.ceil(width / 4);
  const shared = units > 1;
  const added = (at: Expression) =>
    instruction('f32x4.add', load('vector', sum('row', at)), load('vector', sum('update', at)));
  const row = library('rowIndex', sum(address(ids.source), times(4, 'i')), rows);
  const add: Statement[] = [
    define('row', sum(to, binary(row, '*', bytes))),
    define('update', sum(address(updates.source), binary('i', '*', bytes))),
  ];
  const [from, until] = shared ? [times('begin', 16), 'until'] : [0, full];
  if (full > 0)
    add.push(
      range('j', from, until, 16, [{ kind: 'store', to: sum('row', 'j'), value: added('j'), offset: 0 }]),
    );
  if (rest > 0) {
    const last = act(library('storeLanes', sum('row', full), added(full), rest));
    add.push(shared ? when(binary('end', '==', units), last) : last);
  }
  const ends = shared && full > 0 ? [define('until', min(times('end', 16), full))] : [];
  return { units, body: [...prepare, ...ends, range('i', 0, count, 1, add)] };
}

/** The columns of a thread, in bytes of a row. */
interface Columns {
  readonly start: Expression;
  readonly bytes: Expression;
}

/** Units of four columns; `define` names those of a thread. */
function columnsOf(width: number): { units: number; columns: Columns & { define: readonly Statement[] } } {
  const units = Math.ceil(width / 4);
  if (units < 2) return { units: 1, columns: { start: 0, bytes: 4 * width, define: [] } };
  const end = width % 4 ? min(times('end', 16), 4 * width) : times('end', 16);
  const bytes = binary(end, '-', 'start');
  const columns = [define('start', times('begin', 16)), define('columns', bytes)];
  return { units, columns: { start: 'start', bytes: 'columns', define: columns } };
}

/** Sums the rows of each index into its first; `overwrites` says that they lie where the updates do. */
export function foldLoops(kernel: FoldKernel, options: NestOptions): Part {
  const { node, ids, updates } = kernel;
  const count = numel(ids.source.shape);
  const width = numel(node.shape) / Math.max(1, count);
  if (numel(node.shape) === 0) return { body: [], units: 1 };
  const { heads, next, repeated } = chainsOf(kernel)!;
  const address = addressIn(options);
  const [to, from] = [address(node), address(updates.source)];
  const [nextAt, repeatedAt] = [sum('scratch', next), sum('scratch', repeated)];
  const first = sum(cast('i32', 'i'), 1);
  const { units, columns } = columnsOf(width);
  const { start, bytes } = columns;
  const sums = [sum(from, start), 4 * width, bytes, blockOf(count), 'row'];
  const add = act(library('sumChain', first, nextAt, ...sums));
  const isFirst = binary(load('i32', sum(nextAt, times(4, 'i'))), '!=', 0);
  return {
    units,
    body: [
      ...columns.define,
      act(library('chainEqual', address(ids.source), count, heads, 'scratch', nextAt, repeatedAt)),
      range('i', 0, count, 1, [
        define('row', sum(to, binary('i', '*', 4 * width), start)),
        {
          kind: 'if',
          test: binary(load('u8', sum(repeatedAt, 'i')), '!=', 0),
          body: [act(library('zeroRow', 'row', bytes))],
          otherwise: options.overwrites(node) ? [when(isFirst, add)] : [add],
        },
      ]),
    ],
  };
}

/** Copies blocks to their places in one buffer. */
export function copyLoops(kernel: CopyKernel, options: NestOptions): Part {
  const { node, parts, fills } = kernel;
  const region = options.regionOf(node);
  const { source, strides: to, offset } = storedElements(node, node.shape, region);
  const body: Statement[] = [];
  const write = ({ starts, shape }: Box, of: Node, reads: readonly Access[]) => {
    if (numel(shape) === 0) return;
    const nest: NestKernel = {
      kind: 'nest',
      domain: shape,
      reduced: shape.map(() => false),
      members: [{ node: of, level: 'element', reads }],
    };
    const target = {
      source,
      offset: offsetOf(starts, to, offset),
      strides: to.map((s, i) => (shape[i] === 1 ? 0 : s)),
    };
    const { body: made, units } = nestLoops(nest, { ...options, stored: new Set([of]), target });
    const all = units === 1 ? [] : [define('begin', 0, 'usize'), define('end', units, 'usize')];
    body.push(block(...all, ...made));
  };
  for (const box of fills) {
    if (Object.is(box.value, 0) && numel(box.shape) === numel(node.shape) && !region)
      body.push(act(instruction('memory.fill', addressIn(options)(node), 0, 4 * numel(node.shape))));
    else write(box, filled(node, box.shape, box.value), []);
  }
  for (const part of parts) {
    const { read, shape } = part;
    const strides = read.strides.map((s, i) => (shape[i] === 1 ? 0 : s));
    const of: Node = { ...node, op: contiguousOp as unknown as Op, inputs: [read.source], shape };
    write(part, of, [{ ...read, strides }]);
  }
  return { body, units: 1 };
}

function filled({ dtype, where }: Node, shape: Shape, value: number): Node {
  return makeNode(constantOp as unknown as Op, [], { values: [value], shape, dtype }, where);
}

function addressIn({ buffers }: NestOptions): (node: Node) => Expression {
  return (node) => ({ kind: 'buffer', buffer: buffers.of(node) });
}
