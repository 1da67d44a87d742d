import { darkStyle } from './dark.js';
import { escapeText } from './escape.js';
import { drawing } from './inline.js';

/** A part of a report: a heading and one kind of content. `html` and `svg` are put in as they are, so must be trusted. */
export type Section = { heading: string } & (
  | { html: string }
  | { svg: string }
  | { pre: string }
  | { list: readonly string[] }
);

export interface Report {
  title: string;
  /** Labels and values, shown at the top. */
  summary: readonly (readonly [label: string, value: string])[];
  sections: readonly Section[];
}

/** What every page says of itself, so that a later command knows it for ours. */
export const GENERATOR = '<meta name="generator" content="2headgrad">';

/** One HTML page that needs no other file and asks for none, in light and dark, for screens of any width. */
export function reportPage({ title, summary, sections }: Report): string {
  const facts = summary.map(
    ([label, value]) => `<div><dt>${escapeText(label)}</dt><dd>${escapeText(value)}</dd></div>`,
  );
  const parts = sections.map(
    (section, i) =>
      `<section>\n<h2>${escapeText(section.heading)}</h2>\n${content(section, `drawing-${i + 1}`)}\n</section>`,
  );
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
${GENERATOR}
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<title>${escapeText(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>${escapeText(title)}</h1>
${facts.length > 0 ? `<dl>\n${facts.join('\n')}\n</dl>\n` : ''}${parts.join('\n')}
</main>
</body>
</html>
`;
}

function content(section: Section, id: string): string {
  const { heading } = section;
  if ('svg' in section) return drawing(section.svg, heading, id);
  if ('pre' in section)
    return `<div class="text" tabindex="0" role="region" aria-label="${escapeText(heading)}"><pre>${escapeText(section.pre)}</pre></div>`;
  if ('list' in section)
    return `<ul>\n${section.list.map((item) => `<li>${escapeText(item)}</li>`).join('\n')}\n</ul>`;
  return section.html;
}

const STYLE = `
:root { color-scheme: light dark; --ink: #1f2933; --quiet: #5b6673; --page: #f6f7f9; --card: #ffffff; --line: #dde2e8; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6eaef; --quiet: #9ba7b4; --page: #12161b; --card: #1b2129; --line: #303944; }
  ${darkStyle()}
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); -webkit-text-size-adjust: 100%;
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, Helvetica, Arial, sans-serif; }
main { max-width: 56rem; margin: 0 auto; padding: 2rem 1rem 4rem; overflow-wrap: break-word; }
h1 { font-size: clamp(1.5rem, 5vw, 2.1rem); line-height: 1.2; margin: 0 0 1.25rem; }
h2 { font-size: 1.2rem; line-height: 1.3; margin: 2.5rem 0 .75rem; }
dl { display: grid; grid-template-columns: repeat(auto-fill, minmax(9.5rem, 1fr)); gap: .6rem; margin: 0; }
dl > div { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: .55rem .8rem; min-width: 0; }
dt { color: var(--quiet); font-size: .8rem; }
dd { margin: 0; text-wrap: balance; font-size: 1.05rem; font-weight: 600; font-variant-numeric: tabular-nums; }
.figure, .text { border: 1px solid var(--line); border-radius: 8px; overflow: auto; }
.figure { padding: .5rem; background: var(--card); }
.paper { background: #ffffff; color-scheme: light; }
.figure > div { margin: 0 auto; }
.figure svg { display: block; width: 100%; height: auto; }
.twin svg { color: var(--ink) !important; background: none !important; }
.twin svg > rect[width="100%"] { fill: none; }
.twin [stroke="white"] { stroke: var(--card); }
.drawing label { color: var(--quiet); font-size: .85rem; margin: 0 .9rem 0 .3rem; white-space: nowrap; }
.drawing .figure { margin-top: .5rem; }
.whole:checked ~ .figure > div { min-width: 0 !important; max-width: none !important; }
.whole:checked ~ .figure svg { height: 80vh; }
.large:checked ~ .figure { max-height: 85vh; }
.large:checked ~ .figure > div { min-width: calc(2 * var(--width)) !important; max-width: none !important; }
.text { background: var(--card); max-height: 85vh; }
pre { margin: 0; padding: .8rem 1rem; font: .85rem/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; tab-size: 2; }
ul { margin: 0; padding-left: 1.2rem; }
table { border-collapse: collapse; display: block; overflow-x: auto; font-variant-numeric: tabular-nums; }
th, td { border-bottom: 1px solid var(--line); padding: .35rem .9rem .35rem 0; text-align: left; vertical-align: top; }
th.number, td.number { text-align: right; }
th { color: var(--quiet); font-size: .85rem; font-weight: 600; }
@media (max-width: 30rem) {
  main { padding-left: .5rem; padding-right: .5rem; }
  .figure { padding: 0; }
  table { font-size: .9rem; }
  th, td { padding-right: .6rem; }
}
@media print { .figure, .text { max-height: none !important; } pre { white-space: pre-wrap; } }
`;
