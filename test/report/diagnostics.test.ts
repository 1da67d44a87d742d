import { describe, expect, it } from 'vitest';
import { diagnosticsSections, rebin } from '../../src/report/diagnostics.js';
import type { DiagnosticsRecord, Spread } from '../../src/train/diagnostics.js';

const spread = (low: number, high: number, counts = [1, 2, 3, 4]): Spread => {
  return { mean: 0, std: (high - low) / 4, low, high, counts, notFinite: 0 };
};

const record = (at: number): DiagnosticsRecord => ({
  at,
  loss: 3,
  layers: [
    {
      name: 'hidden<1>',
      op: 'add',
      activation: spread(-2, 2),
      gradient: spread(-0.1, 0.1),
      saturated: null,
      dead: null,
    },
    { name: 'bend', op: 'tanh', activation: spread(-1, 1), gradient: null, saturated: 0.25, dead: 0.5 },
  ],
  parameters: [
    {
      name: 'weight',
      shape: [2, 3],
      data: { mean: 0, std: 1 },
      gradient: spread(-1, 1),
      update: { mean: 0, std: 0.01 },
      gradientToData: -0.3,
      updateToData: -2 - at / 100,
    },
    {
      name: 'bias',
      shape: [3],
      data: { mean: 0, std: 0 },
      gradient: spread(0, 0),
      update: { mean: 0, std: 0 },
      gradientToData: null,
      updateToData: null,
    },
  ],
});

const headings = (records: DiagnosticsRecord[]) =>
  diagnosticsSections({ every: 100, records }).map((section) => section.heading);
const textOf = (records: DiagnosticsRecord[], heading: string) => {
  const found = diagnosticsSections({ every: 100, records }).find((section) => section.heading === heading)!;
  return 'svg' in found ? found.svg : 'html' in found ? found.html : '';
};

describe('the sections of diagnostics', () => {
  const records = [record(0), record(100), record(200)];

  it('show distributions at the last step, ratios and saturation over time, and a table', () => {
    expect(headings(records)).toEqual([
      'Activations, step 201',
      'Gradients of the activations, step 201',
      'Gradients of the weights, step 201',
      'Update to data: weights',
      'Gradient to data: weights',
      'Saturated and dead',
      'Layers and parameters, step 201',
    ]);
    expect(textOf(records, 'Update to data: weights')).toContain('about right: 1e-3');
    expect(textOf(records, 'Saturated and dead')).toContain('bend: dead units');
    expect(textOf(records, 'Layers and parameters, step 201')).toMatch(/bend<.*25\.0 %<.*50\.0 %</);
  });

  it('escape names', () => {
    expect(textOf(records, 'Layers and parameters, step 201')).toContain('hidden&lt;1&gt;');
    expect(textOf(records, 'Activations, step 201')).toContain('hidden&lt;1&gt;');
  });

  it('leave out what has no values, and everything where nothing was looked at', () => {
    expect(headings(records)).not.toContain('Update to data: biases and gains');
    expect(diagnosticsSections({ every: 1, records: [] })).toEqual([]);
    expect(headings([record(0)])).toContain('Update to data: weights');
  });

  it('draw more parameters than there are colors in several charts', () => {
    const many = records.map((r) => ({
      ...r,
      parameters: Array.from({ length: 30 }, (_, i) => ({ ...r.parameters[0], name: `w${i}` })),
    }));
    expect(headings(many).filter((heading) => heading.startsWith('Update'))).toEqual([
      'Update to data: weights, 1',
      'Update to data: weights, 2',
      'Update to data: weights, 3',
      'Update to data: weights, 4',
      'Update to data: weights, 5',
    ]);
    expect(headings(many)).toContain('Gradients of the weights, step 201 (14 more are in the table)');
  });
});

describe('counts on another axis', () => {
  it('keep their number, shared among the bins that they overlap', () => {
    const { counts, outside } = rebin(spread(0, 4, [8, 0, 0, 4]), [0, 8], 16);
    expect(counts.slice(0, 2)).toEqual([4, 4]);
    expect(counts.slice(6, 8)).toEqual([2, 2]);
    expect(counts.reduce((a, b) => a + b)).toBe(12);
    expect(outside).toBe(0);
  });

  it('count what falls outside, and what is no number', () => {
    const { counts, outside } = rebin({ ...spread(-4, 4, [10, 20, 30, 40]), notFinite: 3 }, [-2, 2], 2);
    expect(counts).toEqual([20, 30]);
    expect(outside).toBe(53);
  });
});
