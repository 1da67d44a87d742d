import type { GemmKernel } from '../schedule/kernel.js';
import { numel } from '../shape.js';
import { plus } from './code.js';
import { collapse } from './loops.js';
import type { Body, NestOptions } from './nest.js';
import { ownElements, Scope, Values } from './values.js';

/** Levels of the loops: before all, per matrix of the batch, per row, per vector of a row. */
const MATRIX = 1;
const ROW = 2;
const BLOCK = 3;
const PANEL = 8;
const ROWS = 4;

/**
 * A matrix product in register tiles of 4 x 8: assembly/gemm.ts makes a tile of C, and the epilogue reads it
 * from the thread's scratch. Panels of 8 columns run outside, so that their part of B stays in the cache.
 */
export function emitGemm(kernel: GemmKernel, options: NestOptions): Body {
  const { domain, a, b, k, members } = kernel;
  if (numel(domain) === 0) return { lines: [], units: 1 };
  const [m, n] = domain.slice(-2);
  const batch = domain.slice(0, -2);
  const loops = { ...collapse([], [], []), over: (access: typeof a) => access };
  const m0 = domain.length - 2;
  const values = new Values(
    {
      loops,
      levels: domain.map((_, i) => (i < m0 ? MATRIX : i === m0 ? ROW : BLOCK)),
      indices: domain.map((_, i) => (i < m0 ? `b${i}` : i === m0 ? 'row' : 'j')),
      vectorAxis: m0 + 1,
      members: new Map(members.map((x) => [x.node, x])),
      address: options.address,
    },
    domain,
  );
  values.scopes.push(new Scope());
  const operand = (access: typeof a, index: (axis: number) => string) =>
    plus(
      options.address(access.source),
      4 * access.offset,
      ...access.strides.map((s, i) => (s === 0 || index(i) === '' ? '' : `${index(i)} * ${4 * s}`)),
    );
  const aAt = operand(a, (i) => (i < m0 ? `b${i}` : i === m0 ? 'i' : ''));
  const bAt = plus(
    operand(b, (i) => (i < m0 ? `b${i}` : '')),
    'j',
  );
  const [aRow, aCol] = a.strides.slice(-2).map((s) => 4 * s);
  const bRow = 4 * b.strides.at(-2)!;

  /** All rows of some columns: `vectors` of them, `lanes` in the last. */
  const rows = (vectors: number, lanes: number, from: string, to: string): string[] => {
    const call = (size: number) =>
      `tile${size}x${4 * vectors}(${aAt}, ${aRow}, ${aCol}, ${bAt}, ${bRow}, ${k}, tile);`;
    const rest = m % ROWS;
    const count = rest === 0 ? String(ROWS) : m < ROWS ? String(rest) : 'rows';
    const tiles =
      rest === 0 || m < ROWS
        ? [call(m < ROWS ? rest : ROWS)]
        : [
            `const rows = min<usize>(${ROWS}, ${m} - i);`,
            `if (rows == ${ROWS}) {`,
            call(ROWS),
            '} else {',
            call(rest),
            '}',
          ];
    values.scopes[ROW] = new Scope();
    const block = new Scope();
    values.scopes[BLOCK] = block;
    for (let u = 0; u < vectors; u++) {
      const acc = values.name('product');
      block.lines.push(`const ${acc} = v128.load(tile + r * 32${u ? `, ${16 * u}` : ''});`);
      values.define(members[0].node, u, acc, BLOCK, true);
    }
    for (const { node } of members) {
      if (!options.stored.has(node)) continue;
      for (let u = 0; u < vectors; u++) {
        values.store(node, ownElements(node, domain), u, u === vectors - 1 ? lanes : 4, BLOCK);
      }
    }
    const rowLines = values.scopes[ROW].lines;
    values.scopes.length = ROW;
    return [
      `for (let i: usize = ${from}; i < ${to}; i += ${ROWS}) {`,
      ...tiles,
      `for (let r: usize = 0; r < ${count}; r++) {`,
      'const row = i + r;',
      ...rowLines,
      ...block.lines,
      '}',
      '}',
    ];
  };

  const full = Math.floor(n / PANEL);
  const rest = n - full * PANEL;
  const panels = full + (rest > 0 ? 1 : 0);
  const blocks = Math.ceil(m / ROWS);
  const matrices = numel(batch);
  const split = matrices > 1 ? 'batch' : panels >= blocks ? 'panels' : 'rows';
  const range = split === 'rows' ? [`begin * ${ROWS}`, `min<usize>(end * ${ROWS}, ${m})`] : ['0', String(m)];
  const edge = rest > 0 ? rows(Math.ceil(rest / 4), rest % 4 || 4, range[0], range[1]) : [];
  const edgeLines = [`const j: usize = ${full * 4 * PANEL};`, ...edge];
  const fullRows = full > 0 ? rows(2, 4, range[0], range[1]) : [];
  const step = 4 * PANEL;
  const body =
    split === 'panels'
      ? [
          ...(full
            ? [
                `for (let j: usize = begin * ${step}; j < min<usize>(end, ${full}) * ${step}; j += ${step}) {`,
                ...fullRows,
                '}',
              ]
            : []),
          ...(rest ? [`if (end == ${panels}) {`, ...edgeLines, '}'] : []),
        ]
      : [
          ...(full ? [`for (let j: usize = 0; j < ${full * step}; j += ${step}) {`, ...fullRows, '}'] : []),
          ...(rest ? ['{', ...edgeLines, '}'] : []),
        ];
  let around = [...values.scopes[MATRIX].lines, ...body];
  for (let i = m0 - 1; i >= 0; i--) {
    around = [`for (let b${i}: usize = ${0}; b${i} < ${batch[i]}; b${i}++) {`, ...around, '}'];
  }
  const units = split === 'batch' ? 1 : split === 'panels' ? panels : blocks;
  const lines = [...values.scopes[0].lines, ...around];
  return {
    lines:
      units === 1 && split !== 'batch'
        ? ['const begin: usize = 0;', 'const end: usize = 1;', ...lines]
        : lines,
    units,
  };
}
