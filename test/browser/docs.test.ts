import { readFileSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { describe, expect } from 'vitest';
import { it } from './browser.js';
import { ROOT } from './bundle.js';
import { open, PATIENCE, playground, shot, text } from './playground.js';

// A program of the docs opens in the playground, with a link that carries it.

const site = playground();
const encoded = (code: string) => Buffer.from(code).toString('base64url');

const PROGRAM = `import { f32, meanSquaredError, nn, optim, trainStep } from '2headgrad';

const step = trainStep({
  model: nn.linear(1, 1),
  batch: { x: f32(4, 1), y: f32(4, 1) },
  loss: (model, { x, y }) => meanSquaredError(model(x), y),
  optimizer: optim.sgd(),
});
const session = await step.compile({ seed: 42 });
session.data({ x: [-2, -1, 1, 2], y: [-6, -3, 3, 6] });
const { loss }: { loss: number } = (await session.run({ steps: 200, lr: 0.1 }))!;
console.log('the slope is', Math.round(session.read('weight')[0]), loss < 1e-6, [1, 2]);
`;

/** As if the link of a page had been followed. */
async function follow(page: Page, code: string): Promise<void> {
  await page.goto(`${site.server.url}#code=${code}`);
}
const source = (page: Page) => page.locator('#editor .cm-content').innerText();

describe('a program in a link to the playground', () => {
  it('stands in the editor, runs when its button is pressed and no sooner, and says what it prints', async ({
    page,
  }) => {
    await open(page, site);
    const before = site.server.requests.length;
    await follow(page, encoded(PROGRAM));
    await expect.poll(() => source(page), PATIENCE).toContain('nn.linear(1, 1)');
    expect(await text(page, 'program-said')).toBe('This program came with a link. Nothing of it has run.');
    expect(
      await page
        .locator('#model-foot, #train')
        .evaluateAll((all) => all.map((e) => (e as HTMLElement).hidden)),
    ).toEqual([true, true]);
    await page.waitForTimeout(300);
    expect(await page.locator('#printed').textContent()).toBe('');
    expect(site.server.requests.slice(before).join(' ')).not.toMatch(/binaryen/);

    await page.click('#run');
    await expect.poll(() => text(page, 'program-said'), PATIENCE).toBe('It has ended.');
    expect(await page.locator('#printed').textContent()).toBe('the slope is 3 true [ 1, 2 ]\n');
    await shot(page, 'program');
  });

  it('leaves what the visitor has written as it is, and goes when a model is chosen', async ({ page }) => {
    await open(page, site);
    await page.click('#editor .cm-content');
    await page.keyboard.press('Control+Home');
    await page.keyboard.insertText('// mine');
    await page.waitForTimeout(600);
    await follow(page, encoded('console.log(1);'));
    await expect.poll(() => source(page), PATIENCE).toContain('console.log(1);');
    await page.evaluate(() => {
      location.hash = '';
    });
    await page.reload();
    await expect.poll(() => source(page), PATIENCE).toContain('// mine');

    await follow(page, encoded('console.log(2);'));
    await expect.poll(() => source(page), PATIENCE).toContain('console.log(2);');
    await page.selectOption('#preset', 'lenet');
    await expect.poll(() => source(page), PATIENCE).toContain('lenet');
    expect(new URL(page.url()).hash).toBe('');
    expect(await page.locator('#program').isHidden()).toBe(true);
    expect(await page.locator('#train').isVisible()).toBe(true);
  });

  it('shows an error at its line, ends what never ends, and reaches nothing', async ({ page }) => {
    await open(page, site);
    await follow(page, encoded("const a = 1;\nthrow new Error('no ' + a);\n"));
    await page.click('#run');
    await expect
      .poll(() => page.locator('#alert .message').innerText(), PATIENCE)
      .toContain('no 1 (model.ts:2)');

    await follow(
      page,
      encoded("try {\n  await fetch('/names.txt');\n} catch {\n  console.log('shut in');\n}\nfor (;;);"),
    );
    await page.click('#run');
    await expect.poll(() => page.locator('#run').innerText(), PATIENCE).toBe('Stop');
    await expect.poll(() => page.locator('#printed').textContent(), PATIENCE).toBe('shut in\n');
    await page.click('#run');
    await expect.poll(() => text(page, 'program-said'), PATIENCE).toBe('It was stopped.');
    expect(await page.locator('#run').innerText()).toBe('Run');
  });

  it('is not taken from what is no code', async ({ page }) => {
    for (const wrong of ['%%%', '_w', 'A'.repeat(70_000), '']) {
      await open(page, site);
      await follow(page, wrong);
      await expect.poll(() => source(page), PATIENCE).toContain('export default');
      expect(await page.locator('#program').isHidden()).toBe(true);
    }
  });
});

describe('the docs site', () => {
  it('has a link under code with a model, which carries all that the block builds on', async ({ page }) => {
    await page.route('http://docs.test/**', (route) =>
      route.fulfill({
        contentType: 'text/html; charset=utf-8',
        body: `<!doctype html><html data-base="../"><link rel="icon" href="data:,"><div id="tsd-toolbar-links"></div>
          <pre><code class="ts">import { trainStep } from '2headgrad'; // é<br></code></pre>
          <pre><code class="sh">npm install</code></pre>
          <pre><code class="ts">const step = trainStep({});</code></pre>
          <pre><code class="ts">await session.save('a.safetensors');</code></pre>`,
      }),
    );
    const links = async (address: string) => {
      await page.goto(address);
      await page.addScriptTag({ content: readFileSync(`${ROOT}docs/site.js`, 'utf8') });
      return page.locator('a').evaluateAll((all) => all.map((a) => (a as HTMLAnchorElement).href));
    };
    const code = "import { trainStep } from '2headgrad'; // é\n\nconst step = trainStep({});";
    expect(await links('http://docs.test/documents/page.html')).toEqual([
      'http://docs.test/playground/index.html',
      `http://docs.test/playground/index.html#code=${encoded(code)}`,
    ]);
    // There each block stands alone, and one without its imports is no program.
    expect(await links('http://docs.test/functions/page.html')).toEqual([
      'http://docs.test/playground/index.html',
    ]);
  });
});
