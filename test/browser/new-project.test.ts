import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { it } from './browser.js';
import { ROOT } from './bundle.js';

// The page of a project that `2headgrad new` writes, built as its user builds it. That the project stands by itself is tested in
// test/package.

const FOLDER = join(ROOT, 'build/browser/new');
const project = (...parts: string[]) => join(FOLDER, 'spirals', ...parts);
const node = (cwd: string, ...args: string[]) => execFileSync(process.execPath, args, { cwd });

beforeAll(() => {
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(join(FOLDER, 'node_modules'), { recursive: true });
  symlinkSync(ROOT, join(FOLDER, 'node_modules/2headgrad'), 'junction');
  node(FOLDER, join(ROOT, 'dist/cli/main.js'), 'new', 'spirals');
  node(project(), join(ROOT, 'node_modules/tsx/dist/cli.mjs'), 'src/train.ts');
  node(project(), join(ROOT, 'node_modules/vite/bin/vite.js'), 'build', '--logLevel', 'error');
});
afterAll(() => rmSync(FOLDER, { recursive: true, force: true }));

describe('the page of a new project', () => {
  it('says that its model is not trained, until it is, and then what it takes each point for', async ({
    page,
    problems,
    serve,
  }) => {
    const status = (text: string | RegExp) =>
      expect.poll(() => page.textContent('#status'), { timeout: 30_000 }).toMatch(text);
    const before = await serve(project('dist'), { missing: /safetensors/ });
    await page.goto(before.url);
    await status(/^Not trained yet: npm run train/);
    problems.take(/404/);

    const after = await serve(project('dist'));
    await page.goto(after.url);
    await status('Point at the picture.');
    expect(await page.title()).toBe('spirals');
    // On the first arm, half way out.
    const angle = 4 * 0.5;
    const { width, height } = (await page.locator('#plane').boundingBox())!;
    const at = (x: number) => (x / 1.2 + 1) / 2;
    const position = { x: at(0.5 * Math.cos(angle)) * width, y: at(-0.5 * Math.sin(angle)) * height };
    await page.hover('#plane', { position });
    await status(/^Arm 1, 2, 3: (100|9\d|8\d) %, /);
    await page.screenshot({ path: join(ROOT, 'build/screenshots/new-project.png') });
  });
});
