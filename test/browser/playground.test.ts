import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { unzipSync } from 'fflate';
import { describe, expect } from 'vitest';
import { decodeSafetensors } from '../../src/data/safetensors.js';
import { it } from './browser.js';
import {
  compile,
  downloaded,
  number,
  open,
  PATIENCE,
  paste,
  pasteSource,
  pause,
  playground,
  SOURCE,
  shot,
  text,
  trainTo,
  unpacked,
} from './playground.js';

const site = playground();

/** A model of somebody who would like to write what is run after it was downloaded. */
const TAMPERING = `${SOURCE}
const real = Object.fromEntries;
const more = { 'words.mjs': 'evil', 'model.js': 'evil', 'package.json': 'evil', 'more.js': 'evil', '../up.js': 'evil' };
Object.fromEntries = (all) => {
  const made = real(all);
  return made['model.wasm'] ? { ...made, ...more } : made;
};`;

describe('the playground', () => {
  it('compiles, shows the stages, trains and makes up words', async ({ page }) => {
    await open(page, site);
    expect(site.server.requests.join(' '), 'the compiler waits to be asked for').not.toMatch(/binaryen/);
    await shot(page, 'start');
    await compile(page);
    expect(site.server.requests.join(' ')).toMatch(/binaryen/);
    // 27 x 10 + (30 + 1) x 200 + (200 + 1) x 27
    expect(await text(page, 'compiled')).toMatch(
      /^11,897 parameters, [\d.]+ kB of WebAssembly, compiled in [\d.]+ m?s; the compiler is [\d.]+ MB/,
    );
    await expect.poll(() => page.locator('#view-graph svg text').count(), PATIENCE).toBeGreaterThan(50);
    expect(await text(page, 'view-schedule')).toContain('gemm_nn_32x200x30_add_tanh');
    expect(await text(page, 'view-memory')).toContain('layers.2.weight: f32[30,200]');
    expect(await text(page, 'view-source')).toContain('// names: train, evaluate, predict');
    await page.selectOption('#entry', 'predict');
    expect(await text(page, 'view-schedule')).toMatch(/^schedule names.predict/);
    await page.selectOption('#entry', 'train');

    await trainTo(page, 3000);
    await expect.poll(() => number(page, 'loss'), PATIENCE).toBeLessThan(2.6);
    await expect.poll(() => number(page, 'dev'), PATIENCE).toBeLessThan(2.6);
    await expect.poll(() => page.locator('#samples li').allInnerTexts(), PATIENCE).toHaveLength(12);
    expect((await page.locator('#samples li').allInnerTexts()).join('')).toMatch(/^[a-z(): ]+$/);
    await page.waitForTimeout(1500);
    await shot(page, 'training-light');

    const at = await pause(page);
    await page.waitForTimeout(400);
    expect(await number(page, 'at')).toBe(at);
    await page.emulateMedia({ colorScheme: 'dark' });
    const theme = () => page.evaluate(() => document.documentElement.dataset.theme);
    await expect.poll(theme, PATIENCE).toBe('dark');
    await shot(page, 'training-dark');
    await page.click('#theme');
    expect(await theme()).toBe('light');
    await page.setViewportSize({ width: 390, height: 844 });
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(390);
    await page.waitForTimeout(300);
    await shot(page, 'training-phone');
  });

  it('takes another learning rate while it trains: with 0, the loss on unseen words stands still', async ({
    page,
  }) => {
    await open(page, site);
    await compile(page);
    await trainTo(page, 100);
    await page.fill('#rate', '0');
    const at = await number(page, 'at');
    await expect.poll(() => number(page, 'at'), PATIENCE).toBeGreaterThan(at + 2000);
    await pause(page);
    const still = await text(page, 'dev');
    await trainTo(page, (await number(page, 'at')) + 2000);
    await pause(page);
    expect(await text(page, 'dev')).toBe(still);
    await page.fill('#rate', '0.2');
    expect(Number(await page.inputValue('#rate-range'))).toBeCloseTo(Math.log10(0.2), 1);
    await page.fill('#rate', '-1');
    expect(
      await page.evaluate(() => document.querySelector<HTMLInputElement>('#rate')?.checkValidity()),
    ).toBe(false);
    await page.fill('#rate', '0.2');
    await trainTo(page, (await number(page, 'at')) + 2000);
    await pause(page);
    expect(await text(page, 'dev')).not.toBe(still);
    // A rate that is far too high ends the training, with the parameters as they were.
    await page.fill('#rate', '1e38');
    await page.click('#go');
    await expect
      .poll(() => text(page, 'alert'), PATIENCE)
      .toMatch(/the loss became .* Try a lower learning rate/);
    expect(await text(page, 'running')).toBe('paused');
  });

  it('saves a checkpoint and goes back to it; a file that is none changes nothing', async ({ page }) => {
    await open(page, site);
    await pasteSource(page, TAMPERING);
    await compile(page);
    await trainTo(page, 500);
    const at = await pause(page);
    const { name, bytes } = await downloaded(page, '#save');
    expect(name).toBe('names.safetensors');
    const { tensors, metadata } = decodeSafetensors(bytes);
    expect(metadata).toMatchObject({ step: String(at), seed: '42' });
    expect(tensors.get('layers.2.weight')?.shape).toEqual([30, 200]);

    await trainTo(page, at + 500);
    const later = await pause(page);
    await page.setInputFiles('#load', {
      name: 'no.safetensors',
      mimeType: '',
      buffer: Buffer.from('not this'),
    });
    await expect.poll(() => page.locator('#alert').isVisible(), PATIENCE).toBe(true);
    expect(await number(page, 'at')).toBe(later);
    await page.setInputFiles('#load', { name: 'a.safetensors', mimeType: '', buffer: Buffer.from(bytes) });
    await expect.poll(() => number(page, 'at'), PATIENCE).toBe(at);
    expect(await page.locator('#alert').isVisible()).toBe(false);
    const again = await downloaded(page, '#save');
    expect(Buffer.from(again.bytes).equals(bytes)).toBe(true);

    // Another number of threads goes on from the same place; the machine may have fewer cores than that.
    await page.evaluate(() => document.querySelector('#threads')?.append(new Option('3', '3')));
    await page.selectOption('#threads', '3');
    await expect.poll(() => text(page, 'threads-said'), PATIENCE).toBe('3 threads · isolated');
    expect(Buffer.from((await downloaded(page, '#save')).bytes).equals(bytes)).toBe(true);
    await trainTo(page, at + 100);
    await pause(page);

    await page.setInputFiles('#load', { name: 'a.safetensors', mimeType: '', buffer: Buffer.from(bytes) });
    await expect.poll(() => number(page, 'at'), PATIENCE).toBe(at);
    const artifact = await downloaded(page, '#download');
    expect(artifact.name).toBe('names.zip');
    const folder = unpacked(artifact.bytes);
    expect(Object.keys(unzipSync(artifact.bytes)).every((name) => /^names\/[^/]+$/.test(name))).toBe(true);
    expect(readdirSync(folder).sort()).toEqual([
      ...['model.d.ts', 'model.js', 'model.json', 'model.wasm', 'package.json'],
      ...['weights.safetensors', 'words.mjs'],
    ]);
    // What was downloaded goes on in Node from where it stands, without this package.
    const weights = readFileSync(join(folder, 'weights.safetensors'));
    const { tensors: shipped } = decodeSafetensors(weights);
    for (const [name, { data }] of tensors) expect(shipped.get(name)?.data, name).toEqual(data);
    const words = execFileSync(process.execPath, ['words.mjs'], { cwd: folder, encoding: 'utf8' });
    expect(words).toMatch(/^([a-z]*\n){10}$/);
    const script = `import { start } from './model.js'; const s = await start();
      console.log(s.at, [...s.predict({ x: [1, 2, 3] })].reduce((a, b) => a + b).toFixed(5))`;
    const run = ['--input-type=module', '-e', script];
    expect(execFileSync(process.execPath, run, { cwd: folder, encoding: 'utf8' })).toBe(`${at} 1.00000\n`);
  });

  it('shows an error at its line, and the model before goes on; what never ends can be cancelled', async ({
    page,
  }) => {
    await open(page, site);
    await compile(page);
    await paste(page, 'nn.linear(hidden, vocab,', 'nn.linear(hidden + 1, vocab,');
    await page.click('#compile');
    const line = SOURCE.slice(0, SOURCE.indexOf('model: nn.sequential')).split('\n').length;
    await expect
      .poll(() => text(page, 'alert'), PATIENCE)
      .toMatch(
        /^linear\(201, 27\): expected \[batch, \.\.\., 201\], got \[32, 200\]: nn\.linear\(200, 27\) would fit, in layers\.\d+ \(linear\) \(model\.ts:\d+\)/,
      );
    expect(await text(page, 'compiled')).toBe('Not compiled; the model before stays in use.');
    const told = Number(/model\.ts:(\d+)/.exec(await text(page, 'alert'))?.[1]);
    expect(told).toBeGreaterThanOrEqual(line);
    const marked = page.locator('#editor .cm-line', { has: page.locator('.cm-lintRange-error') });
    expect(await marked.allInnerTexts()).toEqual([SOURCE.split('\n')[told - 1]]);
    await shot(page, 'error');
    await trainTo(page, 200);
    await pause(page);

    await paste(page, 'const batch = 32;', 'const batch = = 32;');
    await page.click('#compile');
    await expect.poll(() => text(page, 'alert'), PATIENCE).toMatch(/Unexpected token.* \(model\.ts:8\)/);
    await paste(page, 'const batch = 32;', 'const batch = 32; while (vocab) vocab = 27;');
    await page.click('#compile');
    await page.waitForTimeout(300);
    expect(await text(page, 'compile')).toBe('Cancel');
    await page.click('#compile');
    await expect.poll(() => text(page, 'compile'), PATIENCE).toBe('Compile');
    await paste(page, 'const batch = 32;', 'const batch = 32;');
    await compile(page);
  });

  it('learns words of the user, of any alphabet', async ({ page }) => {
    await open(page, site);
    await page.click('.words summary');
    await page.fill('#words', Array.from({ length: 60 }, (_, i) => 'żółw'.slice(0, 2 + (i % 3))).join('\n'));
    await page.click('#words-use');
    expect(await text(page, 'words-said')).toBe('60 of your own');
    await compile(page);
    await trainTo(page, 1000);
    await expect
      .poll(async () => (await page.locator('#samples li').allInnerTexts()).join(''), PATIENCE)
      .toMatch(/^[żółw]{12,}$/);
    await pause(page);

    await page.setInputFiles('#words-file', {
      name: 'b.bin',
      mimeType: '',
      buffer: Buffer.from([255, 254, 0, 1]),
    });
    await expect.poll(() => text(page, 'alert'), PATIENCE).toMatch(/^b\.bin is not UTF-8 text/);
    await page.fill('#words', 'one\ntwo');
    await page.click('#words-use');
    await page.click('#compile');
    await expect.poll(() => text(page, 'alert'), PATIENCE).toMatch(/^2 words are too few to split/);
    expect(site.server.requests.filter((path) => path.includes('?'))).toEqual([]);
  });

  it('finds a learning rate, and agrees with the tape', async ({ page }) => {
    await open(page, site);
    await compile(page);
    await page.click('#find');
    await expect.poll(() => page.locator('#finder-use').isVisible(), PATIENCE).toBe(true);
    await page.click('#finder-use');
    const rate = Number(await page.inputValue('#rate'));
    expect(rate).toBeGreaterThan(0.01);
    expect(rate).toBeLessThan(1);
    await page.click('#compare');
    await expect.poll(() => page.locator('#comparison .bar').count(), PATIENCE).toBe(2);
    const [, difference] = /differ by ([\d.e-]+) of/.exec(await text(page, 'comparison')) ?? [];
    expect(Number(difference)).toBeLessThan(1e-4);
    await shot(page, 'tools');
  });

  it('can be used with the keyboard alone', async ({ page }) => {
    await open(page, site);
    const tabTo = async (id: string) => {
      for (let i = 0; i < 60; i++) {
        if ((await page.evaluate(() => document.activeElement?.id)) === id) return;
        await page.keyboard.press('Tab');
      }
      throw new Error(`Tab never came to #${id}`);
    };
    await tabTo('preset');
    await page.keyboard.press('ArrowDown');
    expect(await page.inputValue('#preset')).toBe('batch-norm');
    await page.keyboard.press('Tab');
    expect(await page.evaluate(() => document.activeElement?.className)).toContain('cm-content');
    await page.keyboard.press('Control+Enter');
    await expect.poll(() => text(page, 'compiled'), PATIENCE).toMatch(/parameters/);
    await tabTo('go');
    await page.keyboard.press('Enter');
    await expect.poll(() => number(page, 'at'), PATIENCE).toBeGreaterThan(100);
    await page.keyboard.press('Enter');
    await expect.poll(() => text(page, 'running'), PATIENCE).toBe('paused');
    await tabTo('view-source-content');
  });

  it('works on one thread where a page is not isolated, and says how to get threads', async ({
    browser,
    serve,
  }) => {
    const { url } = await serve(site.folder, { isolated: false });
    const context = await browser.newContext({ serviceWorkers: 'block' });
    const page = await context.newPage();
    await page.goto(url);
    await expect.poll(() => text(page, 'threads-said'), PATIENCE).toBe('1 thread · not isolated');
    await page.click('#place summary');
    expect(await text(page, 'place-why')).toMatch(
      /Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp.*service worker/,
    );
    await shot(page, 'not-isolated');
    await compile(page);
    await trainTo(page, 500);
    await pause(page);
    await context.close();
  });

  it('isolates itself on a host that sends no headers', async ({ page, serve }) => {
    const { url } = await serve(site.folder, { isolated: false });
    await page.goto(url);
    await expect.poll(() => page.evaluate(() => crossOriginIsolated).catch(() => false), PATIENCE).toBe(true);
    await expect.poll(() => text(page, 'threads-said'), PATIENCE).toMatch(/ · isolated/);
  });
});
