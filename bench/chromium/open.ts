import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { build } from 'vite';
import { findChromium } from '../../scripts/chromium.mjs';
import { launch } from '../../test/browser/launch.js';
import { serve } from '../../test/browser/server.js';
import type { Calls } from './calls.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export interface OpenPage {
  ask<C extends keyof Calls>(call: C, given: Calls[C]['given']): Promise<Calls[C]['result']>;
  close(): Promise<void>;
}

export interface Opened {
  /** Of Chromium. */
  version: string;
  /** Where the server has `folder`. */
  url: string;
  folder: string;
  /** A page of its own with its worker; `tell` gets what the worker reports. */
  page(tell?: (report: unknown) => void): Promise<OpenPage>;
  close(): Promise<void>;
}

/** The page of the benchmarks, built and served with the headers that give it threads, and a Chromium to open it in. */
export async function open(): Promise<Opened> {
  // Of its own: another benchmark that begins meanwhile would empty a common one.
  const folder = await mkdtemp(join(tmpdir(), '2headgrad-bench-'));
  await build({
    configFile: false,
    logLevel: 'error',
    root: join(ROOT, 'bench/chromium'),
    base: './',
    // In a page the package is what it is for its users: built.
    resolve: { alias: [{ find: /^(?:\.\.\/)+src\/(.*\.js)$/, replacement: join(ROOT, 'dist/$1') }] },
    build: { outDir: folder, emptyOutDir: true, target: 'esnext' },
    worker: { format: 'es' },
  });
  const server = await serve(folder);
  const browser = await launch(await findChromium());
  return {
    version: browser.version(),
    url: server.url,
    folder,
    async page(tell) {
      const page: Page = await browser.newPage();
      // What takes minutes is no error.
      page.setDefaultTimeout(0);
      page.on('pageerror', (error) => console.error(error));
      if (tell) await page.exposeFunction('tell', tell);
      await page.goto(server.url);
      return {
        ask: (call, given) =>
          page.evaluate(
            // biome-ignore lint/suspicious/noExplicitAny: what goes through is told by Calls.
            ([call, given]: any) => globalThis.ask(call, given) as any,
            [call, given],
          ),
        close: () => page.close(),
      };
    },
    async close() {
      await browser.close();
      await server.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
