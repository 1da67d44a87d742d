import { describe, expect, it } from 'vitest';
import { printProgram } from '../../src/emit/print.js';
import {
  act,
  binary,
  block,
  cast,
  define,
  float,
  instruction,
  library,
  load,
  max,
  min,
  range,
  sum,
  times,
  when,
} from '../../src/loops/make.js';
import { printLoops } from '../../src/loops/print.js';
import type { Expression, LoopProgram, Statement } from '../../src/loops/program.js';
import { libraryOf, mentions } from '../../src/loops/query.js';
import { opTable } from '../../src/ops/op.js';
import '../../src/index.js';

const op = (name: string) => opTable().get(name)!;
const program = (...body: Statement[]): LoopProgram => ({ buffers: [], functions: [], body, units: 1 });

/** As AssemblyScript. */
function printed(expression: Expression): string {
  const names = {
    stem: 'k',
    address: (b: number) => `B${b}`,
    stemOf: (b: number) => `b${b}`,
    parameters: () => [],
  };
  return printProgram(program(define('x', expression)), names).lines[0];
}

describe('the printer', () => {
  it.each<[Expression, string]>([
    [times(binary('p', '-', 1), 32), '(p - 1) * 32'],
    [sum('a', times(binary('i', '-', 'top'), 4)), 'a + (i - top) * 4'],
    [binary(sum('a', 'b'), '-', binary('c', '-', sum('d', 'e'))), 'a + b - (c - (d + e))'],
    [binary(binary('m', '/', 6), '%', 4), '(m / 6) % 4'],
    [binary('a', '/', binary('b', '*', 'c')), 'a / (b * c)'],
    [binary(binary('i', '-', 1), '&', -4), '(i - 1) & ~3'],
    [sum(1, binary(cast('i32', 'j'), '>>', 2)), '1 + (<i32>j >> 2)'],
    [cast('i32', sum('a', 'b')), '<i32>(a + b)'],
    [times(min('end', 3), 16), 'min<usize>(end, 3) * 16'],
    [max('begin', sum('a', 0, 2)), 'max<usize>(begin, a + 2)'],
    [load('vector', sum({ kind: 'buffer', buffer: 2 }, 'j'), 16), 'v128.load(B2 + j, 16)'],
    [load('splat', { kind: 'local', buffer: 1, stem: '_at_7' }), 'v128.load32_splat(b1_at_7)'],
    [float(-0), '-0.0'],
    [float(Number.NaN), 'NaN'],
    [float(0.1), '0.10000000149011612'],
    [float(Number.NEGATIVE_INFINITY), '-Infinity'],
  ])('binds %j as it is meant', (expression, text) => {
    expect(printed(expression)).toBe(`const x = ${text};`);
  });
});

describe('programs', () => {
  it('are told apart by all that their results depend on', () => {
    const apply = (name: string, from: 'f32' | 'i32' | 'bool', to: 'f32' | 'i32' | 'bool'): Statement =>
      define('y', { kind: 'apply', op: op(name), args: ['x'], from, to });
    const accumulate = (dtype: 'f32' | 'i32'): Statement => ({
      kind: 'accumulate',
      into: 's',
      op: op('sum'),
      value: 'x',
      dtype,
    });
    const along = (by: number): Statement => ({
      ...range('i', 0, 8, 1, [define('y', 'b')]),
      along: { name: 'b', from: 'scratch', by },
    });
    const tile = (value: Expression, buffers: number[] = []): LoopProgram => ({
      ...program({ kind: 'tile', name: 'tile', args: [1] }),
      functions: [{ name: 'tile', parameters: ['a'], buffers, body: [define('y', value)] }],
    });
    const programs = [
      program(apply('cast', 'bool', 'f32')),
      program(apply('cast', 'i32', 'f32')),
      program(apply('neg', 'f32', 'f32')),
      program(apply('neg', 'i32', 'i32')),
      program(accumulate('f32')),
      program(accumulate('i32')),
      program(along(16)),
      program(along(32)),
      program(range('i', 0, 8, 1, [])),
      program(range('i', 0, 8, 2, [])),
      program(block(define('y', 1)), define('z', 1)),
      program(block(define('y', 1), define('z', 1))),
      program(define('y', load('vector', 'a', 16))),
      program(define('y', load('splat', 'a', 16))),
      program(define('y', load('vector', 'a'))),
      program({ kind: 'store', to: 'a', value: 'x', offset: 0 }),
      program({ kind: 'storeLane', to: 'a', value: 'x', lane: 0 }),
      program({ kind: 'storeLane', to: 'a', value: 'x', lane: 1 }),
      program(define('y', float(0))),
      program(define('y', float(-0))),
      program(define('y', sum('a', times('b', 'c')))),
      program(define('y', times(sum('a', 'b'), 'c'))),
      { ...program(), units: 8 },
      program(),
      tile(1),
      tile(2),
      tile(1, [0]),
    ];
    expect(new Set(programs.map(printLoops)).size).toBe(programs.length);
  });

  it('tell which functions of assembly/ they call, in tiles too', () => {
    const tanh: Expression = { kind: 'apply', op: op('tanh'), args: ['x'], from: 'f32', to: 'f32' };
    const all: Expression = { kind: 'horizontal', op: op('sum'), of: 'x', dtype: 'i32' };
    const text: Statement = when(
      binary('i', '<', 2),
      range('i', library('rowIndex', 'a', 3), 9, 1, [act(library('storeLanes', 'a', tanh, 2))]),
    );
    const tile = { name: 'tile', parameters: [], buffers: [], body: [define('p', sum('scratch', 64))] };
    const calls = libraryOf({ ...program(text, define('s', all)), functions: [tile] });
    expect([...calls].sort()).toEqual([
      ['rowIndex', 'lanes'],
      ['scratch', 'team'],
      ['storeLanes', 'lanes'],
      ['sumLanesI32', 'lanes'],
      ['tanh4', 'math'],
    ]);
  });

  it('tell which names they use, not which they only declare', () => {
    const body = [range('i', 'begin', 8, 1, [define('j', instruction('f32x4.neg', 'x'))])];
    expect(['begin', 'i', 'x', 'j', 'end'].map((name) => mentions(body, name))).toEqual([
      ...[true, true, true, false, false],
    ]);
    const along: Statement = { ...range('i', 0, 8, 1, []), along: { name: 'b', from: 'end', by: 4 } };
    expect(mentions([along], 'end')).toBe(true);
  });
});

describe('ops', () => {
  const dtypes = ['f32', 'i32', 'bool'] as const;

  it('name all functions of assembly/ that they call, and no other', () => {
    const args = ['x0', 'x1', 'x2'];
    let calls = 0;
    for (const { name, lower } of opTable().values()) {
      if (lower.kind !== 'elementwise') continue;
      const texts = dtypes.flatMap((from) =>
        dtypes.flatMap((to) => {
          try {
            return [lower.emit(args, from, to)];
          } catch {
            // Not for this dtype.
            return [];
          }
        }),
      );
      // A call without a dot is none of an instruction; `i32x4(...)` is a literal.
      const found = texts.flatMap((text) => text.match(/(?<![\w.])(?!i32x4\()[a-z]\w*(?=\()/g) ?? []);
      expect([name, [...new Set(found)].sort()]).toEqual([name, Object.keys(lower.library ?? {}).sort()]);
      calls += found.length;
    }
    expect(calls).toBeGreaterThan(8);
  });
});
