import { textWidth } from './text-width.js';

// The label of a line stands where nothing runs through it.

/** A label beside a line, with the places that it may have, the best one first. */
export interface Note {
  readonly text: string;
  readonly color: string;
  readonly places: readonly Place[];
}

/** Beside a point of the data, some pixels away; `anchor` is the part of the text that stands there. */
export interface Place {
  readonly x: number;
  readonly y: number;
  readonly dx: number;
  readonly dy: number;
  readonly anchor: 'start' | 'middle' | 'end';
}

export interface Box {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

type Segment = readonly [x1: number, y1: number, x2: number, y2: number];

/** Around the letters of a line of text: half of its height, and room beside them. */
const [HALF, ROOM] = [0.52, 2];

/** Where a chart's labels go: each at the first of its places with the fewest lines in it, inside of `frame` and beside `taken`. */
export function placeNotes(
  notes: readonly Note[],
  chart: Element,
  { x, y, size, frame, taken }: Surroundings,
): { text: string; color: string; left: number; middle: number }[] {
  const segments = segmentsOf(chart);
  const boxes = [...taken];
  return notes.map(({ text, color, places }) => {
    const width = textWidth(text, size);
    const rated = places.map((place) => {
      const box = boxAt(place, x(place.x), y(place.y), width, size);
      const bad = !within(box, frame) || boxes.some((other) => overlap(box, other));
      return { box, cost: segments.filter((segment) => crosses(segment, box)).length + (bad ? 1e6 : 0) };
    });
    const { box } = rated.reduce((best, one) => (one.cost < best.cost ? one : best));
    boxes.push(box);
    return { text, color, left: box.left + ROOM, middle: (box.top + box.bottom) / 2 };
  });
}

interface Surroundings {
  /** From the data to pixels. */
  readonly x: (value: number) => number;
  readonly y: (value: number) => number;
  readonly size: number;
  readonly frame: Box;
  readonly taken: readonly Box[];
}

function boxAt({ dx, dy, anchor }: Place, x: number, y: number, width: number, size: number): Box {
  const left = x + dx - { start: 0, middle: width / 2, end: width }[anchor];
  return {
    left: left - ROOM,
    right: left + width + ROOM,
    top: y + dy - HALF * size,
    bottom: y + dy + HALF * size,
  };
}

const within = (box: Box, frame: Box) =>
  box.left >= frame.left && box.right <= frame.right && box.top >= frame.top && box.bottom <= frame.bottom;

const overlap = (a: Box, b: Box) =>
  a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;

/** The pieces of all curves and rules that are drawn. */
function segmentsOf(chart: Element): Segment[] {
  const curves = Array.from(chart.querySelectorAll('[aria-label="line"] path')).flatMap((path) =>
    (path.getAttribute('d') ?? '').split('M').flatMap(pieces),
  );
  const rules = Array.from(chart.querySelectorAll('[aria-label="rule"] line'));
  const end = (rule: Element, name: string) => Number(rule.getAttribute(name));
  return [...curves, ...rules.map((r) => [end(r, 'x1'), end(r, 'y1'), end(r, 'x2'), end(r, 'y2')] as const)];
}

function pieces(d: string): Segment[] {
  const numbers = d.match(/-?[\d.]+(e-?\d+)?/g)?.map(Number) ?? [];
  const found: Segment[] = [];
  for (let i = 2; i + 1 < numbers.length; i += 2)
    found.push([numbers[i - 2], numbers[i - 1], numbers[i], numbers[i + 1]]);
  return found;
}

/** Whether a piece of a line goes through a box (Liang and Barsky 1984). */
function crosses([x1, y1, x2, y2]: Segment, { left, right, top, bottom }: Box): boolean {
  let [from, to] = [0, 1];
  for (const [step, room] of [
    [x1 - x2, x1 - left],
    [x2 - x1, right - x1],
    [y1 - y2, y1 - top],
    [y2 - y1, bottom - y1],
  ]) {
    if (step === 0 && room < 0) return false;
    if (step < 0) from = Math.max(from, room / step);
    if (step > 0) to = Math.min(to, room / step);
  }
  return from <= to;
}
