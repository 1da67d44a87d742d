import { execFileSync, spawnSync } from 'node:child_process';
import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { beforeAll, describe, expect, it } from 'vitest';
import { checkManifest } from '../../src/artifact/manifest.js';
import { decodeSafetensors } from '../../src/data/safetensors.js';
import { f32, meanSquaredError, nn, optim, trainStep } from '../../src/index.js';
import { run, start, workspace } from '../cli/command.js';
import { compiled, NAMES, source, TRAIN, type Trained } from './model.js';
import { tsc } from './tsc.js';

const { path, list } = workspace();
const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const compile = (out: string, ...args: string[]) =>
  run('compile', path('model.ts'), '--out', path(out), ...args);

/** Runs a script, with the models' `start` and `train` at hand, as a process of its own without this package. */
function node<T>(out: string, body: string, flags: string[] = []): T {
  const script = `import { start, threadSupport } from ${JSON.stringify(pathToFileURL(path(out, 'model.js')).href)};
${TRAIN}
const caught = async (f) => { try { return await f(); } catch (error) { return [error.name, error.message]; } };
console.log(JSON.stringify(await (async () => { ${body} })()));`;
  const args = [...flags, '--input-type=module', '-e', script];
  return JSON.parse(execFileSync(process.execPath, args, { cwd: path(), encoding: 'utf8' }));
}
type Answer = { file: string; result: Trained };
type Caught = [name: string, message: string];

beforeAll(async () => {
  await writeFile(path('model.ts'), source());
  await writeFile(
    path('custom.ts'),
    source('(shape, random) => Float32Array.from({ length: 36 }, (_, i) => random.normal(i) / 3)'),
  );
  const plain = await compile('plain');
  expect([plain.stderr, plain.code]).toEqual(['', 0]);
  expect((await compile('all', '--threads', '--relaxed', '--wat', '--assemblyscript', '--report')).code).toBe(
    0,
  );
});

describe('a model that was compiled ahead of time', () => {
  it('is four files, and the same bytes when it is compiled again', async () => {
    expect(await list('plain')).toEqual([...NAMES].sort());
    expect((await compile('again')).code).toBe(0);
    for (const name of NAMES) {
      expect(await readFile(path('again', name))).toEqual(await readFile(path('plain', name)));
    }
  });

  it('makes the same bits as the compiler for any seed, evaluates and predicts', async () => {
    for (const seed of [42, 7]) {
      const { result } = node<Answer>('plain', `return train(start, { seed: ${seed} })`);
      expect(result).toEqual(await compiled(seed));
    }
  });

  it('is an ES module for Node in a project of CommonJS modules too, without a warning', async () => {
    await mkdir(path('commonjs'), { recursive: true });
    await writeFile(path('commonjs', 'package.json'), '{ "type": "commonjs" }');
    await cp(path('plain'), path('commonjs', 'compiled'), { recursive: true });
    await writeFile(
      path('commonjs', 'main.cjs'),
      `import('./compiled/model.js').then(({ start }) => start()).then((s) => console.log(s.at));`,
    );
    const { stdout, stderr } = spawnSync(process.execPath, [path('commonjs', 'main.cjs')], {
      encoding: 'utf8',
    });
    expect([stdout, stderr]).toEqual(['0\n', '']);
  });

  it('leaves a package.json alone that is not its own', async () => {
    await mkdir(path('project'), { recursive: true });
    const theirs = '{ "name": "theirs", "version": "1.0.0" }';
    await writeFile(path('project', 'package.json'), theirs);
    const { code, stdout } = await compile('project');
    expect([code, stdout]).toEqual([0, expect.stringContaining('Node wants "type": "module" in it')]);
    expect(await readFile(path('project', 'package.json'), 'utf8')).toBe(theirs);
  });

  it('takes the seed that it was compiled with when none is given', async () => {
    expect((await compile('seeded', '--seed', '7')).code).toBe(0);
    expect(node<Answer>('seeded', 'return train(start)').result).toEqual(await compiled(7));
  });

  it('loads nothing but its own files, with no import at all', async () => {
    const text = await readFile(path('plain', 'model.js'), 'utf8');
    expect(text).not.toMatch(/^\s*import[\s{*"']|;import[\s{*"']|\bfrom\s*["']/m);
    expect(text).not.toMatch(/\brequire\(/);
    expect(text).not.toMatch(/blob:/);
  });

  it('goes on from a checkpoint with the same bits, in a file or in memory', async () => {
    const [straight, resumed] = node<Record<string, number[]>[]>(
      'plain',
      `const rows = { x: [0,1,2,3,4,5,6,0,1,2], y: [0,1,2,3,4] };
       const all = (s) => Object.fromEntries(s.names().map((n) => [n, [...s.read(n)]]));
       const go = async (s, steps) => { for await (const _ of s.run({ steps, lr: 0.1 })); };
       const a = await start(); a.data(rows); await go(a, 20);
       const b = await start(); b.data(rows); await go(b, 12); await b.save('half.safetensors');
       const c = await start({ seed: b.seed }); c.data(rows); await c.load('half.safetensors'); await go(c, 8);
       const d = await start({ weights: b.checkpoint() }); d.data(rows); await go(d, 8);
       if (c.at !== 20 || JSON.stringify(all(c)) !== JSON.stringify(all(d))) throw new Error('c and d differ');
       return [all(a), all(c)];`,
    );
    expect(resumed).toEqual(straight);
  });
});

describe('the twins of a module', () => {
  it('are chosen by what is asked for and what the engine has', async () => {
    expect((await list('all')).filter((f) => f.endsWith('.wasm'))).toEqual([
      'model.plain.wasm',
      'model.relaxed.wasm',
      'model.threads.wasm',
      'model.wasm',
    ]);
    const relaxed = Number.parseInt(process.versions.node, 10) >= 21;
    const chosen = (body: string, flags?: string[]) =>
      node<Answer>('all', `return train(start, ${body})`, flags);
    if (!relaxed) {
      expect(chosen('{}').file).toBe('model.plain.wasm');
      expect(chosen('{ threads: 2 }').file).toBe('model.threads.wasm');
    }
    const flags = relaxed ? [] : ['--experimental-wasm-relaxed-simd'];
    expect(chosen('{}', flags).file).toBe('model.relaxed.wasm');
    expect(chosen('{ threads: 2 }', flags).file).toBe('model.wasm');
    expect(chosen('{ relaxed: false }', flags).file).toBe('model.plain.wasm');
    expect(chosen('{ relaxed: false, threads: 2 }', flags).file).toBe('model.threads.wasm');
  });

  it('without relaxed SIMD give the same bits, with one thread and with two, and the process ends', async () => {
    expect((await compile('threads', '--threads')).code).toBe(0);
    const want = await compiled(42);
    for (const threads of [1, 2, 3]) {
      const { file, result } = node<Answer>('threads', `return train(start, { threads: ${threads} })`);
      expect(file).toBe(threads > 1 ? 'model.wasm' : 'model.plain.wasm');
      expect(result).toEqual({ ...want, threads });
    }
  });

  it('come with the stages of the compilation where these are asked for', async () => {
    expect(await readFile(path('all', 'model.wat'), 'utf8')).toMatch(/^\(module/);
    expect(await readFile(path('all', 'model.assemblyscript.txt'), 'utf8')).toContain('function trainSteps');
    const report = await readFile(path('all', 'report.html'), 'utf8');
    for (const part of ['Graph of train', 'Memory of train', 'Schedule', 'model.threads.wasm', '<svg'])
      expect(report).toContain(part);
  });

  it('that are no longer made do not stay behind', async () => {
    expect((await compile('all2', '--threads')).code).toBe(0);
    expect(await list('all2')).toContain('model.plain.wasm');
    expect((await compile('all2')).code).toBe(0);
    expect(await list('all2')).toEqual([...NAMES].sort());
  });
});

describe('a model that makes indices', () => {
  const shifted = `import { crossEntropy, i32, nn, optim, trainStep } from '2headgrad';
export const shifted = trainStep({
  name: 'shifted', model: nn.sequential(nn.embedding(7, 3), nn.flatten(), nn.linear(6, 4)),
  batch: { x: i32(2, 2), y: i32(2) }, optimizer: optim.sgd(),
  loss: (model, { x, y }) =>
    crossEntropy(model(x), y.sub(1)),
  predict: { inputs: { x: i32(1, 2) }, output: (model, { x }) => model(x.add(1)) },
});
`;
  const manifest = async (out: string) => JSON.parse(await readFile(path(out, 'model.json'), 'utf8'));

  it('stops where one is outside of its table, with the line, and is as it was', async () => {
    await writeFile(path('shifted.ts'), shifted);
    expect((await run('compile', path('shifted.ts'), '--out', path('shifted'), '--threads')).code).toBe(0);
    const said = (threads: number) => {
      const body = `const s = await start({ threads: ${threads} });
        const before = [...s.read('layers.0.weight')].join();
        const batch = { x: [0, 1, 2, 3], y: [1, 0] };
        const errors = [await caught(() => s.step({ lr: 1, batch })), await caught(() => s.evaluate(batch)),
          await caught(() => s.predict({ x: [6, 0] }))];
        const same = [...s.read('layers.0.weight')].join() === before;
        const loss = s.step({ lr: 1, batch: { ...batch, y: [1, 4] } });
        await s.close(); return [errors, same, loss > 0];`;
      return node<unknown[]>('shifted', body);
    };
    const loss = 'crossEntropy: index -1 at position 1 is outside of 0 to 3 (shifted.ts:6)';
    const use = 'gather: index 7 at position 0 is outside of 0 to 6 (shifted.ts:7)';
    const errors = [loss, loss, use].map((message) => ['DataError', message]);
    for (const threads of [1, 2]) expect(said(threads)).toEqual([errors, true, true]);
  });

  it('needs a runtime that looks at them; others do not', async () => {
    expect([(await manifest('shifted')).format, (await manifest('plain')).format]).toEqual([2, 1]);
    const wrong = async (change: (guard: Record<string, unknown>) => void) => {
      const damaged = await manifest('shifted');
      change(damaged.entries.train.guards[0]);
      expect(() => checkManifest(damaged)).toThrow('does not belong to its guards of train');
    };
    for (const key of ['what', 'where', 'size', 'count', 'fault', 'value'])
      await wrong((guard) => delete guard[key]);
    await wrong((guard) => Object.assign(guard, { fault: 2 ** 30 }));
    await wrong((guard) => Object.assign(guard, { value: 6 }));
  });
});

describe('entry points', () => {
  it('that are chosen are all that there is, with the variables that they use', async () => {
    expect((await compile('predict', '--entry', 'predict')).code).toBe(0);
    const manifest = JSON.parse(await readFile(path('predict', 'model.json'), 'utf8'));
    expect(Object.keys(manifest.entries)).toEqual(['predict']);
    expect(manifest.variables.map((v: { name: string }) => v.name).join()).not.toContain('optimizer');
    const size = async (out: string) => (await readFile(path(out, 'model.wasm'))).length;
    expect(await size('predict')).toBeLessThan((await size('plain')) / 2);
    const [logits, train] = node<[number[], Caught]>(
      'predict',
      `const s = await start(); return [[...s.predict({ x: [3, 4] })], await caught(() => s.step({ lr: 1 }))]`,
    );
    expect(logits).toEqual((await compiled(42, 0)).logits);
    expect(train).toEqual(['OptionError', expect.stringContaining('classifier has no train, only predict')]);
  });

  it('calibrate batch norms as the compiler does; what looks at the model in training stays at home', async () => {
    const source = `import { f32, meanSquaredError, nn, optim, trainStep } from '2headgrad';
      export const curve = trainStep({
        name: 'curve', model: nn.sequential(nn.linear(1, 6), nn.batchNorm1d(6), nn.tanh(), nn.linear(6, 1)),
        batch: { x: f32(4, 1), y: f32(4, 1) }, loss: (m, { x, y }) => meanSquaredError(m(x), y),
        optimizer: optim.adam(), diagnostics: true });`;
    await writeFile(path('curve.ts'), source);
    expect((await run('compile', path('curve.ts'), '--out', path('curve'))).code).toBe(0);
    const manifest = JSON.parse(await readFile(path('curve', 'model.json'), 'utf8'));
    expect(Object.keys(manifest.entries)).toEqual(['train', 'evaluate', 'calibrate']);
    expect(await readFile(path('curve', 'model.d.ts'), 'utf8')).toContain('calibrate(rows: Rows): void;');
    const rows = { x: [0, 1, 2, 3, 4, 5, 6, 7, 8], y: [1, 2, 3, 4, 5, 6, 7, 8, 9] };
    const body = (s: string) => `${s}.data(rows); ${s}.calibrate(rows);
      return ['layers.1.runningMean', 'layers.1.runningVariance'].map((name) => [...${s}.read(name)]);`;
    const ours = node<number[][]>(
      'curve',
      `const rows = ${JSON.stringify(rows)}; const s = await start(); ${body('s')}`,
    );
    const step = trainStep({
      model: nn.sequential(nn.linear(1, 6), nn.batchNorm1d(6), nn.tanh(), nn.linear(6, 1)),
      batch: { x: f32(4, 1), y: f32(4, 1) },
      loss: (m, { x, y }) => meanSquaredError(m(x), y),
      optimizer: optim.adam(),
    });
    const session = step.interpret({ seed: 42 });
    session.data(rows);
    session.calibrate(rows);
    for (const [i, name] of ['layers.1.runningMean', 'layers.1.runningVariance'].entries())
      for (const [j, value] of ours[i].entries()) expect(value).toBeCloseTo(session.read(name)[j], 4);
    expect(ours[0]).not.toEqual(Array(6).fill(0));
  });

  it('that the model lacks are refused', async () => {
    const { code, stderr } = await compile('none', '--entry', 'predict,infer');
    expect([code, stderr]).toEqual([
      2,
      expect.stringContaining('entry: classifier has no infer; it has train, evaluate, predict'),
    ]);
  });
});

describe('weights', () => {
  it('of a training run are shipped, and what predicts uses them', async () => {
    node(
      'plain',
      `const s = await start(); s.data({ x: [0,1,2,3,4,5,6,0], y: [0,1,2,3] });
      for await (const _ of s.run({ steps: 30, lr: 0.1 })); await s.save('trained.safetensors'); return s.at`,
    );
    expect(
      (await compile('shipped', '--weights', path('trained.safetensors'), '--entry', 'predict')).code,
    ).toBe(0);
    const [shipped, trained, fresh] = node<number[][]>(
      'shipped',
      `const of = async (options) => [...(await start(options)).predict({ x: [3, 4] })];
       const { readFileSync } = await import('node:fs');
       return [await of(), await of({ weights: readFileSync('trained.safetensors') }), await of({ weights: 'fresh' })]`,
    );
    expect(shipped).toEqual(trained);
    expect(fresh).toEqual((await compiled(42, 0)).logits);
    expect(shipped).not.toEqual(fresh);
  });

  it('that are initial are those of the seed', async () => {
    expect((await compile('initial', '--weights', 'initial', '--seed', '7')).code).toBe(0);
    const { tensors } = decodeSafetensors(await readFile(path('initial', 'weights.safetensors')));
    const { values } = await compiled(7, 0);
    expect(Object.fromEntries([...tensors].map(([name, { data }]) => [name, [...data]]))).toEqual(values);
    expect(node<Answer>('initial', 'return train(start)').result).toEqual(await compiled(7));
  });

  it("that a function of the user's makes are kept, since no seed can make them without it", async () => {
    const { code, stdout } = await run('compile', path('custom.ts'), '--out', path('custom'));
    expect([code, stdout]).toEqual([
      0,
      expect.stringMatching(/Note: layers\.2\.weight begins with values that model\.json cannot/),
    ]);
    const [ours, fresh] = node<[number[], Caught]>(
      'custom',
      `return [[...(await start()).read('layers.2.weight')], await caught(() => start({ weights: 'fresh' }))]`,
    );
    const { tensors } = decodeSafetensors(await readFile(path('custom', 'weights.safetensors')));
    expect(ours).toEqual([...tensors.get('layers.2.weight')!.data]);
    expect(fresh).toEqual([
      'DataError',
      expect.stringMatching(/^layers\.2\.weight begins with what a function/),
    ]);
  });

  it('that JSON cannot hold are kept too', async () => {
    await writeFile(path('infinite.ts'), source('(await import("2headgrad")).init.constant(-0)'));
    const { code, stdout } = await run('compile', path('infinite.ts'), '--out', path('infinite'));
    expect([code, stdout]).toEqual([0, expect.stringContaining('Note: layers.2.weight begins with')]);
    const values = node<string>('infinite', `return String(1 / (await start()).read('layers.2.weight')[35])`);
    expect(values).toBe('-Infinity');
  });

  it('of another model are refused when it is compiled', async () => {
    await writeFile(path('line.ts'), source().replaceAll('nn.linear(6, 5)', 'nn.linear(6, 4)'));
    const { code, stderr } = await run(
      'compile',
      path('line.ts'),
      '--out',
      path('line'),
      '--weights',
      path('trained.safetensors'),
    );
    expect([code, stderr]).toEqual([
      1,
      '2headgrad: weights: layers.4.weight is [6,5], the model has [6,4]\n',
    ]);
    const missing = await compile('line', '--weights', path('absent.safetensors'));
    expect([missing.code, missing.stderr]).toEqual([
      1,
      expect.stringContaining('absent.safetensors: cannot be read: it does not exist'),
    ]);
  });
});

describe('types', () => {
  it('name this model and no other: wrong names do not compile', async () => {
    const consumer = (body: string) => `import { start } from './plain/model.js';
const session = await start({ seed: 1 });
${body}`;
    await writeFile(
      path('right.mts'),
      consumer(`session.data({ x: new Int32Array(20), y: [0, 1, 2, 3, 4, 0, 1, 2, 3, 4] });
for await (const { at, loss } of session.run({ steps: 1, lr: (step) => 0.1 / (step + 1) })) console.log(at + loss);
const logits: Float32Array = session.predict({ x: [0, 1] });
const weight = session.read('layers.2.weight');
session.write('optimizer.velocity.layers.2.bias', [0]);
await start({ manifest: fetch('model.json'), wasm: new WebAssembly.Module(new Uint8Array()), worker: './model.js' });
await start({ manifest: {}, wasm: { 'model.wasm': new Uint8Array() }, weights: new URL('https://example.org') });
export const mean: number = session.evaluate({ x: [], y: [] }) + logits[0] + weight[0];`),
    );
    const wrong = [
      `session.data({ x: [1], z: [1] });`,
      `session.data({ x: [1] });`,
      `session.predict({ ids: [1, 2] });`,
      `session.read('layers.2.weights');`,
      `session.data({ x: 'abc', y: [1] });`,
      `await start({ threads: 2 });`,
      `await start({ weights: 7 });`,
      `await start({ manifest: 7 });`,
      `session.predict({ x: [1, 2] }).weight;`,
    ];
    for (const [i, body] of wrong.entries()) await writeFile(path(`wrong${i}.mts`), consumer(`${body}\n`));
    const errors = tsc(path(), 'right.mts', ...wrong.map((_, i) => `wrong${i}.mts`));
    expect(errors).not.toContain('right.mts');
    for (const [i] of wrong.entries())
      expect(errors).toMatch(new RegExp(`^wrong${i}\\.mts\\(3,\\d+\\): error TS`, 'm'));
  });

  it('say the shapes, and what indices stay below', async () => {
    const types = await readFile(path('plain', 'model.d.ts'), 'utf8');
    expect(types).toContain('/** i32[4, 2], each from 0 to 6 */\n  x: Whole;');
    expect(types).toContain('/** f32[6, 5] */\n  | "layers.4.weight"');
    expect(types).toContain('/** f32[1, 5], row-major. */\n  predict');
  });
});

describe('what is wrong is named', () => {
  /** A copy of the model with one of its files changed. */
  async function damaged(file: string, change: (bytes: Buffer) => Buffer | string): Promise<Caught> {
    const out = 'damaged';
    await cp(path('plain'), path(out), { recursive: true });
    await writeFile(path(out, file), change(await readFile(path('plain', file))));
    return node<Caught>(out, 'return caught(() => start())');
  }
  const changed = (edit: (manifest: Record<string, unknown>) => void) => (bytes: Buffer) => {
    const manifest = JSON.parse(bytes.toString());
    edit(manifest);
    return JSON.stringify(manifest);
  };

  it.each<[string, string, (bytes: Buffer) => Buffer | string, RegExp]>([
    [
      'a module of another compilation',
      'model.wasm',
      (b) => Buffer.from(b.map((byte, i) => (i === 100 ? byte ^ 1 : byte))),
      /^model\.wasm does not match model\.json \(its hash differs\): copy all files/,
    ],
    [
      'a module that is cut short',
      'model.wasm',
      (b) => b.subarray(0, 999),
      /^model\.wasm is cut short .*: 999 bytes, and model\.json says \d+/,
    ],
    [
      'a manifest of a newer format',
      'model.json',
      changed((m) => {
        m.format = 7;
        m.generator = '2headgrad 9.0.0';
      }),
      /format 7 \(made by 2headgrad 9\.0\.0\), and this runtime reads up to 6: use the model\.js/,
    ],
    [
      'a manifest that is cut short',
      'model.json',
      (b) => b.subarray(0, 500),
      /^model\.json is cut short or damaged/,
    ],
    [
      'a manifest of something else',
      'model.json',
      () => '{"name":"x"}',
      /^model\.json is damaged: it names no format/,
    ],
    [
      'a manifest without modules',
      'model.json',
      changed((m) => {
        m.modules = [];
      }),
      /it names no module/,
    ],
    [
      'an address outside of the memory',
      'model.json',
      changed((m) => {
        (m.variables as { address: number }[])[0].address = 2 ** 30;
      }),
      /does not belong to its variables/,
    ],
    [
      'an address that is none',
      'model.json',
      changed((m) => {
        (m.variables as { address: unknown }[])[0].address = 'x';
      }),
      /does not belong to its variables/,
    ],
  ])('%s', async (_, file, change, message) => {
    expect(await damaged(file, change)).toEqual(['DataError', expect.stringMatching(message)]);
  });

  it('a manifest that lacks any field or has one of another kind', async () => {
    const text = await readFile(path('all', 'model.json'), 'utf8');
    interface Fields {
      [key: string]: Fields;
    }
    const wrong = (field: string, change: (fields: Fields, key: string) => void) => {
      const manifest: Fields = JSON.parse(text);
      const keys = field.split('.');
      const key = keys.pop()!;
      change(
        keys.reduce((fields, at) => fields[at], manifest),
        key,
      );
      expect(() => checkManifest(manifest), field).toThrow(/^model\.json is damaged: .*copy it again/);
    };
    const fields = [
      ...['format', 'name', 'generator', 'seed', 'modules', 'memory', 'variables', 'constants', 'entries'],
      ...['file', 'threads', 'relaxed', 'bytes', 'sha256'].map((key) => `modules.0.${key}`),
      ...['memory.bytes', 'memory.threadScratch', 'variables.0.fill.mean'],
      ...['name', 'role', 'shape', 'dtype', 'address', 'stream'].map((key) => `variables.1.${key}`),
      ...['entries.train.inputs', 'entries.train.outputs', 'entries.predict.outputs.0.name'],
      'entries.train.inputs.0.bound.size',
    ];
    for (const field of fields) {
      wrong(field, (at, key) => {
        if (!(key in at)) throw new Error(`${field} is not there`);
        delete at[key];
      });
      wrong(field, (at, key) => Object.assign(at, { [key]: null }));
      wrong(field, (at, key) => Object.assign(at, { [key]: [-1] }));
    }
  });

  it('what is given as the module and is none', async () => {
    const answers = node<Caught[]>(
      'plain',
      `const other = new WebAssembly.Module(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0));
       return Promise.all(['text', null, {}, new ArrayBuffer(8), other].map((wasm) => caught(() => start({ wasm }))));`,
    );
    const kinds = ['OptionError', 'wasm: expected bytes or a WebAssembly.Module'];
    expect(answers).toEqual([
      ...[kinds, kinds, kinds],
      ['DataError', expect.stringMatching(/^model\.wasm is cut short .*: 8 bytes/)],
      ['DataError', expect.stringMatching(/^the wasm that was given cannot run as model\.wasm: /)],
    ]);
  });

  it('a file that is not there', async () => {
    await mkdir(path('alone'), { recursive: true });
    await cp(path('plain', 'model.js'), path('alone', 'model.js'));
    const [name, message] = node<Caught>('alone', 'return caught(() => start())');
    expect([name, message]).toEqual([
      'DataError',
      expect.stringMatching(/^cannot load file:.*model\.json: ENOENT.*belong beside each other$/),
    ]);
  });

  it('in the options and the data, and the session goes on', async () => {
    const answers = node<Record<string, Caught>>(
      'plain',
      `const s = await start();
       const rows = { x: [0,1,2,3,4,5,6,0], y: [0,1,2,3] };
       s.data(rows);
       const out = {
         threads: await caught(() => start({ threads: 2 })),
         many: await caught(() => start({ threads: 0.5 })),
         seed: await caught(() => start({ seed: -1 })),
         weights: await caught(() => start({ weights: 'best' })),
         cut: await caught(() => start({ weights: new Uint8Array(3) })),
         length: await caught(() => s.data({ x: [0, 1, 2], y: [1, 2] })),
         token: await caught(() => s.predict({ x: [3, 7] })),
         negative: await caught(() => s.predict({ x: [-1, 0] })),
         nan: await caught(() => s.predict({ x: [NaN, 0] })),
         fraction: await caught(() => s.predict({ x: [0.5, 0] })),
         text: await caught(() => s.predict({ x: 'ab' })),
         texts: await caught(() => s.predict({ x: ['1', '2'] })),
         nested: await caught(() => s.predict({ x: [[1], [2]] })),
         big: await caught(() => s.predict({ x: [1n, 2n] })),
         bigArray: await caught(() => s.predict({ x: BigInt64Array.of(1n, 2n) })),
         nothing: await caught(() => s.predict({ x: null })),
         unknown: await caught(() => s.predict({ x: [1, 2], y: [1] })),
         rate: await caught(() => s.step({ lr: NaN })),
         write: await caught(() => s.write('layers.4.bias', [NaN, 0, 0, 0, 0])),
         name: await caught(() => s.read('bias')),
         memory: await caught(() => {
           const { grow } = WebAssembly.Memory.prototype;
           WebAssembly.Memory.prototype.grow = () => { throw new RangeError('no more'); };
           try { s.data({ x: new Int32Array(2e6), y: new Int32Array(1e6) }); }
           finally { WebAssembly.Memory.prototype.grow = grow; }
         }),
         start: await caught(async () => {
           const { Memory } = WebAssembly;
           WebAssembly.Memory = class { constructor() { throw new RangeError('none'); } };
           try { await start(); } finally { WebAssembly.Memory = Memory; }
         }),
         simd: await caught(async () => {
           const { validate } = WebAssembly;
           WebAssembly.validate = () => false;
           try { await start(); } finally { WebAssembly.validate = validate; }
         }),
       };
       out.after = [s.step({ lr: 0.1 }) > 0, s.predict({ x: [1, 2] }).length];
       await s.close();
       out.closed = await caught(() => s.step({ lr: 0.1 }));
       return out;`,
    );
    expect(answers).toEqual({
      threads: ['OptionError', expect.stringContaining('compile it with --threads')],
      many: ['OptionError', 'threads: expected a whole number from 1 to 64, got 0.5'],
      seed: ['OptionError', 'seed: expected a whole number from 0 to 4294967295, got -1'],
      weights: [
        'OptionError',
        "weights: expected 'shipped', 'fresh', bytes or new URL(path, import.meta.url), got best",
      ],
      cut: ['DataError', expect.stringContaining('truncated: 3 bytes')],
      length: ['DataError', 'x: 3 elements are not whole rows of [2]'],
      token: ['DataError', expect.stringContaining('index 7 at position 1 is outside of 0 to 6')],
      negative: ['DataError', expect.stringContaining('index -1 at position 0 is outside of 0 to 6')],
      nan: ['DataError', 'x: NaN at position 0 is not a whole number of 32 bits'],
      fraction: ['DataError', 'x: 0.5 at position 0 is not a whole number of 32 bits'],
      text: ['DataError', 'x: expected an array of numbers'],
      texts: ['DataError', 'x: a string at position 0, where a number belongs'],
      nested: [
        'DataError',
        'x: an object at position 0, where a number belongs: give one flat array, row by row',
      ],
      big: ['DataError', 'x: a bigint at position 0, where a number belongs'],
      bigArray: ['DataError', 'x: a bigint at position 0, where a number belongs'],
      nothing: ['DataError', 'x: expected an array of numbers'],
      unknown: ['DataError', 'there is no input y; there is x'],
      rate: ['OptionError', expect.stringContaining('the learning rate must be a number from 0, got NaN')],
      write: ['DataError', 'layers.4.bias: NaN at position 0'],
      name: ['OptionError', expect.stringContaining('there is no variable bias; there are layers.0.weight')],
      memory: ['OutOfMemoryError', expect.stringMatching(/^the dataset needs 12 MiB of memory.*fewer rows$/)],
      start: [
        'OutOfMemoryError',
        expect.stringMatching(/^the model needs 1 MiB of memory.*smaller batch or model$/),
      ],
      simd: [
        'UnsupportedError',
        expect.stringMatching(/^this engine has no WebAssembly SIMD: use Chrome 91/),
      ],
      after: [true, 5],
      closed: ['OptionError', 'this session is closed'],
    });
  });

  it('when a file cannot be written, and no file of the folder has changed', async () => {
    await mkdir(path('blocked', 'model.wasm'), { recursive: true });
    const before = '{"generator":"2headgrad 0.0.1"}';
    await writeFile(path('blocked', 'model.json'), before);
    const { code, stderr } = await compile('blocked');
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(/^2headgrad: cannot write into ".*blocked\/model\.wasm": it is a folder/),
    ]);
    expect(await list('blocked')).toEqual(['model.json', 'model.wasm']);
    expect(await readFile(path('blocked', 'model.json'), 'utf8')).toBe(before);
  });

  it('by leaving no folder behind that is written by half', async () => {
    const { child, ended } = start(['compile', path('model.ts'), '--out', path('killed')]);
    // As soon as the first file is being written.
    while (child.exitCode === null && !(await readdir(path())).some((name) => name.includes('killed')))
      await new Promise((resolve) => setImmediate(resolve));
    child.kill('SIGKILL');
    await ended;
    const found = await readdir(path('killed')).catch(() => undefined);
    if (found) expect(found.sort()).toEqual([...NAMES].sort());
  });

  it('on the command line', async () => {
    const out = await run('compile', path('model.ts'), '--out', path('model.ts'));
    expect([out.code, out.stderr]).toEqual([1, expect.stringContaining('it is a file; give a folder')]);
    const none = await run('compile', path('absent.ts'), '--out', path('x'));
    expect([none.code, none.stderr]).toEqual([
      1,
      expect.stringContaining('it does not exist; check the path'),
    ]);
    expect((await run('compile', path('model.ts'))).code).toBe(2);
    expect(await readdir(path())).not.toContain('x');
  });
});

it('the names model takes at most 36.5 kB gzipped, module and loader together', async () => {
  const { code, stdout } = await run(
    'compile',
    `${ROOT}examples/names/model.ts`,
    '--out',
    path('names'),
    '--json',
  );
  expect(code).toBe(0);
  const sizes = await Promise.all(['model.js', 'model.wasm'].map((name) => readFile(path('names', name))));
  const total = sizes.reduce((sum, bytes) => sum + gzipSync(bytes, { level: 9 }).length, 0);
  expect(total).toBeLessThanOrEqual(36_500);
  expect(JSON.parse(stdout)).toMatchObject({ gzipped: total, entries: ['train', 'evaluate', 'predict'] });
});
