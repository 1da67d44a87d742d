// npx tsx examples/ladder/main.ts [--data FILE] [--steps N] [--seed N] [--only NAMES] [--out FOLDER]
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { init, optim, RandomStream, type Session } from '2headgrad';
import { loadWords, split, Vocabulary } from '2headgrad/data';
import { lineChart } from '2headgrad/report';
import { BATCH, NONE, PLACES, RUNGS, stepOf } from './models.js';

process.on('uncaughtException', ({ message }) => {
  console.error(message);
  process.exit(1);
});
const { data, steps, seed, rungs, out } = options();
const loaded = await loadWords(data);
const words = loaded.words.filter((word) => [...word].length < PLACES);
const vocabulary = Vocabulary.from(words);
const parts = split(words, seed);
const [train, dev, test] = [parts.train, parts.dev, parts.test].map(placesOf);

console.log(`${words.length} words of up to ${PLACES - 1} letters: ${loaded.source}`);
console.log(
  `${train.letters} letters to train on, ${dev.letters} and ${test.letters} to judge by; ${steps} steps of ${BATCH} words each`,
);
console.log(
  `a uniform guess loses ln ${vocabulary.size} = ${init.expectedLoss(vocabulary.size).toFixed(4)}\n`,
);
console.log('          sees                    parameters    train     dev    test   made up');
line('counted', '1 letter', vocabulary.size ** 2, [train, dev, test].map(counted()), []);
const curves: { label: string; points: { x: number; y: number }[] }[] = [];
for (const { name, sees, rate, make } of rungs) {
  const session = await stepOf(make(vocabulary.size), vocabulary.size, name).compile({ seed });
  session.data({ x: train.x, y: train.y });
  const points: { x: number; y: number }[] = [];
  const lr = optim.schedule.oneCycle({ max: rate, steps });
  for await (const { at, loss } of session.run({ steps, lr, every: Math.ceil(steps / 20) })) {
    console.error(`${name}: step ${at} of ${steps}, loss ${loss.toFixed(4)}`);
    points.push({ x: at, y: nats(session, dev) });
  }
  curves.push({ label: name, points });
  line(
    name,
    sees,
    session.parameterCount,
    [train, dev, test].map((part) => nats(session, part)),
    [0, 1, 2].map((i) => sample(session, i)),
  );
  await session.close();
}
mkdirSync(out, { recursive: true });
// The first of a run that begins with the loss of a guess would leave no room to tell the others apart.
const top = 1.15 * Math.min(...curves.map(({ points }) => points.at(-1)!.y));
const series = curves.map(({ label, points }) => ({ label, points: points.filter(({ y }) => y <= top) }));
const title = 'Models of names, on names that they have not seen';
if (series.some(({ points }) => points.length > 0))
  writeFileSync(join(out, 'ladder.svg'), lineChart({ title, x: 'step', y: 'nats a letter', series }));

interface Places {
  x: Int32Array;
  y: Int32Array;
  rows: number;
  letters: number;
}

/** Each word with its boundary before it, as many places as the longest has, and the letter after each place. */
function placesOf(list: readonly string[]): Places {
  const x = new Int32Array(list.length * PLACES);
  const y = new Int32Array(list.length * PLACES).fill(NONE);
  let letters = 0;
  list.forEach((word, row) => {
    const ids = [...vocabulary.encode(word)];
    x.set(ids, row * PLACES + 1);
    y.set([...ids, Vocabulary.BOUNDARY], row * PLACES);
    letters += ids.length + 1;
  });
  return { x, y, rows: list.length, letters };
}

/** Nats a letter, over all words of a part. */
function nats(session: Session, { x, y, rows, letters }: Places): number {
  let sum = 0;
  for (let start = 0; start < rows; start += BATCH) {
    const [ids, targets] = [new Int32Array(BATCH * PLACES), new Int32Array(BATCH * PLACES).fill(NONE)];
    ids.set(x.subarray(start * PLACES, (start + BATCH) * PLACES));
    targets.set(y.subarray(start * PLACES, (start + BATCH) * PLACES));
    sum += session.invoke('nats', { x: ids, y: targets }).output[0];
  }
  return sum / letters;
}

/** The first rung without training: how often a letter follows another, and one more. */
function counted(): (part: Places) => number {
  const size = vocabulary.size;
  const pairs = new Float64Array(size * size).fill(1);
  for (const [at, next] of train.y.entries()) if (next !== NONE) pairs[train.x[at] * size + next]++;
  const share = (a: number, b: number) =>
    pairs[a * size + b] / pairs.subarray(a * size, (a + 1) * size).reduce((sum, n) => sum + n);
  return ({ x, y, letters }) =>
    y.reduce((sum, next, at) => (next === NONE ? sum : sum - Math.log(share(x[at], next))), 0) / letters;
}

/** A word that the model makes up. */
function sample(session: Session, which: number): string {
  const random = new RandomStream(seed, 4);
  const ids = new Int32Array(PLACES);
  for (let at = 0; at < PLACES - 1; at++) {
    const all = session.predict({ x: ids }) as ArrayLike<number>;
    let left = random.uniform(which * PLACES + at);
    let next = 0;
    while (next < vocabulary.size - 1 && (left -= all[at * vocabulary.size + next]) >= 0) next++;
    if (next === Vocabulary.BOUNDARY) return vocabulary.decode(ids.subarray(1, at + 1));
    ids[at + 1] = next;
  }
  return vocabulary.decode(ids.subarray(1));
}

function line(
  name: string,
  sees: string,
  parameters: number,
  losses: readonly number[],
  made: readonly string[],
) {
  const cells = losses.map((loss) => loss.toFixed(4)).join('  ');
  console.log(
    `${name.padEnd(9)} ${sees.padEnd(23)} ${String(parameters).padStart(10)}   ${cells}   ${made.join(', ')}`.trimEnd(),
  );
}

function options() {
  const { values } = parseArgs({
    options: {
      data: { type: 'string' },
      steps: { type: 'string', default: '3000' },
      seed: { type: 'string', default: '42' },
      only: { type: 'string' },
      out: { type: 'string', default: fileURLToPath(new URL('.', import.meta.url)) },
    },
  });
  const whole = (name: 'steps' | 'seed', least: number) => {
    const value = Number(values[name]);
    if (Number.isInteger(value) && value >= least) return value;
    throw new Error(`--${name}: expected a whole number from ${least}, got ${values[name]}`);
  };
  const names = RUNGS.map(({ name }) => name);
  const only = values.only?.split(',') ?? names;
  const odd = only.find((name) => !names.includes(name));
  if (odd !== undefined) throw new Error(`--only: there is no ${odd}; there are ${names.join(', ')}`);
  const rungs = RUNGS.filter(({ name }) => only.includes(name));
  return { ...values, rungs, steps: whole('steps', 1), seed: whole('seed', 0) };
}
