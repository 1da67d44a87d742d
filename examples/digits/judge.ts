import type { Session } from '2headgrad';
import type { Images } from '2headgrad/data';
import { JUDGED, NONE } from './model.js';

export const PIXELS = 28 * 28;
export const CLASSES = 10;

export interface Judged {
  /** How often which digit (a row) was taken for which. */
  confusion: number[];
  /** What each image was taken for. */
  taken: number[];
  /** The share that was taken for what it is. */
  right: number;
}

/** What the model takes each image for, and how often which for which, counted in wasm. */
export function judge(session: Session, { x, y, rows }: Pick<Images, 'x' | 'y' | 'rows'>): Judged {
  const confusion = new Array<number>(CLASSES * CLASSES).fill(0);
  const taken: number[] = [];
  for (let start = 0; start < rows; start += JUDGED) {
    const images = new Float32Array(JUDGED * PIXELS);
    images.set(x.subarray(start * PIXELS, (start + JUDGED) * PIXELS));
    const labels = new Int32Array(JUDGED).fill(NONE);
    labels.set(y.subarray(start, start + JUDGED));
    const found = session.invoke('judge', { x: images, y: labels }) as Record<
      'logits' | 'confusion',
      ArrayLike<number>
    >;
    for (let i = 0; i < confusion.length; i++) confusion[i] += found.confusion[i];
    for (let i = 0; i < Math.min(JUDGED, rows - start); i++) {
      const row = Array.from({ length: CLASSES }, (_, digit) => found.logits[i * CLASSES + digit]);
      taken.push(row.indexOf(Math.max(...row)));
    }
  }
  let right = 0;
  for (let digit = 0; digit < CLASSES; digit++) right += confusion[digit * CLASSES + digit];
  return { confusion, taken, right: right / rows };
}
