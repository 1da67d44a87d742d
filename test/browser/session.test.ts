import type { Page, Response } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect } from 'vitest';
import { it } from './browser.js';
import { bundle } from './bundle.js';
import { type ModelName, type Scenarios, scenarios, type Trained } from './page/scenarios.js';
import { type ServeOptions, type Server, serve } from './server.js';

type Options<K extends keyof Scenarios> = Parameters<Scenarios[K]>[0];
type Result<K extends keyof Scenarios> = Awaited<ReturnType<Scenarios[K]>>;

// One origin for all tests, so that a module is compiled once; what a test wants of the server, it sets.
const options: ServeOptions = { isolated: true, headers: {} };
let server: Server;
beforeAll(async () => {
  server = await serve(await bundle('test/browser/page', 'session'), options);
});
beforeEach(() => {
  Object.assign(options, { isolated: true, headers: {}, missing: undefined });
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

/** Damages every entry of the page's cache; returns how many there are. */
async function damageCache(damage: 'flip' | 'swap' | 'cut' | 'empty'): Promise<number> {
  const cache = await caches.open('2headgrad');
  const keys = await cache.keys();
  const all = await Promise.all(
    keys.map(async (key) => new Uint8Array(await (await cache.match(key))!.arrayBuffer())),
  );
  for (const [i, key] of keys.entries()) {
    let bytes = all[i].slice();
    if (damage === 'swap') bytes = all[(i + 1) % all.length];
    else if (damage === 'cut') bytes = bytes.slice(0, bytes.length / 2);
    else if (damage === 'empty') bytes = new Uint8Array();
    else bytes[bytes.length - 40] ^= 1;
    await cache.put(key, new Response(bytes));
  }
  return keys.length;
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

  it('works on the main thread with one thread, whatever is asked for, and says so', async ({ page }) => {
    await open(page);
    const reason =
      "a page's main thread must not wait for other threads: use the session in a worker, or with one thread";
    expect(await onMainThread(page, 'support')).toEqual({ most: 1, reason });
    expect(await onMainThread(page, 'threadNote', { threads: 2 })).toBe(`one thread instead of 2: ${reason}`);
    const trained = await onMainThread(page, 'train', { model: 'characters', threads: 2, steps: STEPS });
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

  it.for(['flip', 'cut'] as const)(
    'compiles anew what the cache gives back damaged (%s), with the same bits',
    async (damage, { page }) => {
      await open(page);
      const train = (model: ModelName) => inWorker(page, 'train', { model, threads: 1, steps: 20 });
      const before = [await train('characters'), await train('curve')];
      expect(await page.evaluate(damageCache, damage)).toBeGreaterThan(1);
      const loaded = server.requests.length;
      await open(page);
      expect([await train('characters'), await train('curve')]).toEqual(before);
      expect(server.requests.slice(loaded).join(' '), 'the compiler was loaded').toMatch(/binaryen/);
    },
  );

  it('says that a thread did not start if its script cannot be had', async ({ page, problems }) => {
    await open(page);
    options.missing = /web-worker/;
    expect(await inWorker(page, 'refusal', { threads: 2 })).toMatch(/^WorkerError: a thread did not start: /);
    problems.take(/404/);
    options.missing = undefined;
    expect(await inWorker(page, 'refusal', { threads: 2 })).toBe('none');
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

    options.headers = {
      'Content-Security-Policy':
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'",
    };
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
