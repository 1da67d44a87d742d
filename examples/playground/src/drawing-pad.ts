import { element } from './dom.js';
import { type Point, paint, pixelsOf, SIDE, type Stroke } from './handwriting.js';
import { cssVariable, onTheme } from './theme.js';

/** Of a line, as a share of the pad. */
const PEN = 0.075;
/** Of the pad, for an arrow key. */
const STEP = 1 / 24;

/** A pad to draw a digit on, with mouse, finger, pen or keyboard, and what the model sees of it. */
export class DrawingPad {
  private readonly place = element('pad');
  private readonly canvas = this.place.querySelector('canvas')!;
  private readonly seen = element<HTMLCanvasElement>('pad-seen');
  private strokes: Stroke[] = [];
  /** A digit that was not drawn here. */
  private given: Uint8Array | null = null;
  private drawing = false;
  /** Where the keyboard's pen is, and whether it writes. */
  private pen: Point = { x: 0.5, y: 0.25 };
  private penDown = false;
  private waiting = false;

  /** 28 x 28 bytes, or null if there is nothing. */
  pixels: Uint8Array | null = null;

  constructor(private readonly changed: () => void) {
    const { place } = this;
    place.tabIndex = 0;
    place.addEventListener('pointerdown', (event) => this.begin(event));
    place.addEventListener('pointermove', (event) => this.go(event));
    for (const end of ['pointerup', 'pointercancel', 'lostpointercapture'] as const)
      place.addEventListener(end, () => {
        this.drawing = false;
      });
    place.addEventListener('keydown', (event) => this.key(event));
    for (const event of ['focus', 'blur'] as const) place.addEventListener(event, () => this.redraw());
    new ResizeObserver(() => this.redraw()).observe(place);
    onTheme(() => this.redraw());
  }

  clear(): void {
    this.strokes = [];
    this.given = null;
    this.penDown = false;
    this.update();
  }

  /** Puts a digit there that is drawn already. */
  show(pixels: Uint8Array): void {
    this.strokes = [];
    this.given = pixels;
    this.penDown = false;
    this.update();
  }

  private begin(event: PointerEvent): void {
    if (event.button !== 0 || !event.isPrimary) return;
    this.place.setPointerCapture(event.pointerId);
    this.drawing = true;
    this.start(this.placeOf(event));
  }

  private go(event: PointerEvent): void {
    if (!this.drawing || !event.isPrimary) return;
    const all = event.getCoalescedEvents?.() ?? [];
    for (const one of all.length ? all : [event]) this.strokes.at(-1)!.push(this.placeOf(one));
    this.update();
  }

  private start(at: Point): void {
    this.given = null;
    this.strokes.push([at]);
    this.update();
  }

  private placeOf({ clientX, clientY }: PointerEvent): Point {
    const { left, top, width, height } = this.canvas.getBoundingClientRect();
    return { x: (clientX - left) / width, y: (clientY - top) / height };
  }

  private key(event: KeyboardEvent): void {
    const [x, y] =
      { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key] ?? [];
    if (x !== undefined) {
      const within = (n: number) => Math.min(1, Math.max(0, n));
      this.pen = { x: within(this.pen.x + x * STEP), y: within(this.pen.y + y * STEP) };
      if (this.penDown) this.strokes.at(-1)!.push(this.pen);
    } else if (event.key === ' ') {
      this.penDown = !this.penDown;
      if (this.penDown) this.start(this.pen);
    } else if (event.key === 'Delete' || event.key === 'Backspace') this.clear();
    else return;
    event.preventDefault();
    this.update();
  }

  /** A pointer tells of more than a screen shows. */
  private update(): void {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => {
      this.waiting = false;
      this.pixels = this.given ?? pixelsOf(this.strokes);
      this.redraw();
      this.changed();
    });
  }

  private redraw(): void {
    const { place, canvas, given, pen } = this;
    const size = Math.round(canvas.clientWidth * devicePixelRatio);
    if (size === 0) return;
    canvas.width = canvas.height = size;
    const context = canvas.getContext('2d')!;
    if (given) drawPixels(context, given, size);
    context.strokeStyle = cssVariable('--ink');
    paint(context, this.strokes, ({ x, y }) => ({ x: x * size, y: y * size }), PEN * size);
    if (place.matches(':focus-visible')) {
      context.fillStyle = cssVariable(this.penDown ? '--series-2' : '--series-1');
      context.beginPath();
      context.arc(pen.x * size, pen.y * size, (PEN * size) / 3, 0, 2 * Math.PI);
      context.fill();
    }
    this.seen.width = this.seen.height = SIDE;
    if (this.pixels) drawPixels(this.seen.getContext('2d')!, this.pixels, SIDE);
  }
}

/** Draws 28 x 28 bytes as squares in the ink of the theme. */
export function drawPixels(context: CanvasRenderingContext2D, pixels: Uint8Array, size: number): void {
  const cell = size / SIDE;
  context.fillStyle = cssVariable('--ink');
  pixels.forEach((ink, i) => {
    if (ink === 0) return;
    context.globalAlpha = ink / 255;
    context.fillRect((i % SIDE) * cell, Math.floor(i / SIDE) * cell, cell, cell);
  });
  context.globalAlpha = 1;
}
