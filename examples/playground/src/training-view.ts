import { Chart } from './charts.js';
import { count, digits, element } from './dom.js';
import { showKind, TELLING } from './kinds.js';
import type { Kind, Progress, Started } from './protocol.js';

/** Numbers and charts of the training that is going on. */
export class TrainingView {
  private readonly loss = new Chart(element('chart-loss'), {
    series: [
      { label: 'training', colour: '--series-1' },
      { label: 'unseen words', colour: '--series-2', sparse: true },
    ],
    exact: digits,
  });
  private readonly speed = new Chart(element('chart-speed'), {
    series: [{ label: 'steps a second', colour: '--series-1' }],
    fromZero: true,
    exact: speedText,
  });
  private readonly share = new Chart(element('chart-share'), {
    series: [{ label: 'percent', colour: '--series-2', sparse: true }],
    fromZero: true,
  });
  private kind: Kind = 'words';

  /** Steps that were taken. */
  at = 0;

  /** Before a model is in use, as it will be for one of this kind. */
  prepare(kind: Kind): void {
    this.kind = kind;
    const { loss, tile, share } = TELLING[kind];
    showKind('train', kind);
    element('loss-name').textContent = loss;
    element('loss-title').textContent = loss;
    element('dev-name').textContent = tile;
    element('share').hidden = share === null;
    element('pair').classList.toggle('one', share === null);
  }

  /** Begins anew, for a model that starts; with `at`, one that goes on from a checkpoint. */
  start(kind: Kind, started: Started, at = 0): void {
    this.prepare(kind);
    for (const chart of [this.loss, this.speed, this.share]) chart.clear();
    this.at = at;
    element('at').textContent = count(at);
    for (const id of ['loss', 'dev', 'speed']) element(id).textContent = '–';
    const { loss, unit, unseen, share } = TELLING[kind];
    const guess = Math.log(started.tokens) / unit;
    this.loss.setReference(guess);
    this.loss.rename(1, unseen);
    const legend = [
      ['training', '--series-1'],
      [unseen, '--series-2'],
      [`uniform guess ${digits(guess)}`, ''],
    ].map(([label, colour]) => {
      const item = document.createElement('span');
      item.textContent = label;
      if (colour) item.style.setProperty('--swatch', `var(${colour})`);
      else item.className = 'dashed';
      return item;
    });
    element('loss-legend').replaceChildren(...legend);
    element('chart-loss').setAttribute('aria-label', `${loss} by step; a uniform guess has ${digits(guess)}`);
    if (!share) return;
    const title = share.title(started);
    element('share-title').textContent = title;
    element('chart-share').setAttribute('aria-label', title);
    this.share.rename(0, share.label);
  }

  progress(progress: Progress): void {
    const { at, loss, stepsPerSecond, devLoss } = progress;
    const { unit, tileText, share } = TELLING[this.kind];
    this.at = at;
    element('at').textContent = count(at);
    if (Number.isFinite(loss)) {
      element('loss').textContent = digits(loss / unit);
      element('speed').textContent = speedText(stepsPerSecond);
      this.loss.add(at, loss / unit, devLoss === undefined ? undefined : devLoss / unit);
      this.speed.add(at, stepsPerSecond);
    }
    const tile = tileText(progress);
    if (tile !== undefined) element('dev').textContent = tile;
    const part = share?.of(progress);
    if (part !== undefined) this.share.add(at, 100 * part);
  }
}

/** Slow models take a few steps a second, where a whole number says too little. */
function speedText(stepsPerSecond: number): string {
  return stepsPerSecond < 100 ? String(Number(stepsPerSecond.toPrecision(2))) : count(stepsPerSecond);
}
