// npx tsx examples/digits/main.ts [--data FOLDER] [--steps N] [--seed N] [--threads N] [--save FILE] [--out FOLDER]
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { conv2d, optim, relu, tensor } from '2headgrad';
import { loadDigits } from '2headgrad/data';
import { confusionChart, filterImages, imageGrid, lineChart } from '2headgrad/report';
import { judge, PIXELS } from './judge.js';
import { BATCH, digits, RATE } from './model.js';

process.on('uncaughtException', ({ message }) => {
  console.error(message);
  process.exit(1);
});
const { data, steps, seed, threads, save, out } = options();
const NAMES = [...'0123456789'];

const { train, test, source } = await loadDigits(data);
const session = await digits.compile({ seed, threads });
session.data({ x: train.x, y: train.y });
console.log(`${train.rows} digits to train on and ${test.rows} held out: ${source}`);
console.log(`LeNet, ${session.parameterCount} parameters; ${steps} steps of ${BATCH} images\n`);

console.log('   step   loss on a batch   held out: loss   right');
const curve: { x: number; y: number }[] = [];
const started = { wall: performance.now(), used: process.cpuUsage() };
let good: string | undefined;
let judged = judge(session, test);
// An epoch is as many steps as take each digit once, on average.
const epoch = Math.max(1, Math.min(Math.round(train.rows / BATCH), Math.ceil(steps / 4)));
const lr = optim.schedule.oneCycle({ max: RATE, steps });
for await (const { at, loss } of session.run({ steps, lr, every: epoch })) {
  judged = judge(session, test);
  curve.push({ x: at, y: 100 * judged.right });
  if (judged.right >= 0.98) good ??= `98 % were after ${at} steps, ${spent()}`;
  console.error(`step ${at} of ${steps}, loss ${loss.toFixed(4)}`);
  if (curve.length % 4 === 0 || at === steps)
    console.log(
      `${String(at).padStart(7)}   ${loss.toFixed(4).padStart(15)}   ${session.evaluate({ x: test.x, y: test.y }).toFixed(4).padStart(14)}   ${percent(judged.right)}`,
    );
}
const wrong = judged.taken.flatMap((digit, i) => (digit === test.y[i] ? [] : [i]));
console.log(
  `\n${test.rows - wrong.length} of ${test.rows} held-out digits are told right: ${percent(judged.right)}`,
);
if (good) console.log(good);
draw();
if (save !== undefined) await session.save(save);
await session.close();

/** Since training began; on a busy machine the time of the processor says more. */
function spent(): string {
  const { user, system } = process.cpuUsage(started.used);
  const wall = (performance.now() - started.wall) / 1000;
  return `${wall.toFixed(0)} seconds, ${((user + system) / 1e6).toFixed(0)} of processor time`;
}

function draw() {
  mkdirSync(out, { recursive: true });
  const picture = (name: string, svg: string) => writeFileSync(join(out, `${name}.svg`), svg);
  const size = { height: 28, width: 28 };
  const image = (i: number) => test.x.subarray(i * PIXELS, (i + 1) * PIXELS);
  picture(
    'digits',
    imageGrid({
      title: 'Digits to train on',
      images: NAMES.concat(NAMES, NAMES).map((_, i) => train.x.subarray(i * PIXELS, (i + 1) * PIXELS)),
      ...size,
    }),
  );
  picture(
    'curve',
    lineChart({
      title: 'Held-out digits that are told right',
      x: 'step',
      y: 'percent',
      series: [{ label: 'right', points: curve.filter(({ y }) => y >= 90 || curve.at(-1)!.y < 95) }],
    }),
  );
  picture(
    'confusion',
    confusionChart({
      title: 'What the digits are, and what they were taken for',
      classes: NAMES,
      counts: judged.confusion,
    }),
  );
  const first = { weight: 'lenet.layers.0.weight', bias: 'lenet.layers.0.bias' };
  const weights = session.read(first.weight);
  picture(
    'filters',
    imageGrid({ title: 'The six filters of the first convolution', ...filterImages(weights, [5, 5, 1, 6]) }),
  );
  const seen = test.y.indexOf(4);
  const maps = relu(
    conv2d(tensor([...image(seen)]).reshape([1, 28, 28, 1]), tensor([...weights]).reshape([5, 5, 1, 6]), {
      padding: 2,
      bias: tensor([...session.read(first.bias)]),
    }),
  ) as ReturnType<typeof tensor>;
  const map = (channel: number) =>
    Float32Array.from({ length: PIXELS }, (_, i) => maps.data[6 * i + channel]);
  const filters = [0, 1, 2, 3, 4, 5].map(map);
  const most = Math.max(...maps.data);
  picture(
    'seen',
    imageGrid({
      title: 'What each filter makes of a digit',
      images: [image(seen).map((ink) => ink * most), ...filters],
      labels: ['the digit', ...filters.map((_, i) => `filter ${i + 1}`)],
      ...size,
    }),
  );
  if (wrong.length > 0)
    picture(
      'mistakes',
      imageGrid({
        title: 'Digits that were taken for others',
        note: `${wrong.length > 40 ? `the first 40 of ${wrong.length}` : `all ${wrong.length}`}: what it is, as what it was taken for`,
        images: wrong.slice(0, 40).map(image),
        labels: wrong.slice(0, 40).map((i) => `${test.y[i]} as ${judged.taken[i]}`),
        ...size,
      }),
    );
}

function percent(share: number): string {
  return `${(100 * share).toFixed(2)} %`;
}

function options() {
  const { values } = parseArgs({
    options: {
      data: { type: 'string' },
      steps: { type: 'string', default: '6000' },
      seed: { type: 'string', default: '42' },
      threads: { type: 'string', default: '1' },
      save: { type: 'string' },
      out: { type: 'string', default: fileURLToPath(new URL('.', import.meta.url)) },
    },
  });
  const whole = (name: 'steps' | 'seed' | 'threads', least: number) => {
    const value = Number(values[name]);
    if (Number.isInteger(value) && value >= least) return value;
    throw new Error(`--${name}: expected a whole number from ${least}, got ${values[name]}`);
  };
  return { ...values, steps: whole('steps', 1), seed: whole('seed', 0), threads: whole('threads', 1) };
}
