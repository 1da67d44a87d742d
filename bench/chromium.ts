// Training steps a second in Chromium against Node, on the same machine in turns, by the same code with the same
// parameters and data. W6-tiny has the width, depth, context and batch of the smallest model of TinyGPT, which trains in pages
// too, with the vocabulary of characters. Each page and each process compiles once and is warm before it is measured.
//
//   npm run bench:chromium -- [--only W1,W2,W3,W6-tiny] [--rounds 5] [--threads 1] [--seconds 1]

import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'vite';
import { findChromium } from '../scripts/chromium.mjs';
import { launch } from '../test/browser/launch.js';
import { serve } from '../test/browser/server.js';
import { startMeasuring } from './chromium/measure.js';
import { median } from './rounds.js';
import { select } from './workloads.js';

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: 'W1,W2,W3,W6-tiny' },
    rounds: { type: 'string', default: '5' },
    threads: { type: 'string', default: '1' },
    seconds: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
  },
});
const [rounds, threads] = [Number(values.rounds), Number(values.threads)];
const seconds = Number(values.seconds);
if (![rounds, threads].every((n) => Number.isInteger(n) && n >= 1) || !(seconds > 0)) {
  console.error('--rounds and --threads must be whole numbers from 1, --seconds a number above 0');
  process.exit(2);
}

const folder = fileURLToPath(new URL('../build/bench/chromium', import.meta.url));
await build({
  configFile: false,
  logLevel: 'error',
  root: fileURLToPath(new URL('chromium', import.meta.url)),
  base: './',
  // In a page the package is what it is for its users: built.
  resolve: { alias: [{ find: /^(\.\.\/)+src\/index\.js$/, replacement: '2headgrad' }] },
  build: { outDir: folder, emptyOutDir: true, target: 'esnext' },
  worker: { format: 'es' },
});
const server = await serve(folder);
const browser = await launch(await findChromium());
console.log(
  `Steps a second, medians of ${rounds} rounds, ${threads} thread(s), Chromium ${browser.version()}, Node ${process.version}`,
);
const results = [];
try {
  for (const { name } of select(values.only.split(','))) {
    const page = await browser.newPage();
    page.on('pageerror', (error) => console.error(error));
    await page.goto(server.url);
    const inPage = (call: 'start' | 'take') =>
      page.evaluate(([call, options]) => globalThis.measure(call, options), [
        call,
        { workload: name, threads, seconds },
      ] as const);
    const inNode = await startMeasuring({ workload: name, threads, seconds });
    await inPage('start');
    const speeds: { chromium: number[]; node: number[] } = { chromium: [], node: [] };
    for (let round = 0; round < rounds; round++) {
      speeds.node.push(await inNode.take());
      speeds.chromium.push(await inPage('take'));
    }
    await inNode.close();
    await page.close();
    const [chromium, node] = [median(speeds.chromium), median(speeds.node)];
    results.push({ name, chromium, node, ratio: chromium / node });
    const ms = (1000 / chromium).toPrecision(3);
    const format = (speed: number) => Number(speed.toPrecision(4)).toLocaleString('en-US').padStart(9);
    console.log(
      `${name.padEnd(10)} Chromium ${format(chromium)}  Node ${format(node)}  ${(chromium / node).toFixed(2)}x  ${ms} ms a step`,
    );
  }
} finally {
  await browser.close();
  await server.close();
}
if (values.json) console.log(JSON.stringify({ rounds, threads, results }));
