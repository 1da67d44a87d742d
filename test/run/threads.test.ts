import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { cpuQuota } from '../../src/run/quota.js';
import { canShareMemory, grantThreads, threadNote, threadSupport } from '../../src/run/threads.js';

// What pages have instead is tested in test/browser/session.test.ts.

const quota = cpuQuota((path) => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
});

it('Node can use as many threads as the process may run at once', () => {
  const { most, reason } = threadSupport();
  expect(most).toBe(Math.max(1, Math.min(availableParallelism(), Math.floor(quota))));
  expect(reason === null).toBe(most > 1);
});

it('Node grants every number of threads, and says so if they are more than can run at a time', () => {
  expect(canShareMemory()).toBe(true);
  expect([1, 2, 64].map(grantThreads)).toEqual([1, 2, 64]);
  expect(threadNote(1, 1)).toBeNull();
  expect(threadNote(threadSupport().most, threadSupport().most)).toBeNull();
  expect(threadNote(64, 64)).toMatch(/^64 threads are more than can run at a time: this (machine|process) /);
});

const linux = process.platform === 'linux' && cpus().length > 1;

it.runIf(linux)('a process that is bound to one core has one thread, and is told why', () => {
  const url = new URL('../../src/run/threads.ts', import.meta.url).href;
  const script = `import { threadNote, threadSupport } from ${JSON.stringify(url)};
    console.log(JSON.stringify([threadSupport(), threadNote(2, 2)]));`;
  const args = ['-c', '0', process.execPath, '--import', 'tsx', '--input-type=module', '-e', script];
  const [support, note] = JSON.parse(execFileSync('taskset', args, { encoding: 'utf8' }));
  const reason = `this process may run on 1 of ${cpus().length} cores (its affinity)`;
  expect(support).toEqual({ most: 1, reason });
  expect(note).toBe(`2 threads are more than can run at a time: ${reason}`);
});

describe('in other places than Node', () => {
  afterEach(() => {
    vi.unstubAllGlobals();
    vi.resetModules();
  });

  /** What threads.ts says where these globals are. */
  async function place(globals: Record<string, unknown>) {
    const page = { process: undefined, navigator: { hardwareConcurrency: 4 }, Worker: class {} };
    for (const [name, value] of Object.entries({ ...page, ...globals })) vi.stubGlobal(name, value);
    vi.resetModules();
    const threads = await import('../../src/run/threads.js');
    const granted = threads.grantThreads(2);
    return {
      ...threads.threadSupport(),
      granted,
      shared: threads.canShareMemory(),
      note: threads.threadNote(2, granted),
    };
  }

  it('an isolated worker has the threads of its machine', async () => {
    expect(await place({ crossOriginIsolated: true })).toEqual({
      ...{ most: 4, reason: null, granted: 2, shared: true, note: null },
    });
  });

  it('a page that is not isolated is told of the headers, a worker of its page', async () => {
    const page = await place({ crossOriginIsolated: false, document: {} });
    expect(page).toMatchObject({ most: 1, granted: 1, shared: false });
    expect(page.reason).toMatch(/^this page is not cross-origin isolated.*Cross-Origin-Embedder-Policy/);
    expect(page.note).toBe(`one thread instead of 2: ${page.reason}`);
    const worker = await place({ crossOriginIsolated: false, document: undefined });
    expect(worker.reason).toMatch(/^this worker is not cross-origin isolated.*the page that it belongs to/);
  });

  it('an isolated page has one thread on its main thread, whatever is asked for', async () => {
    vi.spyOn(Atomics, 'wait').mockImplementation(() => {
      throw new TypeError('Atomics.wait cannot be called in this context');
    });
    const main = await place({ crossOriginIsolated: true, document: {} });
    expect(main).toMatchObject({ most: 1, granted: 1, shared: true });
    expect(main.reason).toMatch(/^a page's main thread must not wait/);
    const other = await place({ crossOriginIsolated: true, document: undefined });
    expect(other).toMatchObject({ most: 1, granted: 1 });
    expect(other.reason).toMatch(/^this place must not wait/);
    vi.restoreAllMocks();
  });

  it('an engine without SharedArrayBuffer says that, isolated or not', async () => {
    const webkit = await place({ crossOriginIsolated: true, SharedArrayBuffer: undefined, document: {} });
    expect(webkit).toMatchObject({ most: 1, granted: 1, shared: false });
    expect(webkit.reason).toBe('this engine has no SharedArrayBuffer, so its threads cannot share memory');
  });

  it.each([
    ['workerd', { navigator: { userAgent: 'Cloudflare-Workers' }, Worker: undefined }],
    ['workerd with the modules of Node', { navigator: { userAgent: 'Cloudflare-Workers' }, process }],
    ['a service worker', { crossOriginIsolated: true, Worker: undefined }],
  ])('%s has no workers', async (_, globals) => {
    const reason = 'this place has no workers to share the work with';
    expect(await place(globals)).toMatchObject({ most: 1, granted: 1, shared: false, reason });
  });
});
