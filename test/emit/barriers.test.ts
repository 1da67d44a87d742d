import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { uniform } from '../../bench/golden/hash.js';
import { emitModule, type ModuleSource } from '../../src/emit/module.js';
import { forSecondThread } from '../../src/emit/second-thread.js';
import { type Graph, inputAttrs, type Node } from '../../src/graph/graph.js';
import { compileFunction, concat, f32, pad, trace } from '../../src/index.js';
import type { Kernel } from '../../src/kernels/kernel.js';
import type { Region } from '../../src/kernels/regions.js';
import { optimize } from '../../src/optimize/index.js';
import { type EntryPlan, type MemoryPlan, planMemory } from '../../src/plan/plan.js';
import { scheduleAll } from '../../src/schedule/schedule.js';
import { contiguousStrides, numel } from '../../src/shape.js';
import { arenaGraph } from '../plan/random.js';
import { programOf } from '../property/fuzz.js';
import { traceProgram } from '../property/program.js';
import { classifier } from '../train/small.js';

// Where threads meet, read in the emitted text: a missing barrier shows in results by luck alone.

interface Emitted {
  source: ModuleSource;
  plan: MemoryPlan;
}

function emit(
  entries: Record<string, Graph>,
  variables = classifier().program.variables,
  options: Parameters<typeof emitModule>[3] = {},
): Emitted {
  const graphs = Object.entries(entries).map(([name, graph]) => [name, optimize(graph)]);
  const schedules = scheduleAll(Object.fromEntries(graphs));
  const plan = planMemory(schedules, variables);
  // Every kernel that can be shared is.
  return { source: emitModule('test', schedules, plan, { threadShare: 0, ...options }), plan };
}

/** The statements of a function, one a line, without what they are about. */
function body(text: string, name: string): string[] {
  const from = text.indexOf(`function ${name}(`);
  return text
    .slice(from, text.indexOf('\n}\n', from))
    .split('\n')
    .slice(1)
    .map((line) => line.trim());
}

/** The kernels of an entry in the groups between its barriers; they are called in their order, some by a shared name. */
function groups({ source, plan }: Emitted, entry: string): ModuleSource['functions'][number][][] {
  const found: ModuleSource['functions'][number][][] = [[]];
  const waiting = source.functions.filter((f) => f.entry === entry);
  for (const line of body(source.text, `step${Object.keys(plan.entries).indexOf(entry)}`)) {
    if (line === 'barrier();') found.push([]);
    if (waiting.length === 0 || !new RegExp(`\\b${waiting[0].name}(_parts\\d+)?\\(`).test(line)) continue;
    found[found.length - 1].push(waiting.shift()!);
  }
  return found;
}

type Span = { from: number; to: number };
// What is empty has no byte in common with anything.
const full = (spans: Span[]) => spans.filter(({ from, to }) => from < to);
const overlap = (a: Span[], b: Span[]) =>
  full(a).some((x) => full(b).some((y) => x.from < y.to && y.from < x.to));

const placesIn = ({ sizes, strides, offset }: Region): number[] =>
  sizes.reduce(
    (list, size, axis) =>
      list.flatMap((at) => Array.from({ length: size }, (_, i) => at + i * strides[axis])),
    [offset],
  );

function clash(a: Kernel, b: Kernel, { address, parts }: EntryPlan): boolean {
  const wholes = new Set([...parts.values()].map(({ whole }) => whole));
  const single = (from: number) => (at: number) => ({ from: from + 4 * at, to: from + 4 * at + 4 });
  const spans = (nodes: readonly Node[], kernel?: Kernel) =>
    nodes.flatMap((node): Span[] => {
      const region = parts.get(node);
      const memory = region?.whole ?? node;
      const from = address.get(memory)!;
      const isCopy = kernel?.kind === 'copy' && wholes.has(memory);
      if (!region && !isCopy) return [{ from, to: from + 4 * numel(node.shape) }];
      // Of a part each element, of what is left of a copy what it writes.
      const places = region ? placesIn(region) : Array.from({ length: numel(node.shape) }, (_, at) => at);
      if (!isCopy) return places.map(single(from));
      const strides = contiguousStrides(node.shape);
      return [...kernel.parts, ...kernel.fills].flatMap(({ starts, shape }) => {
        const offset = starts.reduce((at, start, axis) => at + start * strides[axis], 0);
        const elements = placesIn({ whole: node, sizes: shape, strides, offset });
        return elements.map((element) => single(from)(places[element]));
      });
    });
  const [writesA, writesB] = [a, b].map((kernel) => spans(kernel.stores, kernel));
  const [readsA, readsB] = [a, b].map(({ loads }) => spans(loads));
  return overlap(writesA, writesB) || overlap(writesA, readsB) || overlap(readsA, writesB);
}

it('kernels between two barriers are either of the same thread, or touch nothing that another of them writes', () => {
  let [barriers, others, parts] = [0, 0, 0];
  const check = (
    entries: Record<string, Graph>,
    variables: Parameters<typeof emit>[1],
    threadShare: number,
  ) => {
    const emitted = emit(entries, variables, { threadShare });
    for (const entry of Object.keys(entries)) {
      const found = groups(emitted, entry);
      parts += emitted.plan.entries[entry].parts.size;
      barriers += found.length - 1;
      others += found.flat().filter(({ second }) => second).length;
      const names = emitted.source.functions.filter((f) => f.entry === entry).map((f) => f.name);
      expect(found.flat().map((f) => f.name)).toEqual(names);
      found.slice(1).forEach((group, i) => {
        // What comes first waits for something that was done before: no barrier stands without need.
        const waits = found[i].some(
          (one) =>
            (one.threads > 1 || group[0].threads > 1) &&
            clash(one.kernel, group[0].kernel, emitted.plan.entries[entry]),
        );
        expect(waits, `a barrier before ${group[0].name}`).toBe(true);
      });
      for (const group of found) {
        for (const [i, one] of group.entries()) {
          for (const other of group.slice(i + 1)) {
            if (one.threads === 1 && other.threads === 1 && one.second === other.second) continue;
            expect(
              clash(one.kernel, other.kernel, emitted.plan.entries[entry]),
              `${one.name} and ${other.name}`,
            ).toBe(false);
          }
        }
      }
    }
  };
  const { program } = classifier();
  check(program.entries, program.variables, 0);
  check(branches(), [], 10_000);
  // Shared all, or those that are large among them.
  for (const threadShare of [0, 20])
    fc.assert(
      fc.property(arenaGraph(), ({ graph }) => check({ call: graph }, [], threadShare)),
      { numRuns: 25 },
    );
  expect(barriers).toBeGreaterThan(40);
  for (let seed = 2000; seed < 2020; seed++) {
    const graph = traceProgram(programOf(seed));
    const variables = graph.inputs.map(inputAttrs).filter(({ role }) => role !== 'input');
    check({ call: graph }, variables as unknown as Parameters<typeof emit>[1], 0);
  }
  expect(parts).toBeGreaterThan(10);
  expect(others).toBeGreaterThan(0);
});

it('kernels that write parts of one value meet only before somebody reads it', () => {
  const types = { x: f32(64, 32), u: f32(32, 16), v: f32(32, 24), w: f32(32, 40) };
  const call = trace('parts', types, ({ x, u, v, w }) => {
    // Columns of the same rows, and zeros around.
    const both = concat([x.matmul(v).tanh(), x.matmul(w).tanh()], 1);
    return { y: both.matmul(both.transpose()), z: pad(x.matmul(u).relu(), [1, 3], [2, 1]) };
  });
  const emitted = emit({ call }, []);
  expect(emitted.plan.entries.call.parts.size).toBe(3);
  const names = groups(emitted, 'call').map((group) => group.map(({ kernel }) => kernel.name));
  expect(names.map((group) => group.sort())).toEqual([
    // Those of the output come as early as they can.
    ['gemm_nn_64x16x32_relu', 'gemm_nn_64x24x32_tanh', 'gemm_nn_64x40x32_tanh', 'pad_67x20'],
    ['gemm_nt_64x64x64'],
  ]);
});

it('what a kernel reads that is too far behind to be compared is made by the thread of that kernel', () => {
  const kernel = (writes: number, reads: number[]) => ({
    stores: [],
    touched: { writes: [[writes, writes + 1] as const], reads: reads.map((at) => [at, at + 1] as const) },
    threads: 1,
    nanoseconds: 1000,
  });
  const apart = Array.from({ length: 64 }, (_, i) => kernel(i, []));
  const second = forSecondThread(apart, () => false);
  expect(second.size).toBe(32);
  const read = [...second].slice(0, 3);
  const last = kernel(
    64,
    read.map((k) => apart.indexOf(k)),
  );
  const left = forSecondThread([...apart, last], () => false);
  expect(read.filter((k) => left.has(k))).toEqual([]);
  expect(left.has(last)).toBe(false);
  expect(left.size).toBeGreaterThan(20);
});

/** Small products that have nothing to do with each other, between two kernels that are worth sharing. */
function branches(): Record<string, Graph> {
  const call = trace('branches', { x: f32(200, 200), z: f32(200, 24, 24) }, ({ x, z }) => {
    const t = x.tanh();
    const products = Array.from({ length: 6 }, (_, i) => {
      const rows = t.slice([24 * i, 0], [24, 200]);
      return rows.matmul(rows.transpose());
    });
    return { y: products.reduce((y, product) => y.add(1).mul(product).tanh(), z), last: products[5] };
  });
  return { call };
}

it('a kernel that is not shared is done by the thread that has less to do, but for what the first needs next', async () => {
  const { call } = branches();
  const { source } = emit({ call }, [], { threadShare: 10_000 });
  const second = source.functions.filter((f) => f.second);
  expect(second).toHaveLength(3);
  expect(source.functions.filter((f) => f.threads === 1 && !f.second)).toHaveLength(3);
  const late = second.filter((f) =>
    f.kernel.stores.some((node) => call.outputs.some((o) => o.node === node)),
  );
  expect(late).toEqual([]);
  const inputs = { x: uniform(200 * 200, 0.3, 1), z: uniform(200 * 576, 1, 2) };
  const results: unknown[] = [];
  for (const threads of [1, 2, 3]) {
    const compiled = await compileFunction(call, { threads, threadShare: 10_000 });
    for (let time = 0; time < 20; time++) results.push(compiled.call(inputs));
    await compiled.close();
  }
  for (const result of results) expect(result).toEqual(results[0]);
});

it('threads meet when a batch is drawn, when its loss is kept, and when a job is done', () => {
  const { text } = emit(classifier().program.entries).source;
  const kinds: [RegExp, string][] = [
    [/^if \(thread == 0\) \{/, 'the first thread'],
    [/^if \(thread < \d+\) drawRows\(first \+ i, .*firstUnit/, 'draw'],
    [/^if \(thread == 0\) store<f32>/, 'the rate'],
    [/^barrier\(\)/, 'barrier'],
    [/^step0\(\)/, 'step'],
    [/^store<f32>\(.*i, load<f32>/, 'keeps the loss'],
    [/^if \(loss - loss != 0\) break/, 'looks at the loss'],
    [/^switch/, 'job'],
  ];
  const skeleton = (name: string) =>
    body(text, name).flatMap((line) => kinds.find(([pattern]) => pattern.test(line))?.[1] ?? []);
  expect(skeleton('trainSteps')).toEqual([
    ...['draw', 'the rate', 'barrier', 'step'],
    ...['the first thread', 'keeps the loss', 'barrier', 'looks at the loss'],
  ]);
  expect(skeleton('runJob')).toEqual(['job', 'barrier']);
  expect(body(text, 'runJob').slice(-3)).toEqual(['}', 'barrier();', '}']);
});

it('each row of the batch is drawn by its own number, whoever draws it', () => {
  const draw = body(emit(classifier().program.entries).source.text, 'drawRows').join('\n');
  expect(draw).toContain('randomIndex(seed, 1, step, i, rows)');
});

it('memory is poisoned between two barriers', () => {
  const { source } = emit(classifier().program.entries, undefined, { poison: true });
  const lines = body(source.text, 'step0');
  const fills = lines.flatMap((line, i) => (line === 'if (thread == 0) {' ? [i] : []));
  expect(fills.length).toBeGreaterThan(3);
  for (const at of fills) {
    // The first comes before all work; those later after what may still be at work.
    if (at > 0) expect(lines[at - 1]).toBe('barrier();');
    const end = lines.indexOf('}', at);
    expect(lines[end + 1]).toBe('barrier();');
  }
});

it('a job is given out by a single store, after which sleepers are woken; no thread passes a barrier alone', async () => {
  const text = await readFile(new URL('../../assembly/team.ts', import.meta.url), 'utf8');
  const code = (name: string) => body(text, name).filter((line) => line && !line.startsWith('//'));
  const start = code('startJob');
  const stores = start.flatMap((line, i) => (/atomic\.(store|add)|\bstore</.test(line) ? [i] : []));
  expect(stores).toHaveLength(1);
  expect(start[stores[0]]).toMatch(/^atomic\.store<i64>\(ORDER, .*threads << 48.*next << 32.*count/);
  expect(start.findIndex((line) => line.startsWith('atomic.notify(ORDER'))).toBe(stores[0] + 1);
  const last = code('barrier').filter((line) => /^(if \()?atomic\./.test(line));
  // The count is back at zero before anyone can come to the next barrier.
  expect(last).toEqual([
    'if (atomic.add<i32>(ARRIVED, 1) == threads - 1) {',
    'atomic.store<i32>(ARRIVED, 0);',
    'atomic.store<i32>(GENERATION, generation + 1);',
    'atomic.notify(GENERATION, -1);',
  ]);
});
