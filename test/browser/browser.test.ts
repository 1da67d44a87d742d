import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect } from 'vitest';
import { it } from './browser.js';

const folder = mkdtempSync(join(tmpdir(), 'page-'));
afterAll(() => rmSync(folder, { recursive: true }));

const write = (name: string, text: string) => writeFileSync(join(folder, name), text);
write('index.html', '<!doctype html><title>Hello</title><script type="module" src="main.js"></script>');
write('main.js', 'document.title += " " + self.crossOriginIsolated;');
write('throws.html', '<!doctype html><script>throw new Error("from the page")</script>');
write('worker.html', '<!doctype html><script type="module">new Worker("worker.js")</script>');
write('worker.js', 'console.error("from a worker")');
write('inline.html', '<!doctype html><script>document.title = "ran"</script>');

it('a page is isolated with the headers and not without', async ({ page, serve }) => {
  await page.goto((await serve(folder)).url);
  expect(await page.title()).toBe('Hello true');
  await page.goto((await serve(folder, { isolated: false })).url);
  expect(await page.title()).toBe('Hello false');
});

it('a server says what it was asked for, and 404 for what it does not have', async ({
  page,
  problems,
  serve,
}) => {
  const server = await serve(folder);
  await page.goto(server.url);
  expect(server.requests.slice(0, 2)).toEqual(['/', '/main.js']);
  expect(await page.evaluate(async () => (await fetch('missing.wasm')).status)).toBe(404);
  expect(server.requests.at(-1)).toBe('/missing.wasm');
  await expect.poll(() => problems.take(/404/)).toHaveLength(1);
});

it('what goes wrong in a page or its workers is noticed', async ({ page, problems, serve }) => {
  const { url } = await serve(folder);
  await page.goto(`${url}throws.html`);
  await expect.poll(() => problems.take(/from the page/)).toHaveLength(1);
  await page.goto(`${url}worker.html`);
  await expect.poll(() => problems.take(/from a worker/)).toHaveLength(1);
});

it('a content security policy holds, and what it stops is noticed', async ({ page, problems, serve }) => {
  const { url } = await serve(folder, { headers: { 'Content-Security-Policy': "script-src 'self'" } });
  await page.goto(`${url}inline.html`);
  expect(await page.title()).toBe('');
  await expect.poll(() => problems.take(/Content Security Policy/)).toHaveLength(1);
});

it.fails('an error that nobody expects fails the test', async ({ page, serve }) => {
  const { url } = await serve(folder);
  await page.goto(`${url}throws.html`);
  await page.waitForTimeout(100);
});
