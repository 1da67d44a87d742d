import { execFileSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { compiled, source, TRAIN } from '../aot/model.js';
import { it } from './browser.js';
import { ROOT } from './bundle.js';

// The folder that `2headgrad compile` writes, on a server that only serves files.

let folder = '';
const compile = (model: string, out: string, ...args: string[]) =>
  execFileSync(process.execPath, [join(ROOT, 'dist/cli/main.js'), 'compile', model, '--out', out, ...args]);

const PAGE = `<!doctype html><title>loading</title><script type="module" src="page.js"></script>`;
const WORKER = `import { start } from './compiled/model.js';\n${TRAIN}
self.onmessage = ({ data }) => train(start, data).then(postMessage, ({ name, message }) => postMessage([name, message]));`;
const SCRIPT = `import { start, threadSupport } from './compiled/model.js';\n${TRAIN}
const caught = (promise) => promise.catch(({ name, message }) => [name, message]);
globalThis.here = (options) => caught(train(start, options));
globalThis.inWorker = (options) => new Promise((resolve) => {
  const worker = new Worker('worker.js', { type: 'module' });
  worker.onmessage = ({ data }) => { worker.terminate(); resolve(data); };
  worker.postMessage(options);
});
globalThis.support = threadSupport;
document.title = 'ready';`;

type Run = (options: object) => Promise<unknown>;
declare global {
  var here: Run;
  var support: () => { most: number; reason: string | null };
}
const inWorker = (options: object) => (globalThis as unknown as { inWorker: Run }).inWorker(options);

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'artifact-'));
  writeFileSync(join(folder, 'model.ts'), source());
  compile(join(folder, 'model.ts'), join(folder, 'compiled'), '--threads', '--target', 'web');
  writeFileSync(join(folder, 'index.html'), PAGE);
  writeFileSync(join(folder, 'page.js'), SCRIPT);
  writeFileSync(join(folder, 'worker.js'), WORKER);
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('a compiled model on a static server', () => {
  it('trains to the same bits as in Node: on the main thread, in a worker, and there with two threads', async ({
    page,
    serve,
  }) => {
    const server = await serve(folder);
    await page.goto(server.url);
    await page.waitForFunction(() => document.title === 'ready');
    const result = await compiled(42);
    expect(await page.evaluate(() => globalThis.here({}))).toEqual({ file: 'model.plain.wasm', result });
    expect(await page.evaluate(inWorker, {})).toEqual({ file: 'model.plain.wasm', result });
    expect(await page.evaluate(inWorker, { threads: 2 })).toEqual({
      file: 'model.wasm',
      result: { ...result, threads: 2 },
    });
    expect(new Set(server.requests.map((path) => path.replace(/\?.*/, '')))).toEqual(
      new Set(
        [
          '/',
          '/page.js',
          '/worker.js',
          ...['model.js', 'model.json', 'model.wasm', 'model.plain.wasm'].map((f) => `/compiled/${f}`),
        ].filter((path) => server.requests.includes(path)),
      ),
    );
  });

  it('says why the main thread has no threads, and trains on one thread without isolation', async ({
    page,
    serve,
  }) => {
    await page.goto((await serve(folder)).url);
    await page.waitForFunction(() => document.title === 'ready');
    expect(await page.evaluate(() => globalThis.support())).toMatchObject({
      most: 1,
      reason: expect.stringContaining('use the session in a worker'),
    });
    expect(await page.evaluate(() => globalThis.here({ threads: 2 }))).toEqual({
      file: 'model.plain.wasm',
      result: await compiled(42),
    });
    await page.goto((await serve(folder, { isolated: false })).url);
    await page.waitForFunction(() => document.title === 'ready');
    expect(await page.evaluate(() => globalThis.support())).toMatchObject({
      most: 1,
      reason: expect.stringContaining('Cross-Origin-Opener-Policy'),
    });
    expect(await page.evaluate(inWorker, { threads: 2 })).toEqual({
      file: 'model.plain.wasm',
      result: await compiled(42),
    });
  });

  it('needs no more of a content security policy than leave to compile WebAssembly', async ({
    page,
    serve,
  }) => {
    const policy =
      "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'";
    await page.goto((await serve(folder, { headers: { 'Content-Security-Policy': policy } })).url);
    await page.waitForFunction(() => document.title === 'ready');
    expect(await page.evaluate(inWorker, { threads: 2 })).toMatchObject({ result: { threads: 2 } });
  });

  it('names a file that is missing', async ({ page, problems, serve }) => {
    const server = await serve(folder);
    await page.route('**/model.plain.wasm', (route) => route.fulfill({ status: 404 }));
    await page.goto(server.url);
    await page.waitForFunction(() => document.title === 'ready');
    expect(await page.evaluate(() => globalThis.here({}))).toEqual([
      'DataError',
      expect.stringMatching(/^cannot load http:.*model\.plain\.wasm: 404.*belong beside each other$/),
    ]);
    await expect.poll(() => problems.take(/404/)).toHaveLength(1);
  });
});

it('the page of examples/names trains with the compiled model alone', async ({ page, serve }) => {
  const example = join(folder, 'names');
  cpSync(join(ROOT, 'examples/names'), example, {
    recursive: true,
    filter: (path) => !path.includes('compiled'),
  });
  compile(join(ROOT, 'examples/names/model.ts'), join(example, 'compiled'));
  await page.goto((await serve(example)).url);
  await page.waitForFunction(() => document.querySelector('pre')?.textContent?.includes('20000:'));
  const lines = (await page.textContent('pre'))!.split('\n').slice(1);
  expect(lines).toHaveLength(10);
  // At 4,000 steps, 8,000 and so on the losses are those that Node prints (test/examples/names.test.ts).
  const readme = readFileSync(join(ROOT, 'examples/names/README.md'), 'utf8');
  const shared = [...readme.matchAll(/^(\d+) (\d\.\d{4})$/gm)];
  expect(shared).toHaveLength(5);
  for (const [, at, loss] of shared) expect(lines.find((text) => text.startsWith(`${at}:`))).toContain(loss);
});
