import type { Page, Response } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect } from 'vitest';
import { it } from './browser.js';
import { bundle } from './bundle.js';
import { type ModelName, type Scenarios, scenarios, type Trained } from './page/scenarios.js';
import { type Server, serve } from './server.js';

type Options<K extends keyof Scenarios> = Parameters<Scenarios[K]>[0];
type Result<K extends keyof Scenarios> = Awaited<ReturnType<Scenarios[K]>>;

// One origin for all tests, so that a module is compiled once; what a test wants of the server, it sets.
const options = { isolated: true, headers: {} as Record<string, string> };
let server: Server;
beforeAll(async () => {
  server = await serve(await bundle('test/browser/page', 'session'), options);
});
beforeEach(() => {
  Object.assign(options, { isolated: true, headers: {} });
});
afterAll(() => server.close());

async function open(page: Page): Promise<Response> {
  const response = await page.goto(server.url);
  await page.waitForFunction(() => document.title === 'ready');
  return response!;
}

const inWorker = <K extends keyof Scenarios>(page: Page, name: K, options?: Options<K>) =>
  page.evaluate(([name, options]) => globalThis.inWorker(name, options), [name, options] as const) as Promise<
    Result<K>
  >;
const onMainThread = <K extends keyof Scenarios>(page: Page, name: K, options?: Options<K>) =>
  page.evaluate(([name, options]) => globalThis.onMainThread(name, options), [
    name,
    options,
  ] as const) as Promise<Result<K>>;

const MODELS: ModelName[] = ['characters', 'batchNorm', 'curve'];
const STEPS = 300;
/** A busy machine takes its time. */
const PATIENCE = { timeout: 30_000 };

/** What Node makes of it, with one thread. */
const inNode = new Map<ModelName, Promise<Trained>>();
function node(model: ModelName): Promise<Trained> {
  if (!inNode.has(model)) inNode.set(model, scenarios.train({ model, threads: 1, steps: STEPS }));
  return inNode.get(model)!;
}

describe('a session in a page', () => {
  it('learns: what is compared below is not the same because nothing happens', async () => {
    for (const model of MODELS) {
      const { losses } = await node(model);
      expect(losses).toHaveLength(STEPS);
      expect(losses.at(-1)).toBeLessThan(losses[0]);
    }
  });

  it('makes the same bits as Node with one thread and with two', async ({ page }) => {
    await open(page);
    for (const model of MODELS) {
      for (const threads of [1, 2]) {
        const trained = await inWorker(page, 'train', { model, threads, steps: STEPS });
        expect(trained).toEqual({ ...(await node(model)), threads });
      }
    }
    expect(server.requests.join(' '), 'the compiler was loaded').toMatch(/binaryen/);
  });

  it('makes the same bits in a page that is not isolated, on one thread whatever is asked for', async ({
    page,
  }) => {
    options.isolated = false;
    await open(page);
    expect(await inWorker(page, 'support')).toEqual({
      most: 1,
      reason: expect.stringMatching(/not cross-origin isolated.*Cross-Origin-Opener-Policy: same-origin/),
    });
    for (const model of MODELS) {
      const trained = await inWorker(page, 'train', { model, threads: 2, steps: STEPS });
      expect(trained).toEqual({ ...(await node(model)), threads: 1 });
    }
  });

  it('works on the main thread with one thread; more are refused with the way out', async ({ page }) => {
    await open(page);
    expect(await onMainThread(page, 'refusal', { threads: 2 })).toBe(
      "OptionError: threads: a page's main thread must not wait for other threads: " +
        'use the session in a worker, or with one thread',
    );
    expect(await onMainThread(page, 'support')).toMatchObject({
      most: 1,
      reason: expect.stringContaining('in a worker'),
    });
    const trained = await onMainThread(page, 'train', { model: 'characters', threads: 1, steps: STEPS });
    expect(trained).toEqual(await node('characters'));
    expect(await onMainThread(page, 'saveToFile')).toBe(
      'OptionError: save: a page has no files: keep the bytes of checkpoint()',
    );
  });

  it('ends its threads when it is closed, and when the worker that it is in ends', async ({ page }) => {
    await open(page);
    const browser = await page.context().browser()!.newBrowserCDPSession();
    const workers = async () => {
      const { targetInfos } = await browser.send('Target.getTargets', { filter: [{ type: 'worker' }] });
      return targetInfos.length;
    };
    expect(await workers()).toBe(1);
    await inWorker(page, 'keepGoing', { threads: 3, steps: 10 });
    expect(await workers()).toBe(3);
    await inWorker(page, 'closeKept');
    await expect.poll(workers, PATIENCE).toBe(1);
    await inWorker(page, 'keepGoing', { threads: 2, steps: 10 });
    expect(await workers()).toBe(2);
    await page.evaluate(() => globalThis.endWorker());
    await expect.poll(workers, PATIENCE).toBe(0);
  });

  it('keeps its memory over 100,000 steps', async ({ page }) => {
    await open(page);
    const devtools = await page.context().newCDPSession(page);
    const heap = async () => {
      await devtools.send('HeapProfiler.collectGarbage');
      return (await devtools.send('Runtime.getHeapUsage')).usedSize;
    };
    const go = (steps: number) => onMainThread(page, 'keepGoing', { threads: 1, steps });
    const bytes = await go(5000);
    const before = await heap();
    expect(await go(100_000)).toBe(bytes);
    // A number kept for each step would be 800,000 bytes.
    expect((await heap()) - before).toBeLessThan(200_000);
  });

  it('holds to a strict content security policy where its module is compiled already', async ({ page }) => {
    await open(page);
    await inWorker(page, 'train', { model: 'characters', threads: 2, steps: 1 });

    options.headers['Content-Security-Policy'] =
      "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'";
    const before = server.requests.length;
    const response = await open(page);
    expect(response.headers()).toMatchObject({
      'content-security-policy': expect.stringContaining("'none'"),
    });
    const trained = await inWorker(page, 'train', { model: 'characters', threads: 2, steps: STEPS });
    expect(trained).toEqual({ ...(await node('characters')), threads: 2 });
    const loaded = server.requests.slice(before).join(' ');
    expect(loaded).toContain('web-worker');
    expect(loaded).not.toMatch(/asc|binaryen/);
  });
});
