// What the doctor says of a broken model and of its mended twin, and what the mistakes cost. Writes cost.svg.
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { DivergedError, diagnose, init } from '2headgrad';
import { lineChart, smooth } from '2headgrad/report';
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

// The run whose loss explodes is left out, and what is above 4: they would flatten all the rest.
const line = (losses: Float64Array) =>
  Array.from(losses, (y, i) => ({ x: i + 1, y })).filter(({ y }) => y <= 4);
mkdirSync(folder, { recursive: true });
writeFileSync(
  `${folder}/cost.svg`,
  lineChart({
    title: 'What a mistake costs',
    x: 'step',
    y: 'training loss, smoothed',
    series: curves.slice(0, 4).map(({ label, smoothed }) => ({ label, points: line(smoothed) })),
    guides: [{ label: 'uniform guess, ln 27', points: [1400, STEPS].map((x) => ({ x, y: Math.log(27) })) }],
  }),
);
