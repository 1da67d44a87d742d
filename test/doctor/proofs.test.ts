import { describe, expect, it } from 'vitest';
import { admit, type Patient } from '../../src/doctor/patient.js';
import { cancelledAt } from '../../src/doctor/shifts.js';
import { inputAttrs, isInput } from '../../src/graph/graph.js';
import { intervals } from '../../src/graph/intervals.js';
import type { Interval } from '../../src/ops/interval.js';
import type { Elements } from '../../src/ops/op.js';
import { CASES, type Visit } from './cases.js';

// What the doctor proves from structure, against numbers in float64 at random parameters and inputs.

const PATIENTS = CASES.flatMap(({ name, broken, mended }) => [
  [`${name}, broken`, broken] as const,
  [`${name}, mended`, mended] as const,
]);
const admitted = ({ step, options = {} }: Visit): Patient => admit(step, { ...options, seed: 42 });
const size = (data: Elements) => Array.from(data).reduce((sum, x) => sum + Math.abs(x), 0);

describe.each(PATIENTS)('%s', (_, make) => {
  it('every value is within its interval', () => {
    const patient = admitted(make());
    for (const draw of [0, 1]) {
      const values = patient.randomValues(draw);
      // Whole numbers that are indices are bounded by what uses them; the inputs' own range is what was drawn.
      const known = new Map<string, Interval>();
      for (const node of patient.forward) {
        if (!isInput(node) || inputAttrs(node).role !== 'input') continue;
        const { data } = values.get(node)!;
        known.set(inputAttrs(node).name, { lo: Math.min(...data), hi: Math.max(...data) });
      }
      const bounds = intervals(patient.forward, known);
      for (const node of patient.forward) {
        const { lo, hi } = bounds.get(node)!;
        const slack = (x: number) => (Number.isFinite(x) ? 1e-9 * (1 + Math.abs(x)) : 0);
        const outside = values.get(node)!.data.find((x) => x < lo - slack(lo) || x > hi + slack(hi));
        expect(outside, `${node.op.name} (${node.where}) in [${lo}, ${hi}]`).toBeUndefined();
      }
    }
  });

  it('a parameter that is proved to cancel has no gradient but rounding', () => {
    const patient = admitted(make());
    const { parameters, forward, loss } = patient;
    const values = patient.randomValues(0);
    const gradients = parameters.filter((p) => p.gradient);
    const largest = Math.max(...gradients.map((p) => size(values.get(p.gradient!)!.data)));
    for (const { name, node, gradient } of gradients) {
      if (cancelledAt(forward, loss, node))
        expect(size(values.get(gradient!)!.data), name).toBeLessThan(1e-11 * Math.max(largest, 1e-3));
    }
  });
});
