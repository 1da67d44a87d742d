import { describe, expect, it } from 'vitest';
import { buildGolden } from '../../bench/golden/model.js';
import { isBare, WORKLOADS } from '../../bench/workloads.js';
import { type CompilerInput, compileProgram } from '../../src/emit/compile.js';
import { emitModule } from '../../src/emit/module.js';
import { inputAttrs } from '../../src/graph/graph.js';
import { f32, softmax, trace } from '../../src/index.js';
import { clashOf } from '../../src/loops/in-place.js';
import { binary, define, load, min, range, sum, times, when } from '../../src/loops/make.js';
import type { Expression, LoopProgram, Statement } from '../../src/loops/program.js';
import { mentions } from '../../src/loops/query.js';
import { optimize } from '../../src/optimize/index.js';
import { planMemory } from '../../src/plan/plan.js';
import { readLibrary } from '../../src/run/node.js';
import { schedule } from '../../src/schedule/schedule.js';
import { programOf } from '../property/fuzz.js';
import { traceProgram } from '../property/program.js';

// Whether a result may lie where an operand does, asked of the loop program: buffer 0 is read, buffer 1 written.

const OLD: Expression = { kind: 'buffer', buffer: 0 };
const VALUE: Expression = { kind: 'buffer', buffer: 1 };
const node = trace('n', { x: f32(64, 64) }, (g) => g).inputs[0];

const read = (...at: Expression[]): Statement => define('x', load('vector', sum(OLD, ...at)));
const write = (...at: Expression[]): Statement => ({
  kind: 'store',
  to: sum(VALUE, ...at),
  value: 'x',
  offset: 0,
});
const columns = (...body: Statement[]) => range('j', 0, 64, 16, body);
const rows = (...body: Statement[]) => range('i', 'begin', 'end', 1, body);
const row = times('i', 64);

function clash(...body: Statement[]): string | null {
  const buffers = [0, 1].map(() => ({ node, element: 0 }));
  const units = mentions(body, 'begin') ? 8 : 1;
  const program: LoopProgram = { buffers, functions: [], body, units };
  return clashOf(
    program,
    (b) => b === 1,
    (b) => b === 0,
  );
}

describe('a result may take the place of what is read', () => {
  it.each<[string, Statement[]]>([
    ['element by element', [rows(columns(read(row, 'j'), write(row, 'j')))]],
    ['row by row, in two stages', [rows(columns(read(row, 'j')), columns(read(row, 'j'), write(row, 'j')))]],
    [
      'column by column, rows inside',
      [
        columns(
          range('i', 0, 8, 1, [read(row, 'j')]),
          range('i', 0, 8, 1, [read(row, 'j'), write(row, 'j')]),
        ),
      ],
    ],
    [
      'in blocks whose last is shorter',
      [
        range('top', 0, 50, 16, [
          define('bottom', min(sum('top', 16), 50)),
          range('i', 'top', 'bottom', 1, [columns(read(row, 'j'), write(row, 'j'))]),
        ]),
      ],
    ],
    [
      'with a rest behind the full blocks',
      [
        rows(range('j', 0, 48, 16, [read(row, 'j'), write(row, 'j')]), {
          kind: 'block',
          body: [define('j', 48), read(row, 'j'), write(row, 'j')],
        }),
      ],
    ],
    [
      'matrix by matrix of a batch',
      [
        range('m', 'begin', 'end', 1, [
          define('b0', binary('m', '/', 4)),
          define('b1', binary('m', '%', 4)),
          columns(
            read(times('b0', 256), times('b1', 64), 'j'),
            write(times('b0', 256), times('b1', 64), 'j'),
          ),
        ]),
      ],
    ],
  ])('%s', (_, body) => {
    expect(clash(...body)).toBe(null);
  });

  it.each<[string, Statement[], string]>([
    ['is written before it', [rows(columns(write(row, 'j'), read(row, 'j')))], 'after they are written'],
    [
      'is read again in a later stage',
      [rows(columns(read(row, 'j'), write(row, 'j')), columns(read(row, 'j')))],
      'after they are written',
    ],
    ['lies an element further', [rows(columns(read(row, 'j', 4), write(row, 'j')))], 'turns of a loop'],
    ['is repeated', [rows(columns(read('j'), write(row, 'j')))], 'turns of a loop'],
    [
      'is turned round',
      [rows(columns(read(times('i', 4), times('j', 8)), write(row, 'j')))],
      'turns of a loop',
    ],
    ['is met in every turn', [rows(columns(read('j'), write('j')))], 'turns of a loop'],
    [
      'is met by a loop whose turns come back, though blocks are inside of it',
      [
        range('again', 0, 2, 1, [
          range('top', 0, 64, 16, [
            define('bottom', min(sum('top', 16), 64)),
            range('i', 'top', 'bottom', 1, [columns(read(row, 'j'), write(row, 'j'))]),
          ]),
        ]),
      ],
      'turns of a loop',
    ],
    [
      'is read at a place that nobody knows',
      [rows(define('at', load('i32', 'scratch')), columns(read('at', 'j'), write(row, 'j')))],
      'turns of a loop',
    ],
    ['is read before the loop over units, by each thread', [read(), rows(write(row))], 'one thread'],
    [
      'is read by a condition after all',
      [rows(columns(read(row, 'j'), write(row, 'j')), when(binary('end', '==', 8), columns(read(row, 'j'))))],
      'after they are written',
    ],
  ])('not if that %s', (_, body, why) => {
    expect(clash(...body)).toContain(why);
  });
});

it('parts of one buffer are told apart by where they begin', () => {
  const buffers = [0, 1].map((part) => ({ node, element: 4 * part }));
  const body = [rows(columns(read(row, 'j'), write(row, 'j')))];
  const program: LoopProgram = { buffers, functions: [], body, units: 8 };
  const of = (number: number) => (buffer: number) => buffer === number;
  expect(clashOf(program, of(1), of(0))).toContain('turns of a loop');
});

async function compiled(input: CompilerInput) {
  return compileProgram(input, { library: await readLibrary(), asc: async () => new Uint8Array() });
}

it('what the plan lets kernels overwrite is proven safe from their programs', async () => {
  // W6-tiny has the kernels of W6.
  const inputs = WORKLOADS.flatMap(({ name, config }) =>
    isBare(config) || name === 'W6' ? [] : [buildGolden(config).step.program as CompilerInput],
  );
  for (let seed = 1000; seed < 1060; seed++) {
    const graph = traceProgram(programOf(seed));
    const variables = graph.inputs.map(inputAttrs).filter((i) => i.role !== 'input');
    inputs.push({ name: 'program', variables, entries: { call: graph } });
  }
  let inPlace = 0;
  for (const input of inputs) {
    const { source, plan, schedules } = await compiled(input);
    for (const { entry, kernel } of source.functions) {
      const { address } = plan.entries[entry];
      const places = new Set(kernel.loads.map((x) => address.get(x)));
      inPlace += kernel.stores.filter((x) => address.has(x) && places.has(address.get(x))).length;
    }
    expect(() => emitModule(input.name, schedules, plan, { poison: true })).not.toThrow();
  }
  expect(inPlace).toBeGreaterThan(200);
}, 120_000);

it('a plan that lets a kernel overwrite what it still reads is found out', () => {
  const types = { x: f32(8, 40), a: f32(40, 40) };
  const graph = trace('g', types, ({ x, a }) => {
    const z = x.matmul(a);
    return { y: softmax(z).add(z).matmul(a) };
  });
  const schedules = { call: schedule(optimize(graph)) };
  const plan = planMemory(schedules, []);
  const { call } = plan.entries;
  const { stores, loads } = schedules.call.kernels.find((kernel) => kernel.kind === 'nest')!;
  const exp = stores.find((x) => x.op.name === 'exp')!;
  const address = new Map(call.address).set(exp, call.address.get(loads[0])!);
  const broken = { ...plan, entries: { call: { ...call, address } } };
  expect(() => emitModule('g', schedules, plan, { poison: true })).not.toThrow();
  expect(() => emitModule('g', schedules, broken, { poison: true })).toThrow(
    /writes exp over matmul, which it must not: its elements are read after they are written/,
  );
});
