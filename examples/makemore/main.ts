// npx tsx examples/makemore/main.ts [--data FILE] [--steps N] [--seed N] [--out FOLDER]
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { init, optim } from '2headgrad';
import { contexts, loadWords, split, Vocabulary } from '2headgrad/data';
import { lineChart } from '2headgrad/report';
import { CONTEXT, ROWS, type Row, stepOf } from './models.js';

process.on('uncaughtException', ({ message }) => {
  console.error(message);
  process.exit(1);
});
const { data, steps, seed, out } = options();
const { words, source } = await loadWords(data);
const vocabulary = Vocabulary.from(words);
const parts = split(words, seed);
const [train, dev] = [parts.train, parts.dev].map((list) => contexts(list, vocabulary, CONTEXT));

console.log(`${words.length} words: ${source}`);
console.log(`${train.rows} rows to train on, ${dev.rows} to judge by; ${steps} steps each`);
console.log(`a uniform guess loses ln ${vocabulary.size} = ${init.expectedLoss(vocabulary.size).toFixed(4)}`);
if (data === undefined)
  console.log("The notebook's losses belong to names.txt of makemore: give it with --data.");
console.log();
console.log('                    first |  train     dev | notebook: train     dev | minutes');

const curves: { label: string; points: { x: number; y: number }[] }[] = [];
for (const row of ROWS) {
  const { first, losses, trained, judged, seconds } = await run(row);
  const ours = `${first.toFixed(2).padStart(7)} | ${trained.toFixed(4)}  ${judged.toFixed(4)}`;
  const theirs = `          ${row.notebook.train.toFixed(4)}  ${row.notebook.dev.toFixed(4)}`;
  console.log(`${row.name.padEnd(17)} ${ours} | ${theirs} | ${(seconds / 60).toFixed(1).padStart(7)}`);
  curves.push({ label: row.name, points: means(losses) });
}
mkdirSync(out, { recursive: true });
// Where the first rates have done their work the curves lie close together: what is above is cut off, to tell them apart.
const top = 1.25 * Math.min(...curves.map(({ points }) => points.at(-1)!.y));
const series = curves.map(({ label, points }) => ({ label, points: points.filter(({ y }) => y <= top) }));
const title = `Five ways to begin, ${steps.toLocaleString('en-US')} steps each`;
const y = `training loss, means over 200ths of the run, below ${top.toFixed(2)}`;
writeFileSync(join(out, 'curves.svg'), lineChart({ title, x: 'step', y, series }));

/** Trains one row of the table. */
async function run(row: Row) {
  const session = await stepOf(row, vocabulary.size).compile({ seed });
  session.data({ x: train.x, y: train.y });
  const losses: number[] = [];
  const started = performance.now();
  // The rate falls to a tenth half of the way.
  const lr = optim.schedule.step({ lr: 0.1, at: [Math.ceil(steps / 2)] });
  for await (const { at, loss, losses: some } of session.run({ steps, lr, every: Math.ceil(steps / 10) })) {
    for (const one of some) losses.push(one);
    console.error(`${row.name}: step ${at} of ${steps}, loss ${loss.toFixed(4)}`);
  }
  const seconds = (performance.now() - started) / 1000;
  if (row.batchNorm) session.calibrate({ x: train.x, y: train.y });
  const [trained, judged] = [train, dev].map(({ x, y }) => session.evaluate({ x, y }));
  await session.close();
  return { first: losses[0], losses, trained, judged, seconds };
}

/** The losses of single batches scatter widely: their means over two hundredths of the run. */
function means(losses: readonly number[]): { x: number; y: number }[] {
  const width = Math.max(1, Math.floor(losses.length / 200));
  return Array.from({ length: Math.floor(losses.length / width) }, (_, i) => {
    const part = losses.slice(i * width, (i + 1) * width);
    return { x: (i + 1) * width, y: part.reduce((a, b) => a + b) / width };
  });
}

function options() {
  const { values } = parseArgs({
    options: {
      data: { type: 'string' },
      steps: { type: 'string', default: '200000' },
      seed: { type: 'string', default: '42' },
      out: { type: 'string', default: fileURLToPath(new URL('.', import.meta.url)) },
    },
  });
  const whole = (name: 'steps' | 'seed', least: number) => {
    const value = Number(values[name]);
    if (Number.isInteger(value) && value >= least) return value;
    throw new Error(`--${name}: expected a whole number from ${least}, got ${values[name]}`);
  };
  return { ...values, steps: whole('steps', 2), seed: whole('seed', 0) };
}
