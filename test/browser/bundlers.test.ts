import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as esbuild from 'esbuild';
import type { Page } from 'playwright-core';
import { build, createServer } from 'vite';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { withRollup, withWebpack } from '../aot/bundlers.js';
import { compiled, source, TRAIN } from '../aot/model.js';
import { rows } from '../train/small.js';
import { it } from './browser.js';
import { ROOT } from './bundle.js';

// The folder that `2headgrad compile` writes, as it is, in an app that a bundler builds: a page, its worker and the
// threads of that. Each is built as that bundler's users do, and what it made is run.

let folder = '';
const file = (...parts: string[]) => join(folder, ...parts);

const HTML = (script: string) =>
  `<!doctype html><link rel="icon" href="data:,"><script type="module" src="${script}"></script>`;

/** A page that trains itself or has a worker train. `worker` is the expression that makes the worker. */
const pageOf = (worker: string, train = './train.js') => `import { go } from '${train}';
const worker = ${worker};
globalThis.trained = (inWorker, options) => {
  if (!inWorker) return go(options);
  worker.postMessage(options);
  return new Promise((resolve) => { worker.onmessage = ({ data }) => resolve(data); });
};
document.title = 'ready';`;

const train = (given = '{}') => `import { start } from './compiled/model.js';
${TRAIN}
export const go = (options) => train(start, { ...${given}, ...options }).catch(({ name, message }) => [name, message]);`;

const workerOf = (train = './train.js') => `import { go } from '${train}';
onmessage = ({ data }) => go(data).then(postMessage);`;

const LITERAL = `new Worker(new URL('./worker.js', import.meta.url), { type: 'module' })`;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'bundlers-'));
  writeFileSync(file('model.ts'), source());
  const args = ['compile', file('model.ts'), '--out', file('compiled'), '--threads', '--weights', 'initial'];
  execFileSync(process.execPath, [join(ROOT, 'dist/cli/main.js'), ...args]);
  writeFileSync(file('package.json'), '{ "type": "module" }');
  writeFileSync(file('index.html'), HTML('./main.js'));
  writeFileSync(file('train.js'), train());
  writeFileSync(file('worker.js'), workerOf());
  writeFileSync(file('main.js'), pageOf(LITERAL));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** The page at this address gives the bits of this process: itself, in a worker, and there with two threads. */
async function trainsEverywhere(page: Page, url: string): Promise<void> {
  await page.goto(url);
  await page.waitForFunction(() => document.title === 'ready');
  type Trained = { trained(inWorker: boolean, options: object): Promise<unknown> };
  const trained = (inWorker: boolean, options: object) =>
    page.evaluate(([inWorker, options]) => (globalThis as unknown as Trained).trained(inWorker, options), [
      inWorker,
      options,
    ] as const);
  const result = await compiled(42);
  const plain = { file: 'model.plain.wasm', result };
  expect(await trained(false, {})).toEqual(plain);
  expect(await trained(true, {})).toEqual(plain);
  expect(await trained(true, { threads: 2 })).toEqual({
    file: 'model.wasm',
    result: { ...result, threads: 2 },
  });
}

const vite = { configFile: false, logLevel: 'error', base: './' } as const;

it('webpack bundles the whole package for a page without settings', async () => {
  // Development, since minifying the compiler takes most of a minute. The warnings are of code that only runs in Node.
  await withWebpack({
    mode: 'development',
    devtool: false,
    entry: join(ROOT, 'dist/index.js'),
    output: { path: file('whole') },
    ignoreWarnings: [/Critical dependency/],
  });
}, 60_000);

describe('a compiled model in an app trains to the same bits as Node', () => {
  it('built by Vite', async ({ page, serve }) => {
    await build({ ...vite, root: folder, build: { outDir: file('vite'), emptyOutDir: true } });
    await trainsEverywhere(page, (await serve(file('vite'))).url);
  });

  it('served by Vite in development', async ({ page }) => {
    const headers = {
      'Cross-Origin-Opener-Policy': 'same-origin',
      'Cross-Origin-Embedder-Policy': 'require-corp',
    };
    const server = await createServer({
      ...vite,
      root: folder,
      server: { port: 0, host: '127.0.0.1', headers },
    });
    try {
      await server.listen();
      await trainsEverywhere(page, server.resolvedUrls!.local[0]);
    } finally {
      await server.close();
    }
  });

  it('built by webpack, which has nothing to remark', async ({ page, serve }) => {
    const output = { path: file('webpack') };
    await withWebpack({ context: folder, entry: './main.js', output });
    writeFileSync(file('webpack/index.html'), HTML('./main.js'));
    // The thread's file is called as its worker is.
    expect(readdirSync(file('webpack'))).toContain('2headgrad-thread.js');
    await trainsEverywhere(page, (await serve(file('webpack'))).url);
  });

  it('built by Rollup', async ({ page, serve }) => {
    // Rollup makes no workers of literals: the worker is an entry of its own.
    writeFileSync(file('rollup.js'), pageOf(`new Worker('./worker.js', { type: 'module' })`));
    await withRollup({ main: file('rollup.js'), worker: file('worker.js') }, file('rollup'));
    writeFileSync(file('rollup/index.html'), HTML('./main.js'));
    await trainsEverywhere(page, (await serve(file('rollup'))).url);
  });

  it('built by esbuild, which is given the files by imports', async ({ page, serve }) => {
    const given = `{ manifest, wasm: { 'model.wasm': wasm, 'model.plain.wasm': plain }, weights: new URL(weights, import.meta.url) }`;
    writeFileSync(
      file('given.js'),
      `import manifest from './compiled/model.json';
import wasm from './compiled/model.wasm';
import plain from './compiled/model.plain.wasm';
import weights from './compiled/weights.safetensors';
${train(given)}`,
    );
    writeFileSync(file('given-main.js'), pageOf(LITERAL, './given.js'));
    writeFileSync(file('given-worker.js'), workerOf('./given.js'));
    const loader = { '.wasm': 'file', '.safetensors': 'file' } as const;
    // model.js stands beside the page's scripts as a file of its own, from which the threads are made.
    await esbuild.build({
      ...{ absWorkingDir: folder, outdir: file('esbuild'), bundle: true, format: 'esm', loader },
      entryPoints: [
        { in: 'given-main.js', out: 'main' },
        { in: 'given-worker.js', out: 'worker' },
        { in: 'compiled/model.js', out: 'model' },
      ],
      logLevel: 'warning',
    });
    writeFileSync(file('esbuild/index.html'), HTML('./main.js'));
    await trainsEverywhere(page, (await serve(file('esbuild'))).url);
  });
});

describe('the worker and the page of the guide, as they are written there', () => {
  const guide = readFileSync(join(ROOT, 'docs/guide/threads-and-pages.md'), 'utf8');
  /** A block of the guide, by the name of a file that its first line gives. */
  const block = (name: string) => new RegExp(`^\`\`\`js\\n// ${name}\\n([^]*?)^\`\`\``, 'm').exec(guide)![1];
  const root = () => file('guide');

  /** What the page at this address logs: reports every 100 steps, then the bytes of a checkpoint. */
  async function trains(page: Page, url: string): Promise<void> {
    const logged: unknown[] = [];
    page.on('console', (message) => {
      logged.push(
        message
          .args()[0]
          ?.jsonValue()
          .catch(() => null),
      );
    });
    await page.goto(url);
    await expect.poll(() => logged.length, { timeout: 30_000 }).toBe(51);
    const last = (await logged[49]) as { at: number; loss: number };
    expect(last.at).toBe(5000);
    expect(last.loss).toBeLessThan(1);
    expect(Object.keys((await logged[50]) as object)).toEqual(['done']);
  }

  beforeAll(() => {
    cpSync(file('compiled'), join(root(), 'model'), { recursive: true });
    writeFileSync(join(root(), 'package.json'), '{ "type": "module" }');
    writeFileSync(join(root(), 'index.html'), HTML('./page.js'));
    writeFileSync(join(root(), 'worker.js'), block('worker.js'));
    const { x, y } = rows;
    writeFileSync(
      join(root(), 'page.js'),
      `const [x, y] = ${JSON.stringify([[...x], [...y]])};\n${block('page.js')}`,
    );
  });

  it('on a static host, without a bundler', async ({ page, serve }) => {
    await trains(page, (await serve(root())).url);
  });

  it('built by Vite', async ({ page, serve }) => {
    // As the guide has it in vite.config.js.
    expect(guide).toContain("worker: { format: 'es' }");
    const outDir = file('guide-vite');
    await build({ ...vite, root: root(), worker: { format: 'es' }, build: { outDir, emptyOutDir: true } });
    await trains(page, (await serve(outDir)).url);
  });

  it('built by webpack, without settings', async ({ page, serve }) => {
    await withWebpack({ context: root(), entry: './page.js', output: { path: file('guide-webpack') } });
    writeFileSync(file('guide-webpack/index.html'), HTML('./main.js'));
    await trains(page, (await serve(file('guide-webpack'))).url);
  });
});
