import { parseHTML } from 'linkedom';
import { expect, test } from 'vitest';
import { DataError } from '../../src/errors.js';
import { dotToSvg } from '../../src/report/graphviz.js';
import { lossCurve } from '../../src/report/loss-curve.js';
import { reportPage } from '../../src/report/page.js';

test('a page has its title, summary and sections in order', () => {
  const page = reportPage({
    title: 'Names',
    summary: [['dev loss', '2.20']],
    sections: [
      { heading: 'One', html: '<p id="own">hello</p>' },
      { heading: 'Two', pre: '  a < b\n  c' },
      { heading: 'Three', list: ['x', 'y'] },
    ],
  });
  const { document } = parseHTML(page);
  expect(page).toMatch(/^<!doctype html>/);
  expect(document.querySelector('title')!.textContent).toBe('Names');
  expect(document.querySelector('dl')!.textContent.trim()).toBe('dev loss2.20');
  expect([...document.querySelectorAll('h2')].map((h) => h.textContent)).toEqual(['One', 'Two', 'Three']);
  expect(document.querySelector('#own')!.textContent).toBe('hello');
  expect(document.querySelector('pre')!.textContent).toBe('  a < b\n  c');
  expect([...document.querySelectorAll('li')].map((li) => li.textContent)).toEqual(['x', 'y']);
});

test('text from users is never markup', () => {
  const bad = '<script>alert("1")</script>&\u0000';
  const page = reportPage({
    title: bad,
    summary: [[bad, bad]],
    sections: [
      { heading: bad, pre: bad },
      { heading: bad, list: [bad] },
    ],
  });
  expect(page).not.toContain('<script');
  expect(page).not.toContain('\u0000');
  expect(parseHTML(page).document.querySelector('li')!.textContent).toBe(bad.replace('\u0000', '\ufffd'));
});

test('a page asks for nothing from elsewhere, and knows dark screens and phones', async () => {
  const page = reportPage({
    title: 'Names',
    summary: [],
    sections: [
      {
        heading: 'Loss',
        svg: lossCurve({ title: 'L', steps: [1, 2], losses: [3, 2], baseline: { value: 2, label: 'b' } }),
      },
      { heading: 'Graph', svg: await dotToSvg('digraph { a -> b }') },
    ],
  });
  expect(page.replaceAll(/xmlns(:xlink)?="[^"]*"/g, '')).not.toMatch(/https?:|src=|href=|@import|url\(/);
  expect(page).toContain("default-src 'none'");
  expect(page).toContain('prefers-color-scheme: dark');
  expect(page).toContain('width=device-width');
  expect(page).not.toMatch(/<\?xml|<!DOCTYPE svg/);
});

test('a drawing keeps its size on a wide screen and at least half of it on a narrow one', () => {
  const section = (svg: string) => reportPage({ title: 't', summary: [], sections: [{ heading: 'h', svg }] });
  expect(section('<?xml version="1.0"?>\n<svg width="100px" height="9"></svg>')).toContain(
    'min-width:53px;max-width:100px',
  );
  expect(section('<svg width="75pt" height="9"></svg>')).toContain('min-width:53px;max-width:100px');
  expect(section('<svg viewBox="0 0 1 1"></svg>')).toContain('><svg viewBox="0 0 1 1"></svg><');
});

test('DOT becomes an SVG without XML declaration or document type', async () => {
  const svg = await dotToSvg('digraph { a [label="x: f32[2] <&>"]; a -> b }');
  expect(svg).toMatch(/^<svg [\s\S]*<\/svg>$/);
  expect(svg).toContain('xmlns="http://www.w3.org/2000/svg"');
  expect(svg).toContain('x: f32[2] &lt;&amp;&gt;');
});

test('DOT that is wrong or empty is refused in one line, and the next graph is drawn', async () => {
  for (const dot of ['digraph { a -> ', 'hello', '', '  ']) {
    const error = await dotToSvg(dot).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(DataError);
    expect((error as Error).message).toMatch(/^the graph cannot be drawn, [^\n]+$/);
  }
  expect(await dotToSvg('graph { a -- b }')).toContain('<svg');
});
