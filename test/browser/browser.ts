// What browser tests are written with: `it` gives each a page of its own in a context of its file, and servers that
// end with the test. What goes wrong in the page and is not expected fails the test.
//
//   it('a page says hello', async ({ page, serve }) => {
//     const { url } = await serve(folder);
//     await page.goto(url);
//   });

import type { Browser, BrowserContext, ConsoleMessage, Page, WebError } from 'playwright-core';
import { test } from 'vitest';
import { launch } from './launch.js';
import { isIcon, type ServeOptions, type Server, serve } from './server.js';

export interface Problems {
  /** Uncaught errors and error messages on the console, those of workers too. */
  readonly all: readonly string[];
  /** Takes those that match off the list and returns them; the others still fail the test. */
  take(pattern: RegExp): string[];
}

interface PerWorker {
  /** Of all files that a process of tests runs, one after the other. */
  browser: Browser;
}

interface PerFile {
  /** Storage and caches, which the tests of a file share as the pages of an origin do. */
  context: BrowserContext;
}

interface PerTest {
  problems: Problems;
  page: Page;
  serve(folder: string, options?: ServeOptions): Promise<Server>;
}

export const it = test
  .extend<PerWorker>({
    browser: [
      // biome-ignore lint/correctness/noEmptyPattern: vitest reads what a fixture needs from this pattern.
      async ({}, use) => {
        const { inject } = await import('vitest');
        const browser = await launch(inject('chromium'));
        await use(browser);
        await browser.close();
      },
      { scope: 'worker' },
    ],
  })
  .extend<PerFile>({
    context: [
      async ({ browser }, use) => {
        const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
        await use(context);
        await context.close();
      },
      { scope: 'file' },
    ],
  })
  .extend<PerTest>({
    problems: async ({ context }, use) => {
      const found: string[] = [];
      const onError = (error: WebError) => found.push(String(error.error().stack ?? error.error()));
      const onMessage = (message: ConsoleMessage) => {
        const { url } = message.location();
        if (message.type() === 'error' && !isIcon(url)) found.push(`${message.text()} (${url})`);
      };
      context.on('weberror', onError).on('console', onMessage);
      await use({
        all: found,
        take(pattern) {
          const taken = found.filter((text) => pattern.test(text));
          found.splice(0, found.length, ...found.filter((text) => !taken.includes(text)));
          return taken;
        },
      });
      context.off('weberror', onError).off('console', onMessage);
      if (found.length) throw new Error(`the page had errors:\n${found.join('\n')}`);
    },
    // `problems` is named so that every page is watched.
    page: async ({ context, problems: _ }, use) => {
      const page = await context.newPage();
      await use(page);
      await page.close();
    },
    // biome-ignore lint/correctness/noEmptyPattern: vitest reads what a fixture needs from this pattern.
    serve: async ({}, use) => {
      const servers: Server[] = [];
      await use(async (folder, options) => {
        const server = await serve(folder, options);
        servers.push(server);
        return server;
      });
      await Promise.all(servers.map((server) => server.close()));
    },
  });
