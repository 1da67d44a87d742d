import { describe, expect, it } from 'vitest';
import { type CompilerInput, compileProgram } from '../../src/emit/compile.js';
import { type Graph, inputAttrs } from '../../src/graph/graph.js';
import { f32, nn, optim, type Tensor, trace, trainStep } from '../../src/index.js';
import type { Elements } from '../../src/ops/op.js';
import { CompiledEngine } from '../../src/run/engine.js';
import { readLibrary, spawnWorker } from '../../src/run/node.js';
import { dataFor } from '../property/data.js';
import { programOf } from '../property/fuzz.js';
import { traceProgram } from '../property/program.js';

// Kernels that differ in addresses alone are one function. That saves code, and changes no bit.

interface Choice {
  readonly shareKernels: boolean;
  readonly threadShare?: number;
  readonly asc?: () => Promise<Uint8Array>;
}

async function compile(input: CompilerInput, choice: Choice) {
  return compileProgram(input, { library: await readLibrary(), level: 1, ...choice });
}

async function emitted(input: CompilerInput, shareKernels = true, threadShare?: number) {
  const { source } = await compile(input, { shareKernels, threadShare, asc: async () => new Uint8Array() });
  return source;
}

function mlp(layers: number, width = 8): CompilerInput {
  const list = Array.from({ length: layers }, () => [nn.linear(width, width), nn.tanh()]).flat();
  return trainStep({
    model: nn.sequential(...list),
    batch: { x: f32(4, width), y: f32(4, width) },
    loss: (model, { x, y }) => model(x).sub(y).square().mean(),
    optimizer: optim.adam(),
  }).program;
}

/** tanh(x_t W + h U + b), over and over. */
function unrolled(steps: number): CompilerInput {
  const types = { x: f32(4, steps, 8), w: f32(8, 8), u: f32(8, 8), b: f32(8) };
  const graph = trace('unrolled', types, ({ x, w, u, b }) => {
    let h: Tensor = x.slice([0, 0, 0], [4, 1, 8]).reshape([4, 8]);
    for (let t = 1; t < steps; t++) {
      const z = x.slice([0, t, 0], [4, 1, 8]).reshape([4, 8]).matmul(w);
      h = z.add(h.matmul(u)).add(b).tanh();
    }
    return { h };
  });
  return { name: 'unrolled', variables: [], entries: { call: graph } };
}

const functionsIn = (text: string) => text.match(/^function \w+/gm)!.length;

describe('code of deep models', () => {
  it('is that of a shallow one, for equal layers and for steps of a cell', async () => {
    for (const [model, few, many] of [
      [mlp, 6, 18],
      [unrolled, 6, 24],
    ] as const) {
      const [short, long] = [await emitted(model(few)), await emitted(model(many))];
      expect(long.functions.length).toBeGreaterThan(2 * short.functions.length);
      expect(functionsIn(long.text)).toBe(functionsIn(short.text));
      expect(functionsIn((await emitted(model(many), false)).text)).toBeGreaterThan(
        2 * functionsIn(long.text),
      );
    }
  });

  it('says at each call of a shared function what it computes there, and at the function how often it is called', async () => {
    const { text, functions } = await emitted(mlp(5));
    const shared = functions.filter((f) => f.name.startsWith('shared_'));
    expect(shared.length).toBeGreaterThan(6);
    const [{ name }] = shared;
    const uses = shared.filter((f) => f.name === name).length;
    expect(text).toMatch(
      new RegExp(`Shared by ${uses} kernels, of which the first is [^\\n]*\\nfunction ${name}\\(`),
    );
    expect([...text.matchAll(new RegExp(` // .*, from .*\\n[^\\n]*\\b${name}\\(`, 'g'))]).toHaveLength(uses);
  });

  it('has literal addresses where a kernel is alone', async () => {
    const types = { a: f32(5, 7), b: f32(7, 9) };
    const graph = trace('one', types, ({ a, b }) => ({ c: a.matmul(b).tanh() }));
    const input = { name: 'one', variables: [], entries: { call: graph } };
    const { text } = await emitted(input);
    expect(text).not.toContain('buffer');
    expect(text).toBe((await emitted(input, false)).text);
  });

  it('keeps a literal for an address that all users of a function have in common', async () => {
    const { text } = await emitted(mlp(6));
    const rate = /const (INPUT_0_\d+): .*\/\/ learning_rate/.exec(text)![1];
    const bodies = text.split(/^(?=function )/m).filter((part) => part.startsWith('function shared_'));
    expect(bodies.some((body) => body.includes(rate))).toBe(true);
    expect(text).not.toMatch(new RegExp(`^ *if \\(thread.*shared_.*\\b${rate}\\b`, 'm'));
  });
});

/** All results of a few steps, by entry and step. */
async function results(
  input: CompilerInput,
  { wasm, layout }: Awaited<ReturnType<typeof compile>>,
  threads: number,
) {
  const engine = await CompiledEngine.start({
    ...{ wasm, layout, shared: true, threads, seed: 0, initial: new Map(), spawn: spawnWorker },
  });
  try {
    const all: Record<string, Elements>[] = [];
    for (const [entry, graph] of Object.entries(input.entries)) {
      const initial = dataFor(graph, 5, ['parameter', 'state']);
      for (const [name, value] of Object.entries(initial)) engine.write(name, value);
      for (let step = 0; step < 3; step++) {
        const outputs = engine.invoke(entry, dataFor(graph, 7 + step, ['input']));
        const state = Object.keys(initial).map((name) => [name, engine.read(name).slice()]);
        all.push(structuredClone({ ...outputs, ...Object.fromEntries(state) }));
      }
    }
    return all;
  } finally {
    await engine.close();
  }
}

/** Programs whose graphs stand twice in one module, so that all their kernels are shared. */
function twice(seeds: readonly number[]): CompilerInput {
  const graphs: [string, Graph][] = seeds.flatMap((seed) =>
    ['p', 'q'].map((tag): [string, Graph] => [
      `${tag}${seed}`,
      traceProgram(programOf(seed), `${tag}${seed}.`),
    ]),
  );
  const variables = graphs.flatMap(([, graph]) =>
    graph.inputs.map(inputAttrs).filter((i) => i.role !== 'input'),
  );
  return { name: 'twice', variables, entries: Object.fromEntries(graphs) };
}

describe('sharing kernels', () => {
  it.each([
    ['random programs', twice([3, 10, 17, 24, 31, 38, 45, 52])],
    ['layers', mlp(7, 20)],
    ['steps of a cell', unrolled(9)],
  ])('changes no bit, whatever the number of threads: %s', async (_, input) => {
    // All that can be shared among threads is.
    const [shared, apart] = [
      await compile(input, { shareKernels: true, threadShare: 0 }),
      await compile(input, { shareKernels: false, threadShare: 0 }),
    ];
    expect(functionsIn(shared.source.text)).toBeLessThan(0.7 * functionsIn(apart.source.text));
    const want = await results(input, apart, 1);
    expect(want.length).toBeGreaterThan(2);
    for (const threads of [1, 2, 3, 4]) expect(await results(input, shared, threads)).toEqual(want);
  });

  it('shares long kernels too, which threads do in parts that each call counts', async () => {
    const types = { a: f32(170, 170), b: f32(170, 170) };
    const graph = trace('long', types, ({ a, b }) => {
      let c = a;
      for (let i = 0; i < 4; i++) c = c.matmul(b).mul(1 / 16);
      return { c };
    });
    const input = { name: 'long', variables: [], entries: { call: graph } };
    const shared = await compile(input, { shareKernels: true });
    expect(shared.source.text.match(/^function \w+_parts\d+\(/gm)).toHaveLength(1);
    expect(shared.source.text.match(/_taken = shared_\w+\(/g)!.length).toBeGreaterThan(2);
    const want = await results(input, await compile(input, { shareKernels: false }), 1);
    for (const threads of [1, 2, 4]) expect(await results(input, shared, threads)).toEqual(want);
  });
});
