// What is drawn as MNIST has its digits: 20 pixels high or wide, with the centre of mass in the middle of 28 x 28, about two
// and a half pixels thick (LeCun et al. 1998, section III.A).

export interface Point {
  x: number;
  y: number;
}
/** Points of a line, from 0 to 1 of the pad. */
export type Stroke = Point[];

export const SIDE = 28;
const DIGIT = 20;
const THICKNESS = 2.4;
/** What is smaller is not made larger: a dot stays one. */
const SMALLEST = 0.3;
/** Drawn larger and made smaller, so that edges are grey. */
const FINE = 4;

/** Draws lines onto a canvas whose units are pixels. */
export function paint(
  context: CanvasRenderingContext2D,
  strokes: readonly Stroke[],
  place: (point: Point) => Point,
  width: number,
): void {
  context.lineWidth = width;
  context.lineCap = 'round';
  context.lineJoin = 'round';
  for (const stroke of strokes) {
    if (stroke.length === 0) continue;
    context.beginPath();
    for (const { x, y } of stroke.map(place)) context.lineTo(x, y);
    // A line of no length is drawn as a dot.
    if (stroke.length === 1) context.lineTo(place(stroke[0]).x + 0.01, place(stroke[0]).y);
    context.stroke();
  }
}

/** 28 x 28 bytes of what is drawn, 255 being ink; null if nothing is. */
export function pixelsOf(strokes: readonly Stroke[]): Uint8Array | null {
  const points = strokes.flat();
  if (points.length === 0) return null;
  const [left, right] = [Math.min(...points.map(({ x }) => x)), Math.max(...points.map(({ x }) => x))];
  const [top, bottom] = [Math.min(...points.map(({ y }) => y)), Math.max(...points.map(({ y }) => y))];
  const scale = (DIGIT - THICKNESS) / Math.max(right - left, bottom - top, SMALLEST);
  const at = (middle: Point) => (point: Point) => ({
    x: SIDE / 2 + (point.x - middle.x) * scale,
    y: SIDE / 2 + (point.y - middle.y) * scale,
  });
  const middle = { x: (left + right) / 2, y: (top + bottom) / 2 };
  const mass = centreOfMass(rendered(strokes, at(middle)));
  return rendered(strokes, (point) => {
    const { x, y } = at(middle)(point);
    return { x: x + SIDE / 2 - mass.x, y: y + SIDE / 2 - mass.y };
  });
}

function rendered(strokes: readonly Stroke[], place: (point: Point) => Point): Uint8Array {
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = SIDE * FINE;
  const context = canvas.getContext('2d', { willReadFrequently: true })!;
  const finer = (point: Point) => {
    const { x, y } = place(point);
    return { x: FINE * x, y: FINE * y };
  };
  paint(context, strokes, finer, FINE * THICKNESS);
  const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
  const pixels = new Uint8Array(SIDE * SIDE);
  for (let y = 0; y < SIDE; y++)
    for (let x = 0; x < SIDE; x++) {
      let ink = 0;
      for (let j = 0; j < FINE; j++)
        for (let i = 0; i < FINE; i++) ink += data[4 * ((FINE * y + j) * SIDE * FINE + FINE * x + i) + 3];
      pixels[y * SIDE + x] = Math.round(ink / FINE ** 2);
    }
  return pixels;
}

/** In pixels; the middle if there is no ink. */
function centreOfMass(pixels: Uint8Array): Point {
  let [mass, sumX, sumY] = [0, 0, 0];
  pixels.forEach((ink, i) => {
    mass += ink;
    sumX += ink * ((i % SIDE) + 0.5);
    sumY += ink * (Math.floor(i / SIDE) + 0.5);
  });
  return mass ? { x: sumX / mass, y: sumY / mass } : { x: SIDE / 2, y: SIDE / 2 };
}
