// Models of texts and of digits: what they show of themselves while they train, and that none of it becomes code.
import { execFileSync } from 'node:child_process';
import type { Page } from 'playwright-core';
import { describe, expect } from 'vitest';
import { packDigits, unpackDigits } from '../../examples/playground/src/digits-file.js';
import { shownOf } from '../../examples/playground/src/sealed/shown.js';
import { it } from './browser.js';
import {
  compile,
  downloaded,
  number,
  open,
  PATIENCE,
  pasteSource,
  pause,
  playground,
  SOURCE,
  shot,
  sourceOf,
  text,
  trainTo,
  unpacked,
} from './playground.js';

const site = playground('playground-kinds');

/** Small, so that it compiles and trains at once. */
const SMALL_GPT = sourceOf('gpt')
  .replace('const context = 64;', 'const context = 16;')
  .replace('const looked = 32;', 'const looked = 16;')
  .replace('width: 64, heads: 4', 'width: 16, heads: 2');
/** Whoever takes it for markup loads an image, and says so. */
const MARKUP = `<img src=x onerror="document.title='bad'"><script>document.title='bad'</script>`;

/** Waits until something is another one than before `act`. */
async function changes(read: () => Promise<string>, act: () => Promise<void>): Promise<void> {
  const before = await read();
  await act();
  await expect.poll(read, PATIENCE).not.toBe(before);
}

async function draw(page: Page, points: [x: number, y: number][]): Promise<void> {
  await page.locator('#pad').scrollIntoViewIfNeeded();
  const { x, y, width, height } = (await page.locator('#pad').boundingBox())!;
  for (const [i, [left, top]] of points.entries()) {
    await page.mouse.move(x + left * width, y + top * height, { steps: 4 });
    if (i === 0) await page.mouse.down();
  }
  await page.mouse.up();
}

/** The rate that the finder suggests, taken. */
async function findRate(page: Page): Promise<number> {
  await page.click('#find');
  expect(await text(page, 'find')).toBe('Stop');
  await expect.poll(() => page.locator('#finder-use').isVisible(), PATIENCE).toBe(true);
  expect(await text(page, 'find')).toBe('Find a rate');
  await page.click('#finder-use');
  return Number(await page.inputValue('#rate'));
}

describe('a model of a text', () => {
  it('goes on from a prompt as it learns, and shows what it looks at', async ({ page }) => {
    await open(page, site);
    await page.selectOption('#preset', 'gpt');
    await expect.poll(() => text(page, 'text-said'), PATIENCE).toBe('163,739 characters of Lincoln');
    expect(await page.inputValue('#rate')).toBe('0.003');
    expect(await page.locator('.words').isVisible()).toBe(false);
    // A model of words is told what it is to be here.
    await pasteSource(page, SOURCE);
    await page.click('#compile');
    await expect
      .poll(() => text(page, 'alert'), PATIENCE)
      .toMatch(/y: i32\(batch, context\) }: it is trained on a text, .* y i32\[32\]/);

    await page.click('.text summary');
    await page.fill('#text', `${MARKUP} the cat sat on the mat.\n`.repeat(12));
    await page.click('#text-use');
    expect(await text(page, 'text-said')).toBe('1,248 characters of your own');
    await pasteSource(page, SMALL_GPT);
    await compile(page);
    // What has learnt nothing shows what it is too: a uniform guess of 27 characters.
    await expect.poll(() => page.locator('#maps canvas').count(), PATIENCE).toBe(2);
    // Which has not all characters of the page's own prompt.
    expect(await page.inputValue('#prompt')).toBe('<img src=x onerror="docu');
    expect(await page.inputValue('#line')).toBe('<img src=x onerr');
    expect(await text(page, 'loss-name')).toBe('Bits a character');
    expect(await text(page, 'loss-legend')).toMatch(/uniform guess 4\.\d+/);
    await page.fill('#prompt', `the ${MARKUP}`);
    await page.fill('#line', 'the cat <img>');
    await expect.poll(() => text(page, 'writing'), PATIENCE).toMatch(/^the <img/);
    const untrained = await text(page, 'writing');
    const look = () => page.locator('#maps canvas').first().getAttribute('aria-label');
    await expect.poll(look, PATIENCE).toMatch(/^head 1: “>” at place 13 /);
    const uniform = await look();
    await trainTo(page, 60);
    await expect.poll(() => number(page, 'dev'), PATIENCE).toBeLessThan(4.5);
    await expect.poll(() => text(page, 'writing'), PATIENCE).not.toBe(untrained);
    expect(await page.locator('#writing b').innerText()).toBe(`the ${MARKUP}`);
    await expect.poll(look, PATIENCE).not.toBe(uniform);
    await pause(page);

    await page.selectOption('#layer', '2');
    await page.selectOption('#head', '2');
    expect(await page.locator('#maps canvas').count()).toBe(1);
    const map = page.locator('#maps canvas');
    expect(await map.getAttribute('aria-label')).toMatch(/^head 2: “>” at place 13 looks most at .* \d+ %$/);
    await map.press('Home');
    expect(await text(page, 'looked-said')).toBe(
      'From “t” at place 1 this head looks most at “t” at place 1, 100 %.',
    );
    await map.hover({ position: { x: 60, y: 100 } });
    expect(await map.getAttribute('aria-label')).not.toMatch(/“t” at place 1 /);
    expect(await page.locator('#looked span').count()).toBe(13);

    // The likeliest is taken: always the same, whatever else is asked.
    for (const temperature of ['2', '0'])
      await changes(
        () => text(page, 'writing'),
        () => page.fill('#temperature', temperature),
      );
    const likeliest = await text(page, 'writing');
    await page.fill('#line', 'ą');
    await expect.poll(() => text(page, 'line-said'), PATIENCE).toMatch(/does not know "ą" \(U\+0105\)/);
    expect(await text(page, 'writing')).toBe(likeliest);
    await page.fill('#line', '');
    expect(await page.locator('#line-said').isVisible()).toBe(false);
    expect(await text(page, 'looked-said')).toBe('Write a line to look at.');
    await page.fill('#prompt', 'że');
    await expect.poll(() => text(page, 'writing-said'), PATIENCE).toMatch(/does not know "ż"/);
    await page.fill('#prompt', '');
    await expect.poll(() => page.locator('#writing-said').isVisible(), PATIENCE).toBe(false);
    await shot(page, 'text');

    const found = await findRate(page);
    expect(found).toBeGreaterThan(1e-3);
    expect(found).toBeLessThan(0.5);

    const { name, bytes } = await downloaded(page, '#download');
    expect(name).toBe('text.zip');
    const run = { cwd: unpacked(bytes), encoding: 'utf8' } as const;
    const written = execFileSync(process.execPath, ['write.mjs', 'the cat'], run);
    expect(written.startsWith('the cat')).toBe(true);
    expect(Array.from(written)).toHaveLength(7 + 400 + 1);

    // Nothing of text, prompt or line has become anything but text.
    expect(await page.locator('main :is(img, script, iframe)').count()).toBe(0);
    expect(await page.title()).toBe('2headgrad playground');
    await page.setViewportSize({ width: 320, height: 700 });
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(320);
  });
});

describe('a model of digits', () => {
  it('says what it takes a drawing for, as it learns', async ({ page }) => {
    await open(page, site);
    await page.selectOption('#preset', 'lenet');
    await expect.poll(() => text(page, 'digits-said'), PATIENCE).toBe('4,000 to train on, 1,000 held out');
    await compile(page);
    await draw(page, [
      [0.3, 0.2],
      [0.7, 0.2],
      [0.45, 0.85],
    ]);
    const bars = () => page.locator('#probabilities .share').allInnerTexts();
    // Before it has learnt anything, all are about as likely.
    await expect
      .poll(async () => Math.max(...(await bars()).map(Number.parseFloat)), PATIENCE)
      .toBeLessThan(20);
    const untrained = await bars();
    await trainTo(page, 150);
    await expect.poll(bars, PATIENCE).not.toEqual(untrained);
    await expect.poll(async () => Number.parseFloat(await text(page, 'dev')), PATIENCE).toBeGreaterThan(60);
    expect(await text(page, 'dev')).toMatch(/^\d+\.\d %$/);
    await expect.poll(() => page.locator('.probabilities .best b').innerText(), PATIENCE).toBe('7');
    const shares = (await bars()).map(Number.parseFloat);
    expect(shares.reduce((a, b) => a + b)).toBeCloseTo(100, 0);
    await expect.poll(() => page.locator('#wrong li').count(), PATIENCE).toBeGreaterThan(0);
    await pause(page);
    await shot(page, 'digits');

    await page.locator('#wrong button').first().click();
    const [, index] =
      /^Held-out digit (\d+): somebody wrote a \d\.$/.exec(await text(page, 'pad-said')) ?? [];
    expect(Number(index)).toBeGreaterThan(0);
    const said = Number((await page.locator('#wrong li').first().innerText()).at(-1));
    await expect.poll(() => page.locator('.probabilities .best b').innerText(), PATIENCE).toBe(String(said));
    await page.click('#pad-clear');
    await expect.poll(async () => (await bars()).join(''), PATIENCE).toBe('–'.repeat(10));
    // By keyboard: a stroke downwards is a one.
    await page.focus('#pad');
    await page.keyboard.press(' ');
    for (let i = 0; i < 12; i++) await page.keyboard.press('ArrowDown');
    await expect.poll(() => page.locator('.probabilities .best b').innerText(), PATIENCE).toBe('1');

    const { name, bytes } = await downloaded(page, '#download');
    expect(name).toBe('digits.zip');
    const run = { cwd: unpacked(bytes), encoding: 'utf8' } as const;
    const judged = execFileSync(process.execPath, ['classify.mjs'], run).trim().split('\n');
    expect(judged).toHaveLength(10);
    expect(Number(judged[7].split(' ')[1])).toBeGreaterThan(0.5);
    await page.setViewportSize({ width: 320, height: 700 });
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(320);
  });

  it('is given a rate by the finder, which can be stopped; a training that waited for it goes on', async ({
    page,
  }) => {
    await open(page, site);
    await page.selectOption('#preset', 'lenet');
    await pasteSource(page, sourceOf('lenet').replace('const batch = 32;', 'const batch = 4;'));
    await compile(page);
    await trainTo(page, 20);
    await page.click('#find');
    await expect.poll(() => text(page, 'finder-said'), PATIENCE).toMatch(/^Short trainings .*: \d+$/);
    expect(await text(page, 'running')).toBe('paused');
    await page.click('#find');
    await expect.poll(() => text(page, 'running'), PATIENCE).toBe('training');
    expect(await text(page, 'find')).toBe('Find a rate');
    expect(await page.locator('#finder').isVisible()).toBe(false);
    expect(await page.locator('#alert').isVisible()).toBe(false);
    await pause(page);
    const found = await findRate(page);
    expect(found).toBeGreaterThan(1e-5);
    expect(found).toBeLessThan(0.05);
    expect(await text(page, 'running')).toBe('paused');
  });

  it('has its digits in a file that is whole or refused', () => {
    const images = (count: number, first: number) => ({
      x: Float32Array.from({ length: count * 784 }, (_, i) => (i % 256) / 255),
      y: Int32Array.from({ length: count }, (_, i) => (first + i) % 10),
    });
    const bytes = packDigits(images(4001, 0), images(1001, 3));
    const { pixels, labels, heldOut } = unpackDigits(bytes);
    expect([labels.length, heldOut, labels[4], labels[4000]]).toEqual([5000, 1000, 4, 3]);
    expect(Array.from(pixels.subarray(784, 788))).toEqual([16, 17, 18, 19]);
    expect(() => unpackDigits(bytes.subarray(1))).toThrow('the digits are damaged or cut short');
  });
});

describe('what a model shows', () => {
  it('is numbers and text of limited length, whatever it sends', () => {
    const long = 'x'.repeat(100_000);
    const shown = shownOf({
      samples: Array(500).fill(long),
      writing: long,
      mapsTrouble: long,
      accuracy: '12 %',
      saturation: 'x',
      probabilities: new Float32Array([Number.NaN, -1, 7, 0.5, 0, 0, 0, 0, 0, 0]),
      wrong: [{ index: -3, said: 99 }, null, { index: 'x', said: '<b>' }],
      maps: {
        layers: 1,
        heads: 1,
        characters: ['a', long],
        weights: new Float32Array([1, 2, -1, Number.NaN]),
      },
      more: long,
    });
    expect(shown.samples).toHaveLength(12);
    expect(JSON.stringify(shown).length).toBeLessThan(5000);
    expect(Array.from(shown.probabilities!)).toEqual([0, 0, 1, 0.5, 0, 0, 0, 0, 0, 0]);
    expect(shown.accuracy).toBe(0);
    expect(shown.saturation).toBeNaN();
    expect(shown.wrong).toEqual([
      { index: 0, said: 9 },
      { index: 0, said: 0 },
      { index: 0, said: 0 },
    ]);
    expect(Array.from(shown.maps!.weights)).toEqual([1, 1, 0, 0]);
    expect(shown).not.toHaveProperty('more');
    const maps = { layers: 1, heads: 2, characters: ['a'], weights: new Float32Array(2) };
    expect(shownOf({ maps }).maps).toEqual(maps);
    for (const wrong of [
      { layers: 1e9 },
      { heads: 0 },
      { layers: '1' },
      { characters: [] },
      { characters: 'a' },
      { weights: [0, 0] },
      { weights: new Float32Array(3) },
    ])
      expect(shownOf({ maps: { ...maps, ...wrong } })).toEqual({});
    for (const nothing of [null, undefined, 3, 'x', { maps: null, probabilities: new Float32Array(11) }])
      expect(shownOf(nothing)).toEqual({});
  });
});
