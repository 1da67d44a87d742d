import { parseHTML } from 'linkedom';
import { expect, it } from 'vitest';
import { page } from '../../bench/page.js';
import type { Report, Row } from '../../bench/results.js';
import { product, WORKLOADS } from '../../bench/workloads.js';

function report(workloads: readonly string[], speeds: Record<string, number>): Report {
  const results = workloads.flatMap((workload) =>
    Object.entries(speeds).map(
      ([engine, speed]): Row => ({
        workload,
        engine,
        threads: 1,
        steps_per_second: speed,
        spread: null,
        gflops: speed / 10,
        of_ceiling: engine === 'torch' ? null : speed / 1000,
        compile_ms: null,
        peak_bytes: null,
        samples: 1,
      }),
    ),
  );
  const ceiling = { strict: 100, relaxed: null };
  const peers = { torch: { version: '<2>' }, tfjs: { missing: 'nobody installed it' } };
  return {
    ceiling_gflops: ceiling,
    results,
    peers,
    node: '20.0.0',
    cpu: 'a & b',
    threads: 1,
    quick: true,
    without: [],
  };
}

/** How many dots each chart has, and where those of the last workload are. */
function chartsOf(html: string) {
  const { document } = parseHTML(html);
  return [...document.querySelectorAll('svg')].map((svg) => {
    const dots = [...svg.querySelectorAll('[aria-label=dot] path')];
    const x = dots.map((dot) => Number(/translate\(([\d.]+)/.exec(dot.getAttribute('transform')!)![1]));
    return { dots: dots.length, x };
  });
}

it('shows each engine at its speed, and at its share of the ceiling where it has one', () => {
  const speeds = { tape: 10, compiled: 100, torch: 1000 };
  const html = page(report(['W1', 'W2'], speeds), WORKLOADS.slice(0, 4));
  const [speed, share] = chartsOf(html);
  expect([speed.dots, share.dots]).toEqual([6, 4]);
  const [tape, compiled, torch] = speed.x;
  // Ten times as fast is as far again, the axis being logarithmic.
  expect(compiled - tape).toBeGreaterThan(100);
  expect(torch - compiled).toBeCloseTo(compiled - tape, 0);
  expect(html).toContain('torch is version &lt;2&gt;.');
  expect(html).toContain('tfjs is missing: nobody installed it.');
  expect(html).not.toMatch(/NaN|undefined|Infinity|(src|href)="http/);
});

it('bare products are compared with compiled code, for they have no tape', () => {
  const html = page(report(['3x4x5'], { compiled: 100, 'compiled-relaxed': 150 }), [product(3, 4, 5)]);
  expect(html).toContain('in times the speed of compiled strict code');
  expect(chartsOf(html).map(({ dots }) => dots)).toEqual([2, 2]);
  expect(html).not.toMatch(/NaN|undefined|Infinity/);
});
