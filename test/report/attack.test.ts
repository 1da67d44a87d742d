import { parseHTML } from 'linkedom';
import { expect, test } from 'vitest';
import { graphToDot } from '../../src/graph/dot.js';
import { f32, trace } from '../../src/index.js';
import { escapeText } from '../../src/report/escape.js';
import { dotToSvg } from '../../src/report/graphviz.js';
import { lineChart } from '../../src/report/lines.js';
import { lossCurve } from '../../src/report/loss-curve.js';
import { memoryMap } from '../../src/report/memory-map.js';
import { reportPage } from '../../src/report/page.js';
import { tableHtml } from '../../src/report/table.js';
import { valueGraph } from '../../src/report/value-graph.js';
import { Value } from '../../src/scalar/value.js';

const ATTACKS = [
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  "' onmouseover='alert(1)",
  '</title></style></svg></pre><script>alert(1)</script>',
  ']]><!-- --><?xml?>&lt;script&gt;&#60;b&#62;',
  '\x1b[2J\0\x9b\u202e\ufffe\uffff\ud800',
  '$& $` $1 \\" \\',
  '{x|<f0> y}\\N\\G<br/><table>',
];

/** Throws if a page or picture has an element, attribute or character that only an attack puts there. */
function harmless(text: string): void {
  expect(text).not.toMatch(/[^\P{Cc}\t\n]|[\ufffe\uffff]|\p{Cs}|\p{Bidi_Control}/u);
  const { document } = parseHTML(text.startsWith('<!doctype') ? text : `<html><body>${text}</body></html>`);
  for (const element of document.querySelectorAll('*')) {
    expect(element.localName).not.toMatch(
      /^(script|img|iframe|object|embed|b|foreignObject|a|link|base|form)$/i,
    );
    for (const { name, value } of element.attributes) {
      expect(name).not.toMatch(/^on|^(href|src|xlink:href|action|srcdoc)$/i);
      expect(value).not.toMatch(/^\s*javascript:/i);
    }
  }
}

test.each(ATTACKS)('a page shows %j', (text) => {
  const page = reportPage({
    title: text,
    summary: [[text, text]],
    sections: [
      { heading: text, pre: text },
      { heading: text, list: [text] },
      { heading: text, html: tableHtml([text], [[text]]) },
    ],
  });
  harmless(page);
  const { document } = parseHTML(page);
  if (!/[^\P{Cc}\n]/u.test(text)) expect(document.querySelector('pre')!.textContent).toBe(text);
});

test.each(ATTACKS)('a chart shows %j', (text) => {
  const points = [
    { x: 1, y: 1 },
    { x: 2, y: 2 },
  ];
  harmless(
    lineChart({
      title: text,
      x: text,
      y: text,
      series: [{ label: text, points }],
      guides: [{ label: text, points }],
    }),
  );
  harmless(lossCurve({ title: text, steps: [1, 2], losses: [2, 1], baseline: { value: 1.5, label: text } }));
  harmless(memoryMap(text, [{ name: text, address: 4096, bytes: 4096, from: 0, to: 3, over: null }]));
});

test.each(ATTACKS)('a graph shows %j', async (text) => {
  const graph = trace(text, { [text]: f32(2) }, (inputs) => ({ [text]: inputs[text].mul(2) }));
  harmless(await dotToSvg(graphToDot(graph)));
  const value = new Value(2, { label: text } as never);
  value.label = text;
  harmless(await valueGraph(value.mul(3)));
});

test('text keeps its meaning in an attribute and in an element, but for what XML does not have', () => {
  expect(escapeText(`<a b="c">&'`)).toBe('&lt;a b=&quot;c&quot;&gt;&amp;&#39;');
  expect(escapeText('a\x1b\ud800\uffff\u{1f600}\tü')).toBe('a\ufffd\ufffd\ufffd\u{1f600}\tü');
});
