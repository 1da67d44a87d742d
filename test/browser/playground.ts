// What the tests of the playground share: one site a file, and what somebody does with a page of it.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { unzipSync } from 'fflate';
import type { Page } from 'playwright-core';
import { build } from 'vite';
import { afterAll, beforeAll, expect, onTestFinished } from 'vitest';
import { HEADERS } from '../../examples/playground/vite.config.js';
import { once } from '../once.js';
import { ROOT } from './bundle.js';
import { ISOLATION_HEADERS, type ServeOptions, type Server, serve } from './server.js';

const SHOTS = `${ROOT}build/screenshots/`;
/** The compiler takes seconds to load and to run, more on a busy machine. */
export const PATIENCE = { timeout: 90_000 };
/** The source of a preset. */
export const sourceOf = (name: string) =>
  readFileSync(`${ROOT}examples/playground/models/${name}.ts`, 'utf8');
export const SOURCE = sourceOf('plain');

export interface Site {
  folder: string;
  /** One origin for all tests of a file: a model that one has compiled is in the page's cache for the next. */
  server: Server;
  readonly options: ServeOptions;
}

/** Builds the playground before the tests of a file, unless another file has, and serves it as a good host would. */
export function playground(): Site {
  // Those that isolate are the server's own, which tests may leave out.
  const headers: Record<string, string> = { ...HEADERS };
  for (const name of Object.keys(ISOLATION_HEADERS)) delete headers[name];
  const site = { options: { isolated: true, headers } } as Site;
  beforeAll(async () => {
    mkdirSync(SHOTS, { recursive: true });
    const configFile = `${ROOT}examples/playground/vite.config.ts`;
    site.folder = await once('playground', (outDir) =>
      build({ configFile, logLevel: 'error', build: { outDir, minify: false } }),
    );
    site.server = await serve(site.folder, site.options);
  });
  afterAll(() => site.server.close());
  return site;
}

export const text = (page: Page, id: string) => page.locator(`#${id}`).innerText();
export const number = async (page: Page, id: string) => Number((await text(page, id)).replaceAll(',', ''));

export async function shot(page: Page, name: string): Promise<void> {
  // The lower editor lays out its lines once it comes into view.
  await page.evaluate(() => scrollTo(0, document.body.scrollHeight));
  await page.waitForTimeout(200);
  await page.evaluate(() => scrollTo(0, 0));
  await page.screenshot({ path: `${SHOTS}${name}.png`, fullPage: true });
}

/** Opens the page as somebody who comes for the first time; what this tab keeps is there after a reload. */
export async function open(page: Page, { server }: Site): Promise<void> {
  await page.addInitScript(() => {
    if (top !== self || sessionStorage.getItem('visited')) return;
    sessionStorage.setItem('visited', 'yes');
    localStorage.clear();
  });
  await page.goto(server.url);
  await expect.poll(() => text(page, 'words-said'), PATIENCE).toBe('8,403 English first names');
}

export async function compile(page: Page): Promise<void> {
  await page.click('#compile');
  await expect.poll(() => text(page, 'compiled'), PATIENCE).toMatch(/parameters/);
}

export async function trainTo(page: Page, step: number): Promise<void> {
  await page.click('#go');
  await expect.poll(() => number(page, 'at'), PATIENCE).toBeGreaterThanOrEqual(step);
}

export async function pause(page: Page): Promise<number> {
  await page.click('#go');
  await expect.poll(() => text(page, 'running'), PATIENCE).toBe('paused');
  return number(page, 'at');
}

/** Puts another source into the editor, as somebody who pastes it. */
export async function pasteSource(page: Page, source: string): Promise<void> {
  await page.click('#editor .cm-content');
  await page.keyboard.press('Control+A');
  await page.keyboard.insertText(source);
}

/** The same with a part of the plain model replaced. */
export async function paste(page: Page, before: string | RegExp, after: string): Promise<void> {
  expect(SOURCE.replace(before, '')).not.toBe(SOURCE);
  await pasteSource(
    page,
    SOURCE.replace(before, () => after),
  );
}

/** A folder with what a zip holds in its one folder. */
export function unpacked(zip: Uint8Array): string {
  const folder = mkdtempSync(join(tmpdir(), 'playground-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (const [path, content] of Object.entries(unzipSync(zip)))
    writeFileSync(join(folder, basename(path)), content);
  return folder;
}

/** The file that a click makes the page offer. */
export async function downloaded(page: Page, button: string): Promise<{ name: string; bytes: Uint8Array }> {
  const [download] = await Promise.all([page.waitForEvent('download'), page.click(button)]);
  return { name: download.suggestedFilename(), bytes: new Uint8Array(await readFile(await download.path())) };
}
