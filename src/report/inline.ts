import { hasTwin, overPaper } from './dark.js';
import { escapeText } from './escape.js';

// A drawing as a page has it: no title twice, of a size that can be read, in the page's colors.

/** On screens no wider than this much of it a drawing scrolls, so that its text stays readable on a phone. */
const LEAST_SHARE = 0.53;
const PIXELS_OF_A_POINT = 4 / 3;
/** What is larger than this many pixels cannot be seen at once. */
const [WIDE, TALL] = [832, 1300];

/** A box with an SVG below its heading; one that is too large to be seen at once has sizes to choose from. `id` is its own on the page. */
export function drawing(svg: string, heading: string, id: string): string {
  const shown = overPaper(withoutTitle(svg.slice(Math.max(0, svg.indexOf('<svg'))), heading));
  const { width, height } = sizeOf(shown);
  const inner =
    width === undefined
      ? shown
      : `<div style="--width:${width}px;min-width:${Math.round(width * LEAST_SHARE)}px;max-width:${width}px">${shown}</div>`;
  // What is wider than the page scrolls inside of a box that the keyboard reaches too.
  const box = `<div class="figure ${hasTwin(shown) ? 'twin' : 'paper'}" tabindex="0" role="region" aria-label="${escapeText(heading)}">${inner}</div>`;
  if (width === undefined || !(width > WIDE || (height ?? 0) > TALL)) return box;
  const choice = (name: string, label: string, checked = '') =>
    `<input type="radio" class="${name}" name="${id}" id="${id}-${name}"${checked}><label for="${id}-${name}">${label}</label>`;
  const choices = [
    choice('whole', 'Whole'),
    choice('readable', 'Readable', ' checked'),
    choice('large', 'Large'),
  ];
  return `<div class="drawing">${choices.join('\n')}\n${box}</div>`;
}

/** In pixels, as far as the drawing says. */
function sizeOf(svg: string): { width?: number; height?: number } {
  const open = svg.slice(0, svg.indexOf('>') + 1);
  const side = (name: string) => {
    const [, number, unit] = new RegExp(`\\s${name}="([\\d.]+)(pt|px)?"`).exec(open) ?? [];
    return number === undefined
      ? undefined
      : Math.round(Number(number) * (unit === 'pt' ? PIXELS_OF_A_POINT : 1));
  };
  return { width: side('width'), height: side('height') };
}

/** The line in which our charts have their title. */
const TITLE = /<text (?=[^>]*\bx="16")(?=[^>]*\by="28")(?=[^>]*\bfont-weight="bold")[^>]*>([^<]*)<\/text>\n?/;
/** Above what comes next. */
const ROOM = 10;

/** A chart whose title the heading above says already, without it. */
function withoutTitle(svg: string, heading: string): string {
  const title = TITLE.exec(svg);
  const frame = /viewBox="0 0 ([\d.]+) ([\d.]+)"/.exec(svg);
  if (!title || !frame || !heading.startsWith(plain(title[1]))) return svg;
  const rest = svg.replace(title[0], '');
  const tops = [...rest.matchAll(/<(text|line|rect) [^>]*?\by1?="([\d.]+)"[^>]*>(?!<\/text>)/g)].map(
    ([, element, y]) => Number(y) - (element === 'text' ? 14 : 4),
  );
  const cut = Math.floor(Math.max(0, tops.reduce((a, b) => Math.min(a, b), Infinity) - ROOM));
  const [, width, height] = frame;
  const left = Number(height) - cut;
  if (!(left > 0)) return rest;
  return rest
    .replace(frame[0], `viewBox="0 ${cut} ${width} ${left}"`)
    .replace(/(<svg [^>]*?\sheight=")[\d.]+"/, (_, before: string) => `${before}${left}"`);
}

const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', '#39': "'" };
const plain = (text: string) => text.replace(/&(lt|gt|amp|quot|#39);/g, (_, name: string) => ENTITIES[name]);
