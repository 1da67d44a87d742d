import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect } from 'vitest';
import { compiled, source, TRAIN } from '../aot/model.js';
import { it } from './browser.js';
import { ROOT } from './bundle.js';

// An app with a model file, as the plugin builds it and as it serves it in development. It lies in the clone, so
// that the package's own name leads to the package.

const APP = `${ROOT}build/browser/app`;
const SHOTS = `${ROOT}build/screenshots`;
const PATIENCE = { timeout: 30_000 };
const file = (name: string) => join(APP, name);

const MODEL = 'classifier.grad.ts';
const TRAINING = `import { classifier } from './${MODEL}';
${TRAIN}
const go = (threads) => train((options) => classifier.compile(options), { seed: 7, threads })
  .catch(({ name, message }) => [name, message]);`;

// A process of its own, in which the plugin and the model import the same copy of the package.
const VITE = `import { build, createServer } from 'vite';
import grad from '2headgrad/vite';
const plugins = [grad({ threads: true })];
const config = { base: './', configFile: false, logLevel: 'silent', cacheDir: '.cache', plugins };
if (process.argv[2] === 'build') await build(config);
else {
  const watch = { usePolling: true, interval: 50 };
  const server = await createServer({ ...config, server: { port: 0, host: '127.0.0.1', watch } });
  await server.listen();
  console.log(server.resolvedUrls.local[0]);
}`;

const FILES = {
  [MODEL]: source(),
  'vite.mjs': VITE,
  'index.html':
    '<!doctype html><link rel="icon" href="data:,"><title>loading</title><script type="module" src="./main.js"></script>',
  'worker.js': `${TRAINING}\nonmessage = ({ data }) => go(data).then(postMessage);`,
  'main.js': `${TRAINING}
const worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
globalThis.trained = (inWorker, threads) => {
  if (!inWorker) return go(threads);
  worker.postMessage(threads);
  return new Promise((resolve) => { worker.onmessage = ({ data }) => resolve(data); });
};
document.title = 'ready';`,
};

beforeAll(() => {
  for (const folder of [APP, SHOTS]) mkdirSync(folder, { recursive: true });
  for (const [name, text] of Object.entries(FILES)) writeFileSync(file(name), text);
});
afterAll(() => rmSync(APP, { recursive: true }));

async function trained(page: Page, inWorker: boolean, threads: number): Promise<unknown> {
  await page.waitForFunction(() => document.title === 'ready');
  type Trained = { trained(inWorker: boolean, threads: number): Promise<unknown> };
  return page.evaluate(
    ([inWorker, threads]) => (globalThis as unknown as Trained).trained(inWorker, threads),
    [inWorker, threads] as const,
  );
}

it('an app that Vite built trains to the same bits as Node: in the page, in a worker, there with two threads', async ({
  page,
  serve,
}) => {
  execFileSync(process.execPath, ['vite.mjs', 'build'], { cwd: APP });
  await page.goto((await serve(file('dist'))).url);
  const result = await compiled(7);
  expect(await trained(page, false, 1)).toMatchObject({ result });
  expect(await trained(page, true, 1)).toMatchObject({ result });
  expect(await trained(page, true, 2)).toMatchObject({ result: { ...result, threads: 2 } });
});

it('in development the overlay shows the line of the model that is wrong, and goes when it is mended', async ({
  page,
  problems,
}) => {
  const server = spawn(process.execPath, ['vite.mjs'], { cwd: APP });
  try {
    const [address] = await once(server.stdout, 'data');
    await page.goto(String(address).trim());
    expect(await trained(page, true, 1)).toMatchObject({ result: await compiled(7) });
    const text = readFileSync(file(MODEL), 'utf8');
    writeFileSync(file(MODEL), text.replace('nn.linear(6, 5)', 'nn.linear(7, 5)'));
    const overlay = page.locator('vite-error-overlay');
    const shown = () => overlay.locator('.message, .file, .frame').allInnerTexts();
    await expect
      .poll(async () => (await shown()).join('\n'), PATIENCE)
      .toMatch(/classifier\.grad\.ts: linear\(7, 5\): expected \[batch, \.\.\., 7\], got \[4, 6\]/);
    expect((await shown()).join('\n')).toContain('loss: (model, { x, y }) => crossEntropy');
    await page.screenshot({ path: `${SHOTS}/overlay.png` });
    writeFileSync(file(MODEL), text);
    await expect.poll(() => overlay.count(), PATIENCE).toBe(0);
    expect(await trained(page, true, 1)).toMatchObject({ result: await compiled(7) });
    problems.take(/500|\[vite\]/);
  } finally {
    server.kill();
    await once(server, 'exit');
  }
});
