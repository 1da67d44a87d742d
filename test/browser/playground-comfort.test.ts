// What makes the playground pleasant: nothing is lost, nothing is out of sight, nothing stands still.
import type { Page } from 'playwright-core';
import { describe, expect, onTestFinished } from 'vitest';
import { count, digits } from '../../examples/playground/src/dom.js';
import { chooseThreads } from '../../examples/playground/src/worker/auto-threads.js';
import { it } from './browser.js';
import { compile, number, open, PATIENCE, paste, pause, playground, text, trainTo } from './playground.js';

const site = playground();

const rate = (page: Page) => page.inputValue('#rate');
const inSight = (page: Page, selector: string) =>
  page.locator(selector).evaluate((element) => {
    const { top, bottom, height } = element.getBoundingClientRect();
    return height > 0 && top >= 0 && bottom <= innerHeight;
  });

describe('the playground', () => {
  it('says why it cannot train yet, reads the charts, begins again, and leaves a running model its rate', async ({
    page,
  }) => {
    await open(page, site);
    expect(await page.locator('#go').isDisabled()).toBe(true);
    expect(await text(page, 'go-why')).toBe('Compile the model first.');
    expect(await page.getAttribute('#go', 'aria-describedby')).toBe('go-why');
    await compile(page);
    expect(await page.locator('#go-why').isVisible()).toBe(false);

    // A small model on its own has one thread, however many cores there are.
    expect(await text(page, 'threads')).toContain('auto (1)');
    expect(await text(page, 'threads-said')).toBe('1 thread · isolated');
    expect(await page.locator('#place-why').textContent()).toMatch(
      /By itself this model gets 1: a step .* too little to share/,
    );

    await trainTo(page, 1000);
    await page.selectOption('#preset', 'layer-norm');
    expect(await rate(page)).toBe('0.1');
    expect(await text(page, 'compiled')).toMatch(/its learning rate, 0.003, is set then/);
    expect(await text(page, 'go-why')).toMatch(/compile again to use your changes/);
    await expect.poll(() => number(page, 'dev'), PATIENCE).toBeLessThan(3);
    await pause(page);

    // ln 27, and the values under the cursor, by mouse and by keyboard.
    expect(await text(page, 'loss-legend')).toContain('uniform guess 3.2958');
    const tip = page.locator('#chart-loss + .tip');
    await page.hover('#chart-loss', { position: { x: 200, y: 60 } });
    await expect.poll(() => tip.innerText(), PATIENCE).toMatch(/^step [\d,]+ · training \d\.\d{4}/);
    await page.mouse.move(0, 0);
    await page.focus('#chart-loss');
    await page.keyboard.press('End');
    await expect
      .poll(() => tip.innerText(), PATIENCE)
      .toMatch(/^step [\d,]+ · training \d\.\d{4} · unseen words \d\.\d{4}$/);
    await page.keyboard.press('Escape');
    expect(await tip.isVisible()).toBe(false);

    await page.click('#restart');
    await expect.poll(() => text(page, 'at'), PATIENCE).toBe('0');
    expect(await text(page, 'running')).toBe('ready');
    await trainTo(page, 10);
    await pause(page);
  });

  it('gives a model threads by what a step costs, and leaves a core to the page', () => {
    const threads = (stepMs: number, cores: number) => chooseThreads(stepMs, cores).threads;
    expect([threads(0.1, 16), threads(0.9, 16), threads(9, 1), threads(9, 2)]).toEqual([1, 1, 1, 1]);
    expect([threads(1, 16), threads(9, 4), threads(1.6, 16), threads(1000, 64)]).toEqual([2, 3, 3, 8]);
    expect(chooseThreads(9, 4).why).toBe(
      'a step of this model is about 9 ms of work, and one of 4 cores is left to the page',
    );
  });

  it('writes figures that fit: long ones shorter, large ones as powers of ten', () => {
    const counts = [0, 12_345.4, 99_999_999, 1_234_567_890, 1e15, Number.NaN].map(count);
    expect(counts).toEqual(['0', '12,345', '99,999,999', '1,234.57M', '1.00e+15', '–']);
    const losses = [0, 2.5, 1e-7, 12_345.6789, 3.4e38, -1e30, Number.POSITIVE_INFINITY].map(digits);
    expect(losses).toEqual(['0.0000', '2.5000', '1.00e-7', '12345.68', '3.40e+38', '-1.00e+30', '–']);
  });

  it('keeps source, words, rate and threads over a reload, and forgets them when asked', async ({ page }) => {
    await open(page, site);
    await paste(page, 'const hidden = 200;', 'const hidden = 12;');
    await page.click('.words summary');
    await page.fill('#words', 'ada\nbob\ncyd');
    await page.click('#words-use');
    await page.fill('#rate', '0.25');
    await page.selectOption('#threads', '2');
    await page.reload();
    await expect.poll(() => text(page, 'words-said'), PATIENCE).toBe('3 of your own');
    expect(await page.innerText('#editor')).toContain('const hidden = 12;');
    expect(await rate(page)).toBe('0.25');
    expect(await page.inputValue('#threads')).toBe('2');
    // Nobody's code runs before it is asked for.
    expect(await text(page, 'running')).toBe('not started');
    await page.click('#reset');
    await page.reload();
    await expect.poll(() => text(page, 'words-said'), PATIENCE).toBe('8,403 English first names');
    expect(await page.innerText('#editor')).toContain('const hidden = 200;');
    expect(await rate(page)).toBe('0.1');
    expect(await page.inputValue('#threads')).toBe('auto');
  });

  it('works where the browser keeps nothing', async ({ browser }) => {
    const context = await browser.newContext({ serviceWorkers: 'block' });
    onTestFinished(() => context.close());
    const problems: string[] = [];
    context.on('weberror', (error) => problems.push(String(error.error())));
    await context.addInitScript(() => {
      const refuse = () => {
        throw new DOMException('forbidden', 'SecurityError');
      };
      for (const name of ['localStorage', 'sessionStorage', 'indexedDB', 'caches'])
        Object.defineProperty(globalThis, name, { get: refuse, configurable: true });
    });
    const page = await context.newPage();
    await page.goto(site.server.url);
    await expect.poll(() => text(page, 'words-said'), PATIENCE).toBe('8,403 English first names');
    await page.click('#theme');
    await page.click('#reset');
    await compile(page);
    await trainTo(page, 100);
    expect(problems).toEqual([]);
  });

  it('shows an error wherever one is, and takes no list that would stop the tab', async ({ page }) => {
    await page.setViewportSize({ width: 390, height: 844 });
    await open(page, site);
    await paste(
      page,
      'const batch = 32;',
      `const batch = 32; throw new Error('${'long '.repeat(60)}');\n${'//\n'.repeat(80)}`,
    );
    await page.keyboard.press('Control+Enter');
    await expect.poll(() => text(page, 'alert'), PATIENCE).toMatch(/^Error: long .*model\.ts:8/);
    expect(await inSight(page, '#alert')).toBe(true);
    await page.evaluate(() => scrollTo(0, document.body.scrollHeight));
    await expect.poll(() => inSight(page, '#alert'), PATIENCE).toBe(true);
    await page.click('#alert button');
    expect(await page.locator('#alert').isVisible()).toBe(false);

    await page.click('.words summary');
    const began = performance.now();
    await page.evaluate(() => {
      const files = new DataTransfer();
      files.items.add(new File([new Uint8Array(50 << 20).fill(97)], 'big.txt'));
      const input = document.querySelector<HTMLInputElement>('#words-file')!;
      input.files = files.files;
      input.dispatchEvent(new Event('change'));
    });
    await expect
      .poll(() => text(page, 'alert'), PATIENCE)
      .toBe('big.txt has 50.0 MiB, and 2.0 MiB is the most that is taken here: give a part of it\nDismiss');
    expect(performance.now() - began).toBeLessThan(10_000);
    expect(await text(page, 'words-said')).toBe('8,403 English first names');
  });

  it('fits from a small phone to a wall, with the longest figures', async ({ page }) => {
    await open(page, site);
    for (const width of [320, 390, 768, 1280, 3840]) {
      await page.setViewportSize({ width, height: 800 });
      const cut = await page.evaluate(() => {
        const figures = { at: '99,999,999', loss: '-1.23e+30', dev: '12345.68', speed: '1,234.57M' };
        return Object.entries(figures).flatMap(([id, figure]) => {
          const place = document.getElementById(id)!;
          place.textContent = figure;
          return place.scrollWidth > place.clientWidth
            ? [`${id} ${place.scrollWidth} > ${place.clientWidth}`]
            : [];
        });
      });
      expect(cut, `${width}`).toEqual([]);
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(width);
    }
  });
});
