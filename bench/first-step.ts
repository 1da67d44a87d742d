import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';
import { findChromium } from '../scripts/chromium.mjs';
import { serve } from '../test/browser/server.js';

// How long it takes in Chromium from the start of loading a page until the names model, compiled ahead of time, has
// taken its first step there: the median of five browser contexts, none of which has seen the page.

const ROOT = fileURLToPath(new URL('../', import.meta.url));
const ROUNDS = 5;
const PAGE = `<!doctype html><title>first step</title><script type="module">
import { start } from './compiled/model.js';
const session = await start();
session.data({ x: new Int32Array(96), y: new Int32Array(32) });
session.step({ lr: 0.1 });
document.title = performance.now();
</script>`;

const folder = mkdtempSync(join(tmpdir(), '2headgrad-first-'));
const main = join(ROOT, 'dist/cli/main.js');
execFileSync(process.execPath, [
  main,
  'compile',
  join(ROOT, 'examples/names/model.ts'),
  '--out',
  join(folder, 'compiled'),
]);
writeFileSync(join(folder, 'index.html'), PAGE);
const server = await serve(folder);
const browser = await chromium.launch({
  executablePath: await findChromium(),
  // Chromium's sandbox refuses to work for root.
  args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
});
const times: number[] = [];
for (let i = 0; i < ROUNDS; i++) {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(server.url);
  await page.waitForFunction(() => Number(document.title) > 0);
  times.push(Number(await page.title()));
  await context.close();
}
await browser.close();
await server.close();
rmSync(folder, { recursive: true });
times.sort((a, b) => a - b);
console.log(
  `page load to first step: ${times[2].toFixed(0)} ms (median of ${times.map((t) => t.toFixed(0)).join(', ')})`,
);
