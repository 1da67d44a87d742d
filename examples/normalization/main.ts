// npx tsx examples/normalization/main.ts [FOLDER]: four ways to keep activations in order, on a badly begun network.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  crossEntropy,
  type Eager,
  f32,
  i32,
  init,
  nn,
  optim,
  RandomStream,
  type Session,
  softmax,
  type Tensor,
  tensor,
  trainStep,
} from '2headgrad';
import { contexts, loadWords, split, Vocabulary } from '2headgrad/data';
import { lineChart } from '2headgrad/report';
import { moved, withStd, withVariance } from './norms.js';

const STEPS = 3000;
const CONTEXT = 3;
const EMBED = 10;
const HIDDEN = 50;
const DEPTH = 5;

const folder = process.argv[2] ?? fileURLToPath(new URL('.', import.meta.url));
const { words } = await loadWords();
const vocabulary = Vocabulary.from(words);
const parts = split(words, 42);
const train = contexts(parts.train, vocabulary, CONTEXT);
const dev = contexts(parts.dev, vocabulary, CONTEXT);

/** Bengio's network with five hidden layers and weights of deviation 1, far too large; norms stand before each tanh. */
function stepOf(norm?: () => nn.Module) {
  const width = (k: number) => (k === 0 ? CONTEXT * EMBED : HIDDEN);
  const each = <T>(make: (k: number) => T) => Array.from({ length: DEPTH }, (_, k) => make(k));
  return trainStep({
    model: {
      embedding: nn.embedding(vocabulary.size, EMBED),
      hidden: each((k) =>
        nn.linear(width(k), HIDDEN, { weight: init.normal(), biasInit: init.zeros, bias: !norm }),
      ),
      norms: norm ? each(norm) : [],
      output: nn.linear(HIDDEN, vocabulary.size, { weight: init.normal(0, 0.01), biasInit: init.zeros }),
    },
    batch: { x: i32(32, CONTEXT), y: i32(32) },
    loss: (model, { x, y }) => crossEntropy(logits(model, x), y),
    optimizer: optim.sgd(),
    predict: { inputs: { x: i32(1, CONTEXT) }, output: (model, { x }) => softmax(logits(model, x)) },
  });
}

interface Model {
  embedding: nn.Module;
  hidden: nn.Module[];
  norms: nn.Module[];
  output: nn.Module;
}

function logits({ embedding, hidden, norms, output }: Model, ids: Tensor): Tensor {
  let x = embedding(ids).reshape([ids.shape[0], CONTEXT * EMBED]);
  hidden.forEach((linear, k) => {
    const before = linear(x);
    x = (norms[k] ? norms[k](before) : before).tanh();
  });
  return output(x);
}

/** Trains, and tells the mean loss of every hundred steps. */
async function learn(session: Session) {
  session.data({ x: train.x, y: train.y });
  const points: { x: number; y: number }[] = [];
  for await (const { at, losses } of session.run({ steps: STEPS, lr: 0.1, every: 100 }))
    points.push({ x: at, y: losses.reduce((a, b) => a + b) / losses.length });
  return points;
}

function report(name: string, session: Session) {
  const loss = session.evaluate({ x: dev.x, y: dev.y }).toFixed(4);
  console.log(`${name.padEnd(34)} ${loss}   ${[0, 1, 2, 3].map((i) => sample(session, i)).join(' ')}`);
}

/** A name, one character at a time, each drawn by its probability. */
function sample(session: Session, which: number): string {
  const random = new RandomStream(7, which);
  const ids: number[] = [0, 0, 0];
  while (ids.length < 20) {
    const probabilities = session.predict({ x: ids.slice(-CONTEXT) });
    let left = random.uniform(ids.length);
    const id = probabilities.findIndex((p) => (left -= p) < 0);
    if (id <= 0) break;
    ids.push(id);
  }
  return vocabulary.decode(ids.slice(CONTEXT));
}

/** A batch of 32 rows of 50 neurons, normalized by hand; neuron 0 gives the same for every row. */
function byHand() {
  const random = new RandomStream(42, 0);
  const numbers = Array.from({ length: 32 * HIDDEN }, (_, i) => (i % HIDDEN ? 3 + 10 * random.normal(i) : 5));
  const exact = (values: number | number[]) => tensor(values, { precision: 'float64' });
  const list = (t: Tensor) => Array.from((t as Eager).data);
  const x = exact(numbers).reshape([32, HIDDEN]);
  const ways = [withStd, withVariance];
  const norms = { batch: () => nn.batchNorm1d(HIDDEN), layer: () => nn.layerNorm(HIDDEN) };
  console.log('one batch by hand          deviation   a neuron that never changes   apart from nn');
  for (const [name, axis] of [
    ['batch', 0],
    ['layer', 1],
  ] as const) {
    for (const way of ways) {
      const made = list(way(x, axis));
      // Over the rows of neuron 1, or over the neurons of row 0.
      const along = axis === 0 ? made.filter((_, i) => i % HIDDEN === 1) : made.slice(0, HIDDEN);
      const deviation = Math.sqrt(along.reduce((sum, v) => sum + v * v, 0) / along.length);
      // Training a step tells how far the module and the line are apart: that is its loss.
      const apart = trainStep({
        model: norms[name](),
        batch: { x: f32(32, HIDDEN) },
        loss: (norm, { x }) => norm(x).sub(way(x, axis)).abs().max(),
        optimizer: optim.sgd(),
      }).interpret({ precision: 'float64' });
      const changing = numbers.map((v, i) => (i % HIDDEN ? v : random.normal(i)));
      const off = apart.step({ lr: 0, batch: { x: changing } });
      const label = `${name} norm, ${way === withStd ? 'x.std' : 'variance'}`;
      const constant = axis === 0 ? String(made[0]) : '';
      console.log(
        `${label.padEnd(26)} ${deviation.toFixed(4)}      ${constant.padEnd(29)} ${off.toExponential(1)}`,
      );
    }
  }
  const start = moved(withVariance(x, 0), exact(1), exact(0));
  console.log(
    `gain 1 and bias 0 change nothing: ${String(list(start)) === String(list(withVariance(x, 0)))}\n`,
  );
}

byHand();
console.log(`${''.padEnd(34)} dev loss after ${STEPS} steps, and names`);
const curves: { label: string; points: { x: number; y: number }[] }[] = [];

const plain = await stepOf().compile();
curves.push({ label: 'nothing', points: await learn(plain) });
report('nothing', plain);
await plain.close();

// What batch norm would take off and divide by, once and before training: into the weights and biases before it.
const fixed = await stepOf().compile();
const probe = await stepOf(() => nn.batchNorm1d(HIDDEN, { affine: false })).compile();
probe.calibrate({ x: train.x, y: train.y });
for (let k = 0; k < DEPTH; k++) {
  const mean = Array.from(probe.read(`norms.${k}.runningMean`));
  const std = Array.from(probe.read(`norms.${k}.runningVariance`), Math.sqrt);
  const weight = Array.from(probe.read(`hidden.${k}.weight`), (w, i) => w / std[i % HIDDEN]);
  fixed.write(`hidden.${k}.weight`, weight);
  fixed.write(
    `hidden.${k}.bias`,
    mean.map((m, j) => -m / std[j]),
  );
}
curves.push({ label: 'hard, before training only', points: await learn(fixed) });
report('hard, before training only', fixed);
await fixed.close();

curves.push({ label: 'hard, in every step', points: await learn(probe) });
report('hard, in every step', probe);
await probe.close();

const batch = await stepOf(() => nn.batchNorm1d(HIDDEN)).compile();
curves.push({ label: 'batch norm', points: await learn(batch) });
report('batch norm, running statistics', batch);
batch.calibrate({ x: train.x, y: train.y });
report('batch norm, calibrated', batch);
await batch.close();

const layer = await stepOf(() => nn.layerNorm(HIDDEN)).compile();
curves.push({ label: 'layer norm', points: await learn(layer) });
report('layer norm', layer);
await layer.close();

const title = 'A badly begun network, normalized in four ways';
const svg = lineChart({ title, x: 'step', y: 'training loss, mean of 100 steps', series: curves });
writeFileSync(join(folder, 'losses.svg'), svg);
