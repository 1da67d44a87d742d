import { constantValue, type Node } from '../graph/graph.js';
import { scatterSizes } from '../graph/scatter.js';
import { contiguousOp } from '../ops/movement.js';
import type { Op } from '../ops/op.js';
import { blockOf, chainsOf } from '../schedule/chains.js';
import type { CopyKernel, FoldKernel, NestKernel, ScatterKernel } from '../schedule/kernel.js';
import { contiguousStrides, numel } from '../shape.js';
import { plus } from './code.js';
import { type Body, emitNest, type NestOptions } from './nest.js';

/** Adds rows into a table. The table is updated where it lies if the base lies there too. */
export function emitScatter(kernel: ScatterKernel, options: NestOptions): Body {
  const { node, base, ids, updates } = kernel;
  const [to, from] = [options.addresses.of(node), options.addresses.of(base.source)];
  const { rows, count, width } = scatterSizes(node);
  const chains = chainsOf(kernel);
  if (chains && width > 0) {
    const { next } = chains;
    const at = [options.addresses.of(ids.source), options.addresses.of(updates.source)];
    return {
      units: 1,
      lines: [
        `chainRows(${at[0]}, ${count}, ${rows}, scratch, ${plus('scratch', next)});`,
        `for (let row: usize = 0; row < ${rows}; row++) {`,
        `sumChain(load<i32>(scratch + 4 * row), ${plus('scratch', next)}, ${at[1]}, ${4 * width}, ${blockOf(count)}, ${to} + row * ${4 * width});`,
        '}',
      ],
    };
  }
  const fill = constantValue(base.source);
  const prepare =
    fill === 0
      ? [`memory.fill(${to}, 0, ${4 * rows * width});`]
      : options.overwrites(node)
        ? []
        : [`memory.copy(${to}, ${from}, ${4 * rows * width});`];
  if (count === 0 || width === 0) return { lines: prepare, units: 1 };
  const full = Math.floor(width / 4);
  const rest = width % 4;
  const add = (at: string) => `f32x4.add(v128.load(row${at}), v128.load(update${at}))`;
  return {
    units: 1,
    lines: [
      ...prepare,
      `for (let i: usize = 0; i < ${count}; i++) {`,
      `const row = ${to} + rowIndex(${options.addresses.of(ids.source)} + 4 * i, ${rows}) * ${4 * width};`,
      `const update = ${options.addresses.of(updates.source)} + i * ${4 * width};`,
      ...(full > 0
        ? [`for (let j: usize = 0; j < ${16 * full}; j += 16) v128.store(row + j, ${add(' + j')});`]
        : []),
      ...(rest > 0 ? [`storeLanes(row + ${16 * full}, ${add(` + ${16 * full}`)}, ${rest});`] : []),
      '}',
    ],
  };
}

/** Sums the rows of each index into its first; `overwrites` says that they lie where the updates do. */
export function emitFold(kernel: FoldKernel, options: NestOptions): Body {
  const { node, ids, updates } = kernel;
  const count = numel(ids.source.shape);
  const width = 4 * (numel(node.shape) / Math.max(1, count));
  if (numel(node.shape) === 0) return { lines: [], units: 1 };
  const { heads, next, repeated } = chainsOf(kernel)!;
  const [to, from] = [options.addresses.of(node), options.addresses.of(updates.source)];
  const nextAt = plus('scratch', next);
  const sum = `sumChain(<i32>i + 1, ${nextAt}, ${from}, ${width}, ${blockOf(count)}, row);`;
  return {
    units: 1,
    lines: [
      `chainEqual(${options.addresses.of(ids.source)}, ${count}, ${heads}, scratch, ${nextAt}, ${plus('scratch', repeated)});`,
      `for (let i: usize = 0; i < ${count}; i++) {`,
      `const row = ${to} + i * ${width};`,
      `if (load<u8>(${plus('scratch', repeated)} + i) != 0) zeroRow(row, ${width});`,
      options.overwrites(node) ? `else if (load<i32>(${nextAt} + 4 * i) != 0) ${sum}` : `else ${sum}`,
      '}',
    ],
  };
}

/** Copies blocks to their places in one buffer. */
export function emitCopy(kernel: CopyKernel, options: NestOptions): Body {
  const to = contiguousStrides(kernel.node.shape);
  const lines = kernel.zero
    ? [`memory.fill(${options.addresses.of(kernel.node)}, 0, ${4 * numel(kernel.node.shape)});`]
    : [];
  for (const { read, shape, starts } of kernel.parts) {
    if (numel(shape) === 0) continue;
    const part: Node = { ...kernel.node, op: contiguousOp as unknown as Op, inputs: [read.source], shape };
    const strides = read.strides.map((s, i) => (shape[i] === 1 ? 0 : s));
    const nest: NestKernel = {
      kind: 'nest',
      domain: shape,
      reduced: shape.map(() => false),
      members: [{ node: part, level: 'element', reads: [{ ...read, strides }] }],
    };
    const target = {
      source: kernel.node,
      offset: starts.reduce((at, start, i) => at + start * to[i], 0),
      strides: to.map((s, i) => (shape[i] === 1 ? 0 : s)),
    };
    const body = emitNest(nest, { ...options, stored: new Set([part]), target });
    const whole =
      body.units === 1
        ? body.lines
        : ['const begin: usize = 0;', `const end: usize = ${body.units};`, ...body.lines];
    lines.push('{', ...whole, '}');
  }
  return { lines, units: 1 };
}
