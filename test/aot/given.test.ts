import { execFileSync } from 'node:child_process';
import { cp, mkdir, writeFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import * as esbuild from 'esbuild';
import { beforeAll, describe, expect, it } from 'vitest';
import { run, workspace } from '../cli/command.js';
import { withRollup, withWebpack } from './bundlers.js';
import { compiled, source, TRAIN, type Trained } from './model.js';

// What model.js would load is given by the caller, or bundled: model.js lies alone, or is part of another file.

const { path } = workspace();

type Answer = { file: string; result: Trained };

/** Runs a script with `start` of a model.js that lies alone; `at` leads to the files of the model, elsewhere. */
function alone<T>(body: string): T {
  const script = `import { readFileSync } from 'node:fs';
import { start } from ${JSON.stringify(pathToFileURL(path('alone', 'model.js')).href)};
${TRAIN}
const at = (name) => new URL(name, ${JSON.stringify(pathToFileURL(path('compiled', '/')).href)});
const bytes = (name) => readFileSync(at(name));
const json = JSON.parse(bytes('model.json'));
const caught = (promise) => promise.catch(({ name, message }) => [name, message]);
console.log(JSON.stringify(await (async () => { ${body} })()));`;
  const args = ['--input-type=module', '-e', script];
  return JSON.parse(execFileSync(process.execPath, args, { cwd: path('compiled'), encoding: 'utf8' }));
}

beforeAll(async () => {
  await writeFile(path('model.ts'), source());
  const args = ['compile', path('model.ts'), '--out', path('compiled'), '--threads', '--weights', 'initial'];
  expect((await run(...args)).code).toBe(0);
  await mkdir(path('alone'), { recursive: true });
  for (const name of ['model.js', 'package.json']) await cp(path('compiled', name), path('alone', name));
});

describe('a model whose files are given', () => {
  it('takes the manifest and the module in every form that they may have', async () => {
    const answers = alone<Answer[]>(`
      const weights = at('weights.safetensors');
      const wasm = bytes('model.plain.wasm');
      const answer = (name) => new Response(bytes(name));
      const module = new WebAssembly.Module(wasm);
      const given = [
        { manifest: json, wasm: module },
        { manifest: bytes('model.json').toString(), wasm },
        { manifest: bytes('model.json'), wasm: wasm.buffer.slice(wasm.byteOffset, wasm.byteOffset + wasm.length) },
        { manifest: at('model.json'), wasm: at('model.plain.wasm') },
        { manifest: at('model.json').href, wasm: at('model.plain.wasm').href },
        { manifest: 'model.json', wasm: 'model.plain.wasm' },
        { manifest: Promise.resolve(answer('model.json')), wasm: Promise.resolve(answer('model.plain.wasm')) },
        { manifest: new Blob([bytes('model.json')]), wasm: { 'model.plain.wasm': Promise.resolve(module) } },
      ];
      return Promise.all(given.map((options) => train(start, { ...options, weights })));`);
    const expected = { file: 'model.plain.wasm', result: await compiled(42) };
    expect(answers).toEqual(Array(8).fill(expected));
  });

  it('chooses among the modules that are given by name, and starts threads from itself', async () => {
    const both = alone<Answer>(`return train(start, { manifest: json, threads: 2, weights: 'fresh',
      wasm: { 'model.wasm': at('model.wasm'), 'model.plain.wasm': at('model.plain.wasm') } });`);
    expect(both).toEqual({ file: 'model.wasm', result: { ...(await compiled(42)), threads: 2 } });
    const elsewhere = alone<Answer>(`return train(start, { manifest: json, threads: 2, weights: 'fresh',
      wasm: { 'model.wasm': bytes('model.wasm') }, worker: at('model.js').href });`);
    expect(elsewhere).toEqual(both);
  });

  it('runs where there are neither messages nor immediates, but timers alone, as in some servers', async () => {
    const answer = alone<Answer>(`delete globalThis.setImmediate; delete globalThis.MessageChannel;
      return train(start, { manifest: json, weights: 'fresh',
        wasm: { 'model.plain.wasm': bytes('model.plain.wasm') } });`);
    expect(answer.result).toEqual(await compiled(42));
  });

  it('says what is missing, or is not what it should be', () => {
    const errors = alone<[string, string][]>(`
      const wasm = { 'model.plain.wasm': bytes('model.plain.wasm') };
      const damaged = bytes('model.plain.wasm');
      damaged[100] ^= 1;
      const given = [
        {}, { manifest: json, weights: 'fresh' }, { manifest: 7 }, { manifest: '{"format":' }, { manifest: json, wasm: 7 },
        { manifest: json, wasm: { 'other.wasm': bytes('model.wasm') } },
        { manifest: json, wasm, threads: 2 }, { manifest: json, wasm: damaged, weights: 'fresh' },
        { manifest: json, wasm: new Response('', { status: 404 }), weights: 'fresh' },
        { manifest: { ...json, sha256: undefined, modules: [{ ...json.modules[1], file: 'stranger.wasm' }] } },
      ];
      return Promise.all(given.map((options) => caught(start(options))));`);
    expect(errors).toEqual([
      [
        'DataError',
        expect.stringMatching(/^cannot load file:.*model\.json: .*start\(\{ manifest, wasm, weights \}\)/),
      ],
      ['DataError', expect.stringMatching(/^cannot load file:.*model\.plain\.wasm: .*manifest, wasm/)],
      ['OptionError', 'manifest: expected bytes, a Response, a Blob or an address'],
      ['DataError', expect.stringMatching(/^model\.json is cut short or damaged/)],
      ['OptionError', 'wasm: expected bytes or a WebAssembly.Module'],
      ['OptionError', 'wasm: this model has model.wasm, model.plain.wasm, got other.wasm'],
      ['OptionError', expect.stringMatching(/^threads: .* is model\.wasm, and it is not among those given/)],
      ['DataError', expect.stringContaining('model.plain.wasm does not match model.json')],
      ['DataError', 'cannot load wasm: 404'],
      ['DataError', expect.stringMatching(/^model\.json names stranger\.wasm, which was not compiled/)],
    ]);
  });
});

describe('a model that is bundled for Node', () => {
  const runs = async (file: string) => {
    const printed = execFileSync(process.execPath, [file], { cwd: path(), encoding: 'utf8' });
    const lines = printed.trim().split('\n');
    // A thread begins with the file that holds model.js, and must not run the program in it.
    expect(lines.filter((line) => line === 'begins')).toHaveLength(1);
    const result = await compiled(42);
    expect(JSON.parse(lines[1])).toEqual({ file: 'model.plain.wasm', result });
    expect(JSON.parse(lines[2])).toEqual({ file: 'model.wasm', result: { ...result, threads: 2 } });
  };

  beforeAll(async () => {
    await writeFile(path('package.json'), '{ "type": "module" }');
    await writeFile(
      path('app.js'),
      `import { start } from './compiled/model.js';
${TRAIN}
console.log('begins');
for (const threads of [1, 2]) console.log(JSON.stringify(await train(start, { threads })));`,
    );
  });

  it('runs as Rollup bundles it', async () => {
    await withRollup(path('app.js'), path('rollup'));
    await runs(path('rollup', 'app.js'));
  });

  it('runs as esbuild bundles it, with its files beside the bundle', async () => {
    await esbuild.build({
      ...{ entryPoints: [path('app.js')], outdir: path('esbuild'), bundle: true, minify: true },
      ...{ format: 'esm', platform: 'node', logLevel: 'warning' },
    });
    for (const name of ['model.json', 'model.wasm', 'model.plain.wasm', 'weights.safetensors'])
      await cp(path('compiled', name), path('esbuild', name));
    await runs(path('esbuild', 'app.js'));
  });

  it('runs as webpack bundles it', async () => {
    const output = { path: path('webpack'), filename: 'app.mjs', module: true } as const;
    await withWebpack({
      ...{ context: path(), target: 'node', entry: './app.js', output },
      experiments: { outputModule: true },
    });
    await runs(path('webpack', 'app.mjs'));
  });

  it('that is bundled as a script without an address says what to give it', async () => {
    await writeFile(
      path('script.js'),
      `import { start } from './compiled/model.js';\nstart().catch(({ message }) => console.log(message));`,
    );
    await esbuild.build({
      ...{ entryPoints: [path('script.js')], outfile: path('script.cjs'), bundle: true, format: 'cjs' },
      ...{ platform: 'node', logLevel: 'error' },
    });
    const printed = execFileSync(process.execPath, [path('script.cjs')], { encoding: 'utf8' });
    expect(printed).toBe(
      'model.js cannot tell where it lies, so it cannot load model.json: give what it needs, start({ manifest, wasm, weights })\n',
    );
  });
});
