import { describe, expect, it } from 'vitest';
import { compileProgram } from '../../src/emit/compile.js';
import { emitModule } from '../../src/emit/module.js';
import type { Graph } from '../../src/graph/graph.js';
import {
  f32,
  gather,
  i32,
  meanSquaredError,
  nn,
  optim,
  type Tensor,
  trace,
  trainStep,
  type Variable,
} from '../../src/index.js';
import { optimize } from '../../src/optimize/index.js';
import { planMemory } from '../../src/plan/plan.js';
import { CompiledEngine } from '../../src/run/engine.js';
import { readLibrary, spawnWorker } from '../../src/run/node.js';
import { schedule } from '../../src/schedule/schedule.js';
import { numel } from '../../src/shape.js';
import type { Program } from '../../src/train/program.js';
import { AWKWARD_NAMES } from '../property/disguise.js';

/** A model of two layers and a table whose parameters, batch and step have these names. */
function stepOf(names: readonly string[], batch: readonly [string, string], name = 'step') {
  const shapes = [[5, 3], [3, 4], [4], [4, 1], [1], [3]];
  const parameters = shapes.map((shape, k) =>
    nn.parameter(shape, (of) => Array.from({ length: numel(of) }, (_, i) => Math.sin(i + 3 * k))),
  );
  const model = Object.fromEntries(names.map((key, k) => [key, parameters[k]])) as Record<string, Variable>;
  const [table, w1, b1, w2, b2, scale] = parameters;
  return trainStep({
    name,
    model,
    batch: { [batch[0]]: i32(7), [batch[1]]: f32(7, 1) },
    loss: (_, parts) => {
      const [ids, y] = batch.map((part) => parts[part] as Tensor);
      const x = gather(table, ids).mul(scale);
      return meanSquaredError(x.matmul(w1).add(b1).tanh().matmul(w2).add(b2), y);
    },
    optimizer: optim.sgd({ momentum: 0.9 }),
  });
}

const PLAIN = ['q0', 'q1', 'q2', 'q3', 'q4', 'q5'];

function emitted({ name, variables, entries }: Pick<Program, 'name' | 'variables' | 'entries'>): string {
  const schedules = Object.fromEntries(
    Object.entries(entries).map(([entry, graph]) => [entry, schedule(optimize(graph))]),
  );
  return emitModule(name, schedules, planMemory(schedules, variables)).text;
}

/** The code without its comments, as asc's own rules find them. */
function code(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\/|\/\/[^\n\r\u2028\u2029]*/g, '');
}

/** Names that a module declares at its top, and those that its functions declare. */
function declared(text: string) {
  const top: string[] = [];
  const inner = new Set<string>();
  for (const line of code(text).split('\n')) {
    const imported = /^import \{ (.*) \}/.exec(line)?.[1].split(', ') ?? [];
    const own = /^(?:export )?(?:const|let|function) ([\w$]+)/.exec(line)?.slice(1) ?? [];
    top.push(...imported, ...own);
    const parameters = /^(?:export )?function [\w$]+\((.*)\)/.exec(line)?.[1] ?? '';
    for (const [, name] of parameters.matchAll(/([\w$]+):/g)) inner.add(name);
    if (/^\s/.test(line)) for (const [, name] of line.matchAll(/\b(?:const|let) ([\w$]+)/g)) inner.add(name);
  }
  return { top, inner };
}

describe('what users name', () => {
  const plain = emitted(stepOf(PLAIN, ['xs', 'ys']).program);

  it.each(AWKWARD_NAMES.map((name) => [JSON.stringify(name), name]))(
    'is not code: a parameter, a part of a batch and a step called %s change nothing but comments',
    (_, name) => {
      const asParameter = emitted(
        stepOf(
          [name, ...['a', 'w', 'w_3', 'row', 'left', 'right'].filter((other) => other !== name).slice(0, 5)],
          ['xs', 'ys'],
        ).program,
      );
      expect(code(asParameter)).toBe(code(plain));
      const asBatch = emitted(stepOf(PLAIN, [name, `${name} of y`], name).program);
      expect(code(asBatch)).toBe(code(plain));
    },
  );

  it('stands beside the addresses, readable and on one line', () => {
    const text = emitted(
      stepOf(['w', 'a*/b', 'c\nd', 'é', '\u001b[2J', 'b'], ['xs', 'ys'], 'my step\n').program,
    );
    expect(text).toContain('VARIABLE_0: usize = 36864; // w: f32[5,3]');
    expect(text).toContain('// "c\\nd": f32[4]');
    expect(text).toContain('// "\\u001b[2J": f32[1]');
    expect(text.split('\n')[0]).toBe('// "my step\\n": train, evaluate');
  });

  it('leaves what the module declares at its top apart from what functions declare', () => {
    const { top, inner } = declared(plain);
    expect(top.length).toBeGreaterThan(30);
    expect(inner.size).toBeGreaterThan(60);
    expect(new Set(top).size).toBe(top.length);
    expect(top.filter((name) => inner.has(name))).toEqual([]);
  });

  it('trains as on the tape, whatever it is', async () => {
    const sets = [
      ['w', 'b', 'a', 'i', 'j', 'row'],
      ['begin', 'end', 'left', 'right', 'w', 'w_3'],
      ['in', 'new', 'this', 'default', 'exp4', 'NaN'],
      ['*/', 'memory', 'load', 'store', 'run', 'work'],
    ];
    const data = {
      xs: Int32Array.of(0, 1, 2, 3, 4, 0, 0),
      ys: Float32Array.of(1, 2, 3, 4, 5, 6, 7),
    };
    for (const names of sets) {
      const step = stepOf(names, ['xs', 'ys']);
      const [compiled, tape] = [await step.compile({ cache: false }), step.interpret()];
      for (let i = 0; i < 3; i++) {
        const [got, want] = [compiled, tape].map((session) => session.step({ batch: data, lr: 0.02 }));
        expect(got).toBeCloseTo(want, 4);
      }
      for (const name of names) {
        const [got, want] = [compiled.read(name), tape.read(name)];
        want.forEach((x, i) => {
          expect(got[i], name).toBeCloseTo(x, 4);
        });
      }
      await Promise.all([compiled.close(), tape.close()]);
    }
  });

  it('is looked at by diagnostics, also where a layer runs twice', async () => {
    for (const name of ['wx', 'w#3', 'a', '*/']) {
      const shared = nn.linear(3, 3);
      const model = { [name]: shared, 'w#2': nn.linear(3, 3), w: nn.linear(3, 1) };
      const step = trainStep({
        model,
        batch: { x: f32(4, 3), y: f32(4, 1) },
        loss: (_, { x, y }) => {
          const inner = model['w#2'](shared(shared(x).tanh()).tanh());
          return meanSquaredError(model.w(model.w(inner).mul(inner)), y);
        },
        optimizer: optim.sgd(),
        diagnostics: { every: 1 },
      });
      const records = [];
      for (const session of [await step.compile(), step.interpret()]) {
        session.data({ x: Float32Array.from({ length: 24 }, (_, i) => i / 24), y: new Float32Array(8) });
        for await (const _ of session.run({ steps: 1, lr: 0.1 }));
        records.push(session.diagnostics().records[0].layers);
        await session.close();
      }
      const [compiled, tape] = records;
      expect(compiled.map((l) => l.name)).toEqual(tape.map((l) => l.name));
      expect(new Set(compiled.map((l) => l.name)).size).toBe(compiled.length);
      compiled.forEach((l, i) => {
        expect(l.activation.std).toBeCloseTo(tape[i].activation.std, 5);
      });
    }
  });

  it('is refused where it is that of the optimizer, which keeps its state by name', () => {
    const w = nn.parameter([3], () => [1, 2, 3]);
    const model = { w, optimizer: { m: { w: nn.parameter([3], () => [1, 2, 3]) } } };
    const options = {
      model,
      batch: { x: f32(4, 3) },
      loss: (_: unknown, { x }: { x: Tensor }) => x.mul(w).mul(model.optimizer.m.w).mean(),
    };
    expect(() => trainStep({ ...options, optimizer: optim.adam() })).toThrow(
      'trainStep: two variables are called "optimizer.m.w"',
    );
    expect(() => trainStep({ ...options, optimizer: optim.sgd() })).not.toThrow();
  });

  it('may be entries whose numbers run together, or what no identifier is', async () => {
    const graphOf = (by: number): Graph =>
      trace(`times ${by}`, { x: f32(3) }, ({ x }) => {
        // Twelve kernels: each sum needs the one before.
        let y: Tensor = x.mul(by);
        for (let i = 0; i < 12; i++) y = y.sub(y.mean());
        return { y: y.add(by), x: x.mul(by) };
      });
    const names = ['p1', 'p11', 'p', '1', 'my-entry', 'p1 */', 'a\nexport function evil(): void {}', 'in'];
    const entries = Object.fromEntries(names.map((name, i) => [name, graphOf(i + 1)]));
    const { wasm, layout } = await compileProgram(
      { name: 'entries', variables: [], entries },
      { library: await readLibrary() },
    );
    const module = await WebAssembly.compile(wasm as BufferSource);
    const functions = WebAssembly.Module.exports(module).filter(({ kind }) => kind === 'function');
    expect(functions.map(({ name }) => name)).toEqual(['join', 'run', 'dismiss', 'work']);
    const engine = await CompiledEngine.start({
      ...{ wasm, layout, shared: true, threads: 1, seed: 0, initial: new Map(), spawn: spawnWorker },
    });
    names.forEach((name, i) => {
      expect([...engine.invoke(name, { x: Float32Array.of(1, 2, 3) }).x]).toEqual(
        [1, 2, 3].map((x) => x * (i + 1)),
      );
    });
    await engine.close();
  });
});
