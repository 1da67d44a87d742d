import { AREAS, INK, QUIET, SERIES, untint } from './colors.js';

// Pictures are drawn for white paper, so that they look the same wherever they are shown. Inside of a page they take
// its colors: on a dark screen a style sheet gives each color of ours its twin. Areas with text on them (squares of a
// matrix, buffers on a map of memory) keep theirs, as images do.

const [BLUE, ORANGE, GREEN, PURPLE, BROWN] = SERIES;

/** What has the color of the paper, of text, and of text that says less, by the page's own names for them. */
const OF_PAGE: Readonly<Record<string, string>> = { [INK]: 'var(--ink)', [QUIET]: 'var(--quiet)' };

/** Between the squares of a matrix. */
const GRID = '#e4e7eb';

const OF_CHARTS: Readonly<Record<string, string>> = {
  [BLUE]: '#6cb0f5',
  [ORANGE]: '#f2915f',
  [GREEN]: '#35c4b3',
  [PURPLE]: '#c490e6',
  [BROWN]: '#cbab70',
  '#b7cfea': '#3f5d80',
  [GRID]: '#39434f',
  '#cbd2d9': '#4a5563',
  // Of the page that the benchmarks write.
  '#d1731b': '#e8964a',
  '#b5413b': '#e5827c',
  '#8b95a1': '#a8b2bd',
  '#4a90d9': '#7fb5ea',
  '#6c7a2c': '#a9ba5e',
  '#12305c': '#b5d3f7',
  '#cfd6de': '#4a5563',
};

/** Boxes, frames and arrows of graphs, those of tensors and those of single values. */
const OF_GRAPHS: Readonly<Record<string, string>> = {
  '#ffffff': '#232b35',
  white: '#232b35',
  '#f6f6f6': '#1f262e',
  '#e8e8e8': '#3a434e',
  '#ffe9b8': '#57450f',
  '#fff6e0': '#42391d',
  '#d9ecff': '#1f3e5c',
  '#b9d7f5': '#1f4d7d',
  '#dcf2dc': '#24482a',
  '#333333': '#0c0f13',
  '#eef2f7': '#2d3641',
  '#d7ead9': '#24482a',
  '#f8d9d0': '#5a2d22',
  '#000000': '#9ba7b4',
  black: '#9ba7b4',
  '#555555': '#9ba7b4',
  '#777777': '#8b97a5',
  '#999999': '#77828e',
  '#6b7683': '#8b97a5',
  '#8a6100': '#d9a93a',
  '#1f5f99': '#6cb0f5',
  '#123f6b': '#8cc2f8',
  '#2c6e2c': '#6fbf73',
};

/** What is no color of its own. */
const PLAIN = ['none', 'white', 'transparent', 'currentColor', '#ffffff'];

const KNOWN = new Set([OF_PAGE, OF_CHARTS, OF_GRAPHS].flatMap(Object.keys).concat(PLAIN));

/** Whether a drawing has none but the colors that the style sheet knows; others are shown on white paper. */
export function hasTwin(svg: string): boolean {
  // The parts of an image are the image's own.
  const drawn = svg.replace(/<g [^>]*shape-rendering="crispEdges".*?<\/g>/gs, '');
  const colors = [...drawn.matchAll(/\s(?:fill|stroke)="([^"]*)"/g)].map(([, color]) => color);
  return colors.length > 0 && !/<style|<image/.test(drawn) && colors.every((color) => KNOWN.has(color));
}

/** Squares of a matrix as shares of full ink over any paper, not over white alone. */
export function overPaper(svg: string): string {
  return svg.replace(/<g [^>]*aria-label="cell"[^>]*>.*?<\/g>/gs, (cells) =>
    cells.replace(/(<rect [^>]*?)fill="(#[0-9a-f]{6})"/g, (whole, before: string, fill: string) => {
      const found = untint(fill, [BLUE, ORANGE]);
      return found ? `${before}fill="${found.color}" fill-opacity="${found.share.toFixed(3)}"` : whole;
    }),
  );
}

/** The rules for drawings in boxes of class `twin`, on dark screens. */
export function darkStyle(): string {
  const areas = ['rect', '[aria-label="cell"]', '[aria-label="rect"]'];
  const swatches = Object.values(AREAS).map((width) => `[stroke-width="${width}"]`);
  const rules = (colors: Readonly<Record<string, string>>, what: (attribute: string) => string) =>
    Object.entries(colors).flatMap(([light, dark]) =>
      ['fill', 'stroke'].map((name) => `.twin ${what(`[${name}="${light}"]`)} { ${name}: ${dark}; }`),
    );
  return [
    ...rules({ ...OF_PAGE, ...OF_CHARTS }, (color) => `${color}:not(${[...areas, ...swatches].join(', ')})`),
    `.twin [stroke="${GRID}"] { stroke: ${OF_CHARTS[GRID]}; }`,
    ...rules(OF_GRAPHS, (color) => `.graph :not(text)${color}`),
    '.twin .graph text:not([fill]) { fill: var(--ink); }',
  ].join('\n  ');
}
