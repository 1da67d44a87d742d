import { mkdirSync } from 'node:fs';
import type { Page } from 'playwright-core';
import { beforeAll, describe, expect } from 'vitest';
import { it } from './browser.js';
import { ROOT } from './bundle.js';
import { pages } from './report-pages.js';

// What readers see of a report: no label on another one, none cut off, no heading twice, a graph as a whole, and a
// page that is dark where the screen is.

const SHOTS = `${ROOT}build/screenshots/`;
const NAMES = ['diagnostics', 'long', 'curves', 'matrices', 'graphs'];
let made: Record<string, string>;

beforeAll(async () => {
  mkdirSync(SHOTS, { recursive: true });
  made = await pages();
});

async function show(page: Page, name: string, width: number, colorScheme: 'light' | 'dark' = 'light') {
  await page.setViewportSize({ width, height: 800 });
  await page.emulateMedia({ colorScheme });
  await page.setContent(made[name]);
}

/** Pairs of texts that lie on each other in one drawing, and texts that leave it. */
const faultsOf = (page: Page) =>
  page.evaluate(() => {
    const faults: string[] = [];
    for (const svg of document.querySelectorAll('.figure svg')) {
      const frame = svg.getBoundingClientRect();
      // Digits and letters are less high than their line: what is a fifth of it apart is not touched.
      const boxes = [...svg.querySelectorAll('text')].flatMap((text) => {
        const parts = text.querySelector('tspan') ? [...text.querySelectorAll('tspan')] : [text];
        return parts.map((part) => {
          const box = part.getBoundingClientRect();
          const line = box.height / 5;
          return {
            said: part.textContent,
            left: box.left,
            right: box.right,
            top: box.top + line,
            bottom: box.bottom - line,
          };
        });
      });
      const about = svg.getAttribute('aria-label');
      boxes.forEach((a, i) => {
        if (a.right <= a.left) return;
        if (a.left < frame.left - 1 || a.right > frame.right + 1 || a.bottom > frame.bottom + 1)
          faults.push(`${about}: ${a.said} is cut off`);
        for (const b of boxes.slice(i + 1))
          if (a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom)
            faults.push(`${about}: ${a.said} lies on ${b.said}`);
      });
    }
    return faults;
  });

describe('the pictures of a report', () => {
  for (const name of NAMES)
    it(`have labels that can be read and headings once, on a desk and on a phone: ${name}`, async ({
      page,
    }) => {
      for (const width of [1100, 360]) {
        await show(page, name, width);
        expect(await faultsOf(page)).toEqual([]);
        const wide = await page.evaluate(() => document.documentElement.scrollWidth);
        expect(wide).toBeLessThanOrEqual(width);
        const twice = await page.evaluate(() =>
          [...document.querySelectorAll('section')].flatMap((section) => {
            const heading = section.querySelector('h2')!.textContent!;
            const texts = [...section.querySelectorAll('svg text')].map((text) => text.textContent!);
            return texts.includes(heading) ? [heading] : [];
          }),
        );
        expect(twice).toEqual([]);
        await page.screenshot({ path: `${SHOTS}report-${name}-${width}.png`, fullPage: true });
      }
    });

  it('write the label of a line where nothing runs through it, the line itself neither', async ({ page }) => {
    await show(page, 'diagnostics', 1100);
    const struck = await page.evaluate(() =>
      [...document.querySelectorAll('.figure svg')].flatMap((svg) => {
        const note = [...svg.querySelectorAll('text')].find(
          (text) => text.textContent === 'about right: 1e-3',
        );
        const line = svg.querySelector('[aria-label="line"][stroke-dasharray]');
        if (!note || !line) return [];
        const [a, b] = [note.getBoundingClientRect(), line.getBoundingClientRect()];
        const descent = a.height / 5;
        return [a.top + descent < b.bottom && b.top < a.bottom - descent];
      }),
    );
    expect(struck).toEqual([false, false]);
  });

  for (const name of NAMES)
    it(`are dark where the screen is, with text that stands out: ${name}`, async ({ page }) => {
      await show(page, name, 1100, 'dark');
      const found = await page.evaluate(() => {
        const light = (color: string) => {
          const [r, g, b, a = 1] = color.match(/[\d.]+/g)!.map(Number);
          const [x, y, z] = [r, g, b].map((c) =>
            c / 255 <= 0.03928 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4,
          );
          return a === 0 ? null : 0.2126 * x + 0.7152 * y + 0.0722 * z;
        };
        return [...document.querySelectorAll('.figure')].map((figure) => {
          const svg = figure.querySelector('svg')!;
          const paper = light(getComputedStyle(figure).backgroundColor)!;
          const own = light(getComputedStyle(svg).backgroundColor);
          // Text beside what is drawn; what stands in a square or in a box of a graph has that behind it.
          const texts = [...svg.querySelectorAll('text')].filter(
            (text) => !text.closest('.node, [aria-label="text"]'),
          );
          const contrast = texts.map((text) => {
            const ink = light(getComputedStyle(text).fill)!;
            return (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
          });
          return {
            about: figure.getAttribute('aria-label'),
            paper,
            own,
            contrast: Math.min(21, ...contrast),
          };
        });
      });
      for (const { about, paper, own, contrast } of found) {
        expect(contrast, about!).toBeGreaterThan(4.5);
        // A drawing in colors of its own keeps the paper that it was made for.
        if (about === 'A graph in other colors') expect(paper).toBe(1);
        else {
          expect(paper, about!).toBeLessThan(0.05);
          expect(own, about!).toBe(null);
        }
      }
      await page.screenshot({ path: `${SHOTS}report-${name}-dark.png`, fullPage: true });
    });

  it('have text in boxes and squares that stands out on a dark screen', async ({ page }) => {
    for (const name of ['graphs', 'matrices']) {
      await show(page, name, 1100, 'dark');
      const least = await page.evaluate(() => {
        const parts = (color: string) => color.match(/[\d.]+/g)!.map(Number);
        const light = ([r, g, b]: number[]) => {
          const [x, y, z] = [r, g, b].map((c) =>
            c / 255 <= 0.03928 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4,
          );
          return 0.2126 * x + 0.7152 * y + 0.0722 * z;
        };
        const contrasts = [
          ...document.querySelectorAll('.twin .node text, .twin [aria-label="text"] text'),
        ].map((text) => {
          const figure = text.closest('.figure')!;
          const under = text.closest('.node')?.querySelector('[fill]:not([fill="none"], text)');
          const box = text.getBoundingClientRect();
          const [x, y] = [(box.left + box.right) / 2, (box.top + box.bottom) / 2];
          const square = [...figure.querySelectorAll('rect')].find((rect) => {
            const at = rect.getBoundingClientRect();
            return at.left <= x && x <= at.right && at.top <= y && y <= at.bottom && !rect.hasAttribute('rx');
          });
          const paper = parts(getComputedStyle(figure).backgroundColor);
          const style = under ?? square;
          const share = style ? Number(getComputedStyle(style).fillOpacity) : 0;
          const over = style ? parts(getComputedStyle(style).fill) : paper;
          const behind = light(paper.map((c, i) => c + share * (over[i] - c)));
          const ink = light(parts(getComputedStyle(text).fill));
          return (Math.max(ink, behind) + 0.05) / (Math.min(ink, behind) + 0.05);
        });
        return { count: contrasts.length, least: Math.min(...contrasts) };
      });
      expect(least.count).toBeGreaterThan(20);
      expect(least.least).toBeGreaterThan(3);
    }
  });

  it('show a large graph as wide as the page, as a whole, or twice its size, without a script', async ({
    page,
  }) => {
    for (const width of [1100, 360]) {
      await show(page, 'graphs', width);
      const section = page.locator('section').first();
      const box = async () => {
        const [figure, svg] = [section.locator('.figure'), section.locator('svg')];
        return { figure: (await figure.boundingBox())!, svg: (await svg.boundingBox())! };
      };
      const fitting = await box();
      expect(fitting.svg.height).toBeLessThanOrEqual(fitting.figure.height);
      await section.getByLabel('Whole').check();
      const whole = await box();
      expect(whole.svg.height).toBeLessThanOrEqual(800);
      expect(whole.svg.width).toBeLessThanOrEqual(whole.figure.width);
      await section.getByLabel('Twice its size').check();
      const twice = await box();
      expect(twice.svg.width).toBeGreaterThan(1.9 * fitting.svg.width);
      expect(twice.figure.height).toBeLessThanOrEqual(800);
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
    }
  });
});
