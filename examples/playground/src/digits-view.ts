import { element } from './dom.js';
import { DrawingPad, drawPixels } from './drawing-pad.js';
import { SIDE } from './handwriting.js';
import type { Digits, Shown } from './protocol.js';
import { onTheme } from './theme.js';

const CLASSES = 10;
const PIXELS = SIDE * SIDE;

/** A digit that somebody draws, what the model takes it for, and held-out digits that it takes for others. */
export class DigitsView {
  private readonly pad: DrawingPad;
  private readonly bars: { row: HTMLElement; bar: HTMLElement; said: HTMLElement }[];
  private digits: Digits | null = null;
  private wrong: NonNullable<Shown['wrong']> = [];
  /** The held-out digit that is shown next. */
  private next = 0;

  constructor(
    load: () => Promise<Digits>,
    private readonly changed: () => void,
    guarded: (act: () => Promise<void>) => Promise<void>,
  ) {
    this.pad = new DrawingPad(() => {
      if (!this.pad.pixels) this.clearBars();
      this.changed();
    });
    this.bars = Array.from({ length: CLASSES }, (_, digit) => barOf(digit));
    element('probabilities').replaceChildren(...this.bars.map(({ row }) => row));
    element('pad-clear').addEventListener('click', () => {
      element('pad-said').textContent = '';
      this.pad.clear();
    });
    element('pad-take').addEventListener('click', () =>
      guarded(async () => this.take(await load(), this.next++)),
    );
    onTheme(() => this.showWrong(this.wrong, true));
  }

  get wish(): { drawing: Uint8Array | null } {
    return { drawing: this.pad.pixels };
  }

  start(digits: Digits | null): void {
    this.digits = digits;
    this.clearBars();
    this.showWrong([], true);
  }

  show({ probabilities, wrong }: Shown): void {
    if (probabilities && this.pad.pixels) this.showBars(probabilities);
    if (wrong) this.showWrong(wrong);
  }

  /** Puts a held-out digit onto the pad. */
  private take(digits: Digits, number: number): void {
    const { labels, heldOut } = digits;
    const row = labels.length - heldOut + (number % heldOut);
    this.pad.show(imageOf(digits, row));
    element('pad-said').textContent =
      `Held-out digit ${(number % heldOut) + 1}: somebody wrote a ${labels[row]}.`;
  }

  private showBars(probabilities: Float32Array): void {
    const best = probabilities.indexOf(Math.max(...probabilities));
    this.bars.forEach(({ row, bar, said }, digit) => {
      const percent = 100 * probabilities[digit];
      bar.style.width = `${percent}%`;
      said.textContent = `${percent.toFixed(percent < 99.95 && percent >= 0.05 ? 1 : 0)} %`;
      row.classList.toggle('best', digit === best);
    });
  }

  private clearBars(): void {
    for (const { row, bar, said } of this.bars) {
      bar.style.width = '0';
      said.textContent = '–';
      row.classList.remove('best');
    }
  }

  private showWrong(wrong: NonNullable<Shown['wrong']>, anew = false): void {
    const { digits } = this;
    const place = element('wrong');
    // What is there stays, with the focus that it may have.
    const same = JSON.stringify(wrong) === JSON.stringify(this.wrong);
    this.wrong = wrong;
    if (same && !anew) return;
    const items = digits ? wrong.filter(({ index }) => index < digits.heldOut) : [];
    place.replaceChildren(...items.map((mistake) => this.mistake(digits!, mistake)));
    element('wrong-title').hidden = items.length === 0;
  }

  private mistake(digits: Digits, { index, said }: { index: number; said: number }): HTMLElement {
    const row = digits.labels.length - digits.heldOut + index;
    const item = document.createElement('li');
    const button = document.createElement('button');
    button.type = 'button';
    const canvas = document.createElement('canvas');
    canvas.className = 'pixels';
    canvas.width = canvas.height = SIDE;
    drawPixels(canvas.getContext('2d')!, imageOf(digits, row), SIDE);
    const label = document.createElement('span');
    label.textContent = `${digits.labels[row]}, not ${said}`;
    button.append(canvas, label);
    button.title = 'Put it onto the pad';
    button.addEventListener('click', () => this.take(digits, index));
    item.append(button);
    return item;
  }
}

function imageOf({ pixels }: Digits, row: number): Uint8Array {
  return pixels.slice(row * PIXELS, (row + 1) * PIXELS);
}

function barOf(digit: number) {
  const row = document.createElement('li');
  const [name, track, said] = ['b', 'span', 'span'].map((tag) => document.createElement(tag));
  const bar = document.createElement('span');
  name.textContent = String(digit);
  track.className = 'track';
  bar.className = 'bar';
  track.append(bar);
  said.className = 'share';
  said.textContent = '–';
  row.append(name, track, said);
  return { row, bar, said };
}
