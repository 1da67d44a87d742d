import { parseHTML } from 'linkedom';
import { describe, expect, it, test } from 'vitest';
import { DataError } from '../../src/errors.js';
import { confusionChart } from '../../src/report/confusion.js';
import { dotToSvg } from '../../src/report/graphviz.js';
import { imageGrid } from '../../src/report/image-grid.js';
import { lossCurve } from '../../src/report/loss-curve.js';
import { reportPage } from '../../src/report/page.js';
import { tableHtml } from '../../src/report/table.js';

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

describe('a drawing on a page', () => {
  const page = (heading: string, svg: string) =>
    reportPage({ title: 't', summary: [], sections: [{ heading, svg }] });
  const curve = (title: string) => lossCurve({ title, steps: [1, 2], losses: [3, 2] });
  const texts = (html: string) =>
    [...parseHTML(html).document.querySelectorAll('svg text')].map(({ textContent }) => textContent);

  it('has no title that its heading says, and no room for it', () => {
    const title = 'Loss of "a" & <b>';
    const svg = curve(title);
    const [same, more, other] = [title, `${title} (2 more are in the table)`, 'Loss'].map((heading) =>
      page(heading, svg),
    );
    for (const html of [same, more]) {
      expect(texts(html)).not.toContain(title);
      expect(texts(html)).toHaveLength(texts(svg).length - 1);
      const [, top, height] = /viewBox="0 (\d+) 640 (\d+)"/.exec(html)!.map(Number);
      expect(top).toBeGreaterThan(10);
      expect(top + height).toBe(430);
      expect(html).toMatch(new RegExp(`<svg [^>]*height="${height}"`));
    }
    expect(texts(other)).toContain(title);
    expect(other).toContain('viewBox="0 0 640 430"');
  });

  it('takes colors of a dark page if the page knows all of its own', async () => {
    const known = [
      curve('t'),
      confusionChart({ title: 'c', classes: ['a', 'b'], counts: [3, 1, 0, 4] }),
      imageGrid({ title: 'i', images: [[0.3, -0.7, 0.1, 1]], height: 2, width: 2, labels: ['a'] }),
      await dotToSvg('digraph { node [style=filled fillcolor="#ffe9b8"] a -> b }'),
    ];
    for (const svg of known) expect(page('h', svg)).toContain('class="figure twin"');
    const strange = [
      await dotToSvg('digraph { node [style=filled fillcolor=lightyellow] a -> b }'),
      '<svg width="9" height="9"><rect fill="#123456" width="9" height="9"/></svg>',
      '<svg width="9" height="9"><style>rect { fill: red }</style><rect fill="white"/></svg>',
      '<svg width="9" height="9"><path d="M0 0h9v9z"/></svg>',
    ];
    for (const svg of strange) expect(page('h', svg)).toContain('class="figure paper"');
  });

  it('has the squares of a matrix as shares of their color, so that 0 is the paper, whatever that is', () => {
    const svg = confusionChart({ title: 'c', classes: ['a', 'b'], counts: [3, 1, 0, 4] });
    const html = page('Confusion', svg);
    const cells = [...html.matchAll(/<rect [^>]*fill="(#\w+)" fill-opacity="([\d.]+)"/g)];
    expect(cells.map(([, color, share]) => [color, Number(share)])).toEqual([
      ['#1d5fa8', expect.closeTo(0.75, 2)],
      ['#c4501b', expect.closeTo(1, 2)],
      ['#1d5fa8', 0],
      ['#1d5fa8', expect.closeTo(1, 2)],
    ]);
  });

  it('can be chosen whole or larger where it is larger than a page, and each has its own choice', () => {
    const svg = (width: number, height: number) => `<svg width="${width}pt" height="${height}pt"></svg>`;
    const html = reportPage({
      title: 't',
      summary: [],
      sections: [svg(900, 90), svg(90, 90), svg(90, 2000)].map((svg) => ({ heading: 'h', svg })),
    });
    const { document } = parseHTML(html);
    const inputs = [...document.querySelectorAll('input')];
    expect(inputs).toHaveLength(6);
    expect(new Set(inputs.map((input) => input.id)).size).toBe(6);
    expect(new Set(inputs.map((input) => input.getAttribute('name'))).size).toBe(2);
    for (const { id } of inputs) expect(document.querySelector(`label[for="${id}"]`)).not.toBeNull();
  });
});

test('numbers stand under each other in a column where some rows have none', () => {
  const html = tableHtml(
    ['part', 'rows', 'loss', ''],
    [
      ['train', '1,234', 2.5, ''],
      ['uniform', '', 3.29, ''],
    ],
  );
  expect(html.match(/class="number"/g)).toHaveLength(6);
  expect(html).toContain('<th class="number">rows</th>');
  expect(html).toContain('<th></th>');
});
