import { Chart } from './charts.js';
import { count, digits, element } from './dom.js';
import type { Progress, Started } from './protocol.js';

/** Numbers, charts and words of the training that is going on. */
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
    exact: count,
  });
  private readonly saturation = new Chart(element('chart-saturation'), {
    series: [{ label: 'percent', colour: '--series-2', sparse: true }],
    fromZero: true,
  });

  /** Steps that were taken. */
  at = 0;

  /** Begins anew, for a model that starts; with `at`, one that goes on from a checkpoint. */
  start({ tokens, hasTanh }: Pick<Started, 'tokens' | 'hasTanh'>, at = 0): void {
    for (const chart of [this.loss, this.speed, this.saturation]) chart.clear();
    this.at = at;
    element('at').textContent = count(at);
    for (const id of ['loss', 'dev', 'speed']) element(id).textContent = '–';
    const guess = Math.log(tokens);
    this.loss.setReference(guess);
    const legend = [
      ['training', '--series-1'],
      ['unseen words', '--series-2'],
      [`uniform guess ${digits(guess)}`, ''],
    ].map(([label, colour]) => {
      const item = document.createElement('span');
      item.textContent = label;
      if (colour) item.style.setProperty('--swatch', `var(${colour})`);
      else item.className = 'dashed';
      return item;
    });
    element('loss-legend').replaceChildren(...legend);
    element('chart-loss').setAttribute('aria-label', `Loss by step; a uniform guess has ${digits(guess)}`);
    element('saturation-title').textContent = hasTanh
      ? 'tanh beyond ±0.97, percent'
      : 'This model has no tanh that could saturate';
    this.samples([]);
  }

  progress({ at, loss, stepsPerSecond, devLoss, saturation, samples }: Progress): void {
    this.at = at;
    element('at').textContent = count(at);
    if (Number.isFinite(loss)) {
      element('loss').textContent = digits(loss);
      element('speed').textContent = count(stepsPerSecond);
      this.loss.add(at, loss, devLoss);
      this.speed.add(at, stepsPerSecond);
    }
    if (devLoss !== undefined) element('dev').textContent = digits(devLoss);
    if (saturation !== undefined) this.saturation.add(at, 100 * saturation);
    if (samples) this.samples(samples);
  }

  samples(words: readonly string[]): void {
    const items = words.map((word) => {
      const item = document.createElement('li');
      item.textContent = word || '(an empty word)';
      // Long ones are cut.
      item.title = word;
      return item;
    });
    if (items.length === 0) {
      const empty = document.createElement('li');
      empty.className = 'empty';
      empty.textContent = 'They appear as it learns.';
      items.push(empty);
    }
    element('samples').replaceChildren(...items);
  }
}
