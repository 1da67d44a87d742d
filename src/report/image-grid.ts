import { wholeNumber } from '../check.js';
import { OptionError } from '../errors.js';
import { forXml } from '../printable.js';
import { FONT, WIDTH } from './chart.js';
import { INK, QUIET, SERIES, tint } from './colors.js';
import { escapeText } from './escape.js';

/** Images side by side, such as digits or the filters of a convolution. */
export interface ImageGrid {
  title: string;
  /** Each [height, width, channels], row by row. */
  images: readonly ArrayLike<number>[];
  height: number;
  width: number;
  /** 1 unless given; 3 are red, green and blue. */
  channels?: 1 | 3;
  /** A line under each image. */
  labels?: readonly string[];
  /** A word for what the images show, at the top. */
  note?: string;
  /** Images in a row, 48 at most; 10 or 12 unless given. */
  columns?: number;
  /** What is shown as white and as full ink; by default 0 and the largest number, of colors 0 and 1. */
  range?: readonly [number, number];
}

/** So many shades of ink are told apart, each a path of its own. */
const SHADES = 32;
const MARGIN = 16;
const TOP = 64;
const LABEL = 18;
/** Sides of an image, and the height of all together, in pixels. */
const [SMALLEST, LARGEST, TALLEST] = [8, 96, 1000];
const MOST_COLUMNS = 48;
const FRAME = '#cbd2d9';

/**
 * Draws images in a grid as a standalone SVG on a light background. Of one channel: white to ink; where some numbers are below 0,
 * blue for those and orange for those above, as far from 0 as the largest of all images is.
 */
export function imageGrid(grid: ImageGrid): string {
  const { title, images, height, width, labels, note } = grid;
  checkGrid(grid);
  const { left, down, wide, high, tall } = placesOf(grid);
  const { color, legend } = colors(grid);
  const font = Math.min(14, wide / 4 + 5);
  const parts = images.map((image, at) => {
    const [x, y] = [left(at), down(at)];
    const frame = `<rect x="${x - 0.5}" y="${y - 0.5}" width="${wide + 1}" height="${high + 1}" fill="white" stroke="${FRAME}"/>`;
    const place = `translate(${x} ${y}) scale(${round(wide / width)} ${round(high / height)})`;
    const drawn = `<g transform="${place}" shape-rendering="crispEdges">${paths(image, width, height, color)}</g>`;
    if (!labels) return frame + drawn;
    const middle = `x="${x + wide / 2}" y="${y + high + LABEL - 4}" text-anchor="middle"`;
    return `${frame}${drawn}<text ${middle} fill="${INK}" font-size="${round(font)}">${escapeText(labels[at])}</text>`;
  });
  const words = [note, legend].filter(Boolean).join('; ');
  const size = Math.max(10, Math.min(18, (WIDTH - 32) / (title.length * 0.56)));
  return forXml(`<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="${escapeText(title)}" width="${WIDTH}" height="${tall}" viewBox="0 0 ${WIDTH} ${tall}" font-family="${FONT}">
<rect width="100%" height="100%" fill="white"/>
<text x="${MARGIN}" y="28" fill="${INK}" font-size="${round(size)}" font-weight="bold">${escapeText(title)}</text>
${words ? `<text x="${MARGIN}" y="50" fill="${QUIET}" font-size="14">${escapeText(words)}</text>\n` : ''}${parts.join('\n')}
</svg>`);
}

/** Where the images stand, in whole pixels. */
function placesOf({ images, height, width, columns, labels }: ImageGrid) {
  const across = Math.min(columns ?? (width > 12 ? 10 : 12), images.length, MOST_COLUMNS);
  const rows = Math.ceil(images.length / across);
  const gap = across > 12 ? 4 : 8;
  const below = gap + (labels ? LABEL : 0);
  // Small images are drawn large, but a few of them do not fill the page, and many do not make it too long to be seen at once.
  const fits = Math.min(
    (WIDTH - 2 * MARGIN + gap) / across - gap,
    ((TALLEST / rows - below) * width) / height,
  );
  const wide = Math.floor(Math.max(SMALLEST, Math.min(LARGEST, fits)));
  const high = Math.max(1, Math.round((wide * height) / width));
  return {
    wide,
    high,
    tall: TOP + rows * (high + below) - gap + MARGIN,
    left: (at: number) => MARGIN + (at % across) * (wide + gap),
    down: (at: number) => TOP + Math.floor(at / across) * (high + below),
  };
}

function checkGrid({ title, images, height, width, channels = 1, labels, columns, range }: ImageGrid): void {
  const refuse = (why: string) => new OptionError(`the images ${JSON.stringify(title)} ${why}`);
  wholeNumber('imageGrid: height', height);
  wholeNumber('imageGrid: width', width);
  if (columns !== undefined) wholeNumber('imageGrid: columns', columns);
  if (channels !== 1 && channels !== 3)
    throw new OptionError(`imageGrid: channels must be 1, or 3 for red, green and blue, got ${channels}`);
  if (range && !(range[1] > range[0] && Number.isFinite(range[1] - range[0])))
    throw new OptionError(`imageGrid: range must be two numbers, the lower one first, got [${range}]`);
  if (images.length === 0) throw refuse('are none');
  if (labels && labels.length !== images.length)
    throw refuse(`are ${images.length}, and have ${labels.length} labels`);
  images.forEach((image, at) => {
    const n = height * width * channels;
    if (image.length !== n)
      throw refuse(
        `are ${height} x ${width} x ${channels}, ${n} numbers each, and number ${at} has ${image.length}`,
      );
    for (let i = 0; i < n; i++)
      if (!Number.isFinite(image[i])) throw refuse(`have ${image[i]} in number ${at}`);
  });
}

interface Colors {
  /** Of a place of one image; null where it is white. */
  color(image: ArrayLike<number>, at: number): string | null;
  legend?: string;
}

function colors({ images, channels = 1, range }: ImageGrid): Colors {
  const all = (pick: (a: number, b: number) => number) =>
    images.reduce((most, image) => Array.from(image).reduce((a, b) => pick(a, b), most), 0);
  if (channels === 3) {
    const [low, high] = range ?? [0, 1];
    const part = (x: number) => Math.round(17 * Math.round(15 * within((x - low) / (high - low))));
    return {
      color: (image, at) =>
        `#${[0, 1, 2]
          .map((c) =>
            part(image[3 * at + c])
              .toString(16)
              .padStart(2, '0'),
          )
          .join('')}`,
    };
  }
  const least = all(Math.min);
  const shade = (share: number, ink: string) => {
    const level = Math.round(SHADES * within(share));
    return level === 0 ? null : tint(level / SHADES, ink);
  };
  if (least < 0 && !range) {
    const most = Math.max(-least, all(Math.max));
    return {
      color: (image, at) => shade(Math.abs(image[at]) / most, image[at] < 0 ? SERIES[0] : SERIES[1]),
      legend: `blue to -${most.toPrecision(2)}, white 0, orange to ${most.toPrecision(2)}`,
    };
  }
  const [low, high] = range ?? [0, all(Math.max)];
  return { color: (image, at) => (high > low ? shade((image[at] - low) / (high - low), INK) : null) };
}

/** A path for each color, of the places side by side that have it. */
function paths(image: ArrayLike<number>, width: number, height: number, color: Colors['color']): string {
  const found = new Map<string, string>();
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; ) {
      const own = color(image, y * width + x);
      const start = x;
      do x++;
      while (x < width && color(image, y * width + x) === own);
      if (own !== null) found.set(own, `${found.get(own) ?? ''}M${start} ${y}h${x - start}v1h-${x - start}z`);
    }
  }
  return [...found].map(([fill, d]) => `<path fill="${fill}" d="${d}"/>`).join('');
}

const within = (share: number) => Math.max(0, Math.min(1, share));
const round = (x: number) => Math.round(1000 * x) / 1000;

/** Filters of a convolution as images for `imageGrid`, which takes all of this: those of one input in a row. */
export function filterImages(
  weights: ArrayLike<number>,
  shape: readonly number[],
  { channelsFirst = false } = {},
): { images: Float32Array[]; height: number; width: number; columns: number } {
  const what = channelsFirst ? '[outputs, inputs, ...kernel]' : '[...kernel, inputs, outputs]';
  const n = shape.reduce((a, b) => a * b, 1);
  if (shape.length < 3 || shape.length > 4 || n !== weights.length || n === 0)
    throw new OptionError(
      `filterImages: expected the filters of a convolution over one axis or two, ${what}, got [${shape.join(', ')}] and ${weights.length} numbers`,
    );
  const kernel = channelsFirst ? shape.slice(2) : shape.slice(0, -2);
  const [outputs, inputs] = channelsFirst ? shape : [shape.at(-1)!, shape.at(-2)!];
  const [height, width] = kernel.length === 2 ? kernel : [1, kernel[0]];
  const places = height * width;
  const at = (output: number, input: number, place: number) =>
    channelsFirst ? (output * inputs + input) * places + place : (place * inputs + input) * outputs + output;
  const images = Array.from({ length: outputs * inputs }, (_, i) =>
    Float32Array.from(
      { length: places },
      (_, place) => weights[at(i % outputs, Math.floor(i / outputs), place)],
    ),
  );
  return { images, height, width, columns: Math.min(outputs, MOST_COLUMNS) };
}
