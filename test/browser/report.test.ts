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

const parts = (color: string) => color.match(/[\d.]+/g)!.map(Number);

/** Of a color in sRGB, and how much two of them stand apart (WCAG 2, relative luminance and contrast ratio). */
function luminance(color: readonly number[]): number {
  const [r, g, b] = color.map((c) => (c <= 10 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a: readonly number[], b: readonly number[]): number {
  const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
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
    it(`can be read on a phone, on a desk and on a dark screen: ${name}`, async ({ page }) => {
      await page.setContent(made[name]);
      for (const width of [360, 1100]) {
        await page.setViewportSize({ width, height: 800 });
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
      }
      await page.emulateMedia({ colorScheme: 'dark' });
      const found = await page.evaluate(() =>
        [...document.querySelectorAll('.figure')].map((figure) => {
          const svg = figure.querySelector('svg')!;
          // Text beside what is drawn; what stands in a square or in a box of a graph has that behind it.
          const texts = [...svg.querySelectorAll('text')].filter(
            (text) => !text.closest('.node, [aria-label="text"]'),
          );
          return {
            about: figure.getAttribute('aria-label')!,
            paper: getComputedStyle(figure).backgroundColor,
            own: getComputedStyle(svg).backgroundColor,
            inks: texts.map((text) => getComputedStyle(text).fill),
          };
        }),
      );
      expect(found.length).toBeGreaterThan(1);
      for (const { about, paper, own, inks } of found) {
        for (const ink of inks) expect(contrast(parts(ink), parts(paper)), about).toBeGreaterThan(4.5);
        // A drawing in colors of its own keeps the paper that it was made for.
        if (about === 'A graph in other colors') expect(paper).toBe('rgb(255, 255, 255)');
        else {
          expect(luminance(parts(paper)), about).toBeLessThan(0.05);
          expect(own, about).toBe('rgba(0, 0, 0, 0)');
        }
      }
      await page.screenshot({ path: `${SHOTS}report-${name}-dark.png`, fullPage: true });
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

  it('have text in boxes and squares that stands out on a dark screen', async ({ page }) => {
    for (const name of ['graphs', 'matrices']) {
      await show(page, name, 1100, 'dark');
      const found = await page.evaluate(() =>
        [...document.querySelectorAll('.twin .node text, .twin [aria-label="text"] text')].map((text) => {
          const figure = text.closest('.figure')!;
          const box = text.getBoundingClientRect();
          const [x, y] = [(box.left + box.right) / 2, (box.top + box.bottom) / 2];
          const square = [...figure.querySelectorAll('rect')].find((rect) => {
            const at = rect.getBoundingClientRect();
            return at.left <= x && x <= at.right && at.top <= y && y <= at.bottom;
          });
          const under = text.closest('.node')?.querySelector('[fill]:not([fill="none"], text)') ?? square;
          return {
            ink: getComputedStyle(text).fill,
            paper: getComputedStyle(figure).backgroundColor,
            over: under && getComputedStyle(under).fill,
            share: under ? Number(getComputedStyle(under).fillOpacity) : 0,
          };
        }),
      );
      expect(found.length).toBeGreaterThan(20);
      for (const { ink, paper, over, share } of found) {
        const behind = parts(paper).map((c, i) => c + share * (parts(over ?? paper)[i] - c));
        expect(contrast(parts(ink), behind)).toBeGreaterThan(3);
      }
    }
  });

  it('show a large graph so that it can be read, as a whole, or larger, without a script', async ({
    page,
  }) => {
    for (const width of [1100, 360]) {
      await show(page, 'graphs', width);
      const section = page.locator('section').first();
      const box = async () => {
        const [figure, svg] = [section.locator('.figure'), section.locator('svg')];
        return { figure: (await figure.boundingBox())!, svg: (await svg.boundingBox())! };
      };
      const readable = await box();
      expect(readable.svg.height).toBeLessThanOrEqual(readable.figure.height);
      await section.getByLabel('Whole').check();
      const whole = await box();
      expect(whole.svg.height).toBeLessThanOrEqual(800);
      expect(whole.svg.width).toBeLessThanOrEqual(whole.figure.width);
      await section.getByLabel('Large').check();
      const large = await box();
      expect(large.svg.width).toBeGreaterThan(1.9 * readable.svg.width);
      expect(large.figure.height).toBeLessThanOrEqual(800);
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width);
    }
  });
});
