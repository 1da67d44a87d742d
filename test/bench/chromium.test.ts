import { expect, it } from 'vitest';
import { readOptions } from '../../bench/chromium/options.js';
import { type TextReport, trainText } from '../../bench/chromium/train-text.js';

it('a training on a text for a time takes as many steps as fit, with reports on the way and a sample', async () => {
  const ids = (n: number, from: number) => Int32Array.from({ length: n }, (_, i) => (i + from) % 5);
  const rows = (n: number) => ({ x: ids(8 * n, 0), y: ids(8 * n, 1) });
  const reports: TextReport[] = [];
  const training = {
    model: { vocab: 5, context: 8, width: 8, heads: 1, layers: 1 },
    ...{ batch: 2, clip: 1, seed: 1, threads: 1, lr: 0.01, warmup: 0.05 },
    data: { train: rows(20), watched: rows(4), measured: rows(8) },
    sample: { begin: [0], length: 12 },
  };
  const result = await trainText({ ...training, seconds: 0.5, steps: null, reports: 3 }, (report) =>
    reports.push(report),
  );
  const { steps, losses, sample, held } = result;
  expect(losses).toHaveLength(steps);
  expect(steps).toBeGreaterThan(10);
  const every = Math.ceil(steps / 3);
  expect(reports.map(({ at }) => at)).toEqual([every, 2 * every, steps]);
  expect(reports.every((report) => report.steps === steps)).toBe(true);
  expect(sample).toHaveLength(12);
  expect(sample.every((token) => Number.isInteger(token) && token >= 0 && token < 5)).toBe(true);
  expect(held).toBeLessThan(Math.log(5));
  // The speed was measured by steps that left no trace: the same number of them, asked for, gives the same losses.
  const same = await trainText({ ...training, seconds: 60, steps, reports: 1 }, () => {});
  expect(same.losses).toEqual(losses);
  expect(same.sample).toEqual(sample);
});

it.each([
  ['--text --digits', '--text and --digits are two runs'],
  ['--node', '--node goes with --text or --digits'],
  ['--text --minutes 0', '--minutes: expected a number above 0, got 0'],
  ['--digits --every 1.5', '--every: expected a whole number from 1, got 1.5'],
  ['--text --heads 3', '--heads 3 does not divide --dim 128'],
  ['--nonsense', '--nonsense'],
])('called wrongly (%s) it says so', (words, message) => {
  expect(() => readOptions(words.split(' '))).toThrow(message);
});

it('the model of texts has the sizes that are asked for', () => {
  expect(readOptions(['--text', '--layers', '3', '--dim', '96']).model).toEqual({ layers: 3, dim: 96 });
  expect(readOptions(['--text'])).toMatchObject({ mode: 'text', minutes: 10, steps: null, model: {} });
  expect(readOptions(['--digits', '--percent', '97.5'])).toMatchObject({ mode: 'digits', share: 0.975 });
});
