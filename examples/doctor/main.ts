// What the doctor says of a broken model and of its mended twin, and what the mistakes cost. Writes cost.svg.
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as Plot from '@observablehq/plot';
import { DivergedError, diagnose, init } from '2headgrad';
import { drawChart, guideY, SERIES } from '../../src/report/chart.js';
import { smooth } from '../../src/smooth.js';
import * as broken from './broken.js';
import { data } from './data.js';
import * as mended from './mended.js';

const folder = process.argv[2] ?? fileURLToPath(new URL('.', import.meta.url));
const columns = await data();

for (const [name, { step }, lr] of [
  ['broken.ts', broken, 100],
  ['mended.ts', mended, 0.1],
] as const) {
  const { findings, checked } = await diagnose(step, { data: columns, lr });
  console.log(`${name}: ${findings.length} findings, ${checked.length} rules`);
  for (const { rule, where, why, fix } of findings)
    console.log(`\n${rule} (${where})\n  ${why}\n  Fix: ${fix}`);
  console.log();
}

// One mistake at a time in the mended model, 2,000 steps each, all with the same compiled module.
const STEPS = 2000;
const zeros = { hidden: init.zeros, last: init.zeros };
const variants = [
  { label: 'mended', weights: {}, lr: 0.1 },
  { label: 'logits start too large', weights: { last: init.normal() }, lr: 0.1 },
  { label: 'tanh saturated', weights: { hidden: init.normal(0, 3) }, lr: 0.1 },
  { label: 'all zeros', weights: zeros, lr: 0.1 },
  { label: 'learning rate 30', weights: {}, lr: 30 },
];
const curves: { label: string; smoothed: Float64Array }[] = [];
for (const { label, weights, lr } of variants) {
  const session = await mended.names(weights).compile({ seed: 42 });
  session.data(columns);
  const losses: number[] = [];
  try {
    while (losses.length < STEPS) losses.push(session.step({ lr }));
  } catch (error) {
    if (!(error instanceof DivergedError)) throw error;
  }
  await session.close();
  const tail = losses.slice(-200);
  console.log(
    `${label.padEnd(24)} first loss ${losses[0].toFixed(2).padStart(6)}   last 200 steps ${(tail.reduce((a, b) => a + b) / tail.length).toFixed(3)}`,
  );
  curves.push({ label, smoothed: smooth(losses, 0.98) });
}

// What is above 4 is left out: a rate of 30 ends far above a uniform guess and would flatten all the rest.
const TOP = 4;
const points = curves.map(({ smoothed }) =>
  Array.from(smoothed, (loss, i) => ({ step: i + 1, loss: loss <= TOP ? loss : Number.NaN })).filter(
    (_, i) => i % 5 === 0,
  ),
);
const shown = [0, 1, 2, 3];
mkdirSync(folder, { recursive: true });
writeFileSync(
  `${folder}/cost.svg`,
  drawChart({
    title: 'What a mistake costs',
    axis: 'training loss, smoothed',
    legend: shown.map((i) => ({ label: curves[i].label, stroke: SERIES[i], width: 3 })),
    x: { label: 'step', domain: [0, STEPS] },
    y: { domain: [2.2, TOP], ticks: 8 },
    marks: [
      ...guideY(Math.log(27), 'uniform guess, ln 27', STEPS),
      ...shown.map((i) =>
        Plot.line(points[i], { x: 'step', y: 'loss', stroke: SERIES[i], strokeWidth: 2.2 }),
      ),
    ],
  }),
);
