import { cssVariable } from './theme.js';

export interface HeadDrawing {
  name: string;
  characters: readonly string[];
  /** [n, n]: what each character, a row, takes of which. */
  map: Float32Array;
  /** The row that is told. */
  row: number;
}

/** A blank as it can be seen. */
export const visible = (character: string) => (character === ' ' ? '␣' : character);

/** Characters beside the map need so many pixels each. */
const READABLE = 8;
const FONT = 'ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace';

/**
 * What one head looks at, drawn on a canvas: a line of 32 characters has a thousand squares for each head, and all change every
 * second. Pointing at a row, or the arrow keys, choose it.
 */
export class HeadMap {
  readonly figure = document.createElement('figure');
  private readonly caption = document.createElement('figcaption');
  private readonly canvas = document.createElement('canvas');
  private drawing: HeadDrawing | null = null;
  /** Of a square, and of the margin before the first, in pixels of the page. */
  private cell = 0;
  private margin = 0;

  constructor(private readonly choose: (row: number) => void) {
    this.figure.append(this.caption, this.canvas);
    this.canvas.className = 'map';
    this.canvas.tabIndex = 0;
    this.canvas.setAttribute('role', 'img');
    for (const event of ['pointermove', 'pointerdown'] as const)
      this.canvas.addEventListener(event, ({ offsetY }) =>
        this.take(Math.floor((offsetY - this.margin) / this.cell)),
      );
    this.canvas.addEventListener('keydown', (event) => {
      const { row = 0, characters = [] } = this.drawing ?? {};
      const to = { ArrowUp: row - 1, ArrowDown: row + 1, Home: 0, End: characters.length - 1 }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      this.take(to);
    });
  }

  draw(drawing: HeadDrawing): void {
    this.drawing = drawing;
    const { name, characters, map, row } = drawing;
    const n = characters.length;
    this.caption.textContent = name;
    const width = this.figure.clientWidth;
    if (width === 0 || n === 0) return;
    const context = this.canvas.getContext('2d')!;
    this.margin = (width - READABLE) / n >= READABLE ? Math.max(12, Math.min(18, width / n)) : 0;
    this.cell = Math.min(28, (width - this.margin) / n);
    const side = Math.ceil(this.margin + n * this.cell);
    const ratio = devicePixelRatio;
    this.canvas.width = side * ratio;
    this.canvas.height = side * ratio;
    this.canvas.style.width = `${side}px`;
    context.scale(ratio, ratio);
    this.squares(context, drawing);
    if (this.margin) this.names(context, characters, row);
    const largest = map
      .subarray(row * n, (row + 1) * n)
      .reduce((best, x, i, all) => (x > all[best] ? i : best), 0);
    const share = Math.round(100 * map[row * n + largest]);
    this.canvas.setAttribute(
      'aria-label',
      `${name}: “${visible(characters[row])}” at place ${row + 1} looks most at “${visible(characters[largest])}” at place ${largest + 1}, ${share} %`,
    );
  }

  /** The stronger, the more: as the square root, so that small shares are seen. */
  private squares(context: CanvasRenderingContext2D, { characters, map, row }: HeadDrawing): void {
    const { cell, margin } = this;
    const n = characters.length;
    context.fillStyle = cssVariable('--sunken');
    context.fillRect(margin, margin, n * cell, n * cell);
    context.fillStyle = cssVariable('--series-1');
    const gap = cell > 6 ? 1 : 0;
    for (let i = 0; i < n; i++)
      for (let j = 0; j <= i; j++) {
        context.globalAlpha = Math.sqrt(map[i * n + j]);
        context.fillRect(margin + j * cell, margin + i * cell, cell - gap, cell - gap);
      }
    context.globalAlpha = 1;
    context.strokeStyle = cssVariable('--series-2');
    context.lineWidth = 1.5;
    context.strokeRect(margin + 0.75, margin + row * cell, n * cell - 1.5, cell);
  }

  private names(context: CanvasRenderingContext2D, characters: readonly string[], row: number): void {
    const { cell, margin } = this;
    context.font = `${Math.min(13, cell + 1)}px ${FONT}`;
    context.textAlign = 'center';
    context.textBaseline = 'middle';
    characters.forEach((character, i) => {
      const at = margin + (i + 0.5) * cell;
      context.fillStyle = cssVariable('--quiet');
      context.fillText(visible(character), at, margin / 2);
      if (i === row) context.fillStyle = cssVariable('--series-2');
      context.fillText(visible(character), margin / 2, at);
    });
  }

  private take(row: number): void {
    const { drawing } = this;
    if (!drawing || !(row >= 0 && row < drawing.characters.length) || row === drawing.row) return;
    this.choose(row);
  }
}
