// The network of Bengio et al. (2003), step by step. Writes network.svg and loss.svg beside this file.
import { mkdir, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import {
  bengio,
  compileFunction,
  crossEntropy,
  f32,
  i32,
  optim,
  type Session,
  type Tensor,
  trace,
  trainStep,
} from '2headgrad';
import { type Contexts, contexts, loadWords, split, Vocabulary } from '2headgrad/data';
import { dotToSvg, lineChart, type Series } from '2headgrad/report';
import {
  context,
  logits,
  longWay,
  parameters,
  probabilities,
  type Sizes,
  shortWay,
  slip,
  vocab,
  walk,
} from './network.js';

const folder = process.argv[2] ?? fileURLToPath(new URL('.', import.meta.url));
await mkdir(folder, { recursive: true });
await writeFile(
  `${folder}/network.svg`,
  await dotToSvg(`digraph "The network of Bengio et al. (2003)" {
    graph [rankdir=LR nodesep=0.2 ranksep=0.45 bgcolor="transparent"]
    node [shape=box style="rounded,filled" fillcolor="#eef2f7" color="#6b7683" fontname="Helvetica" fontsize=13]
    edge [color="#3f4a56" arrowsize=0.7 fontname="Helvetica" fontsize=13]
    subgraph { rank=same a [label="token\\nt−3"] b [label="token\\nt−2"] c [label="token\\nt−1"] }
    x [label="x\\nvectors side by side"] h [label="tanh(d + H x)"] y [label="y = b + W x + U tanh(d + H x)"]
    p [label="softmax\\nprobabilities of token t"]
    a -> x [label=" C"] b -> x [label=" C"] c -> x [label=" C"]
    x -> h [label=" H"] h -> y [label=" U"] y -> p
    x -> y [label=" W, the direct connections" style=dashed penwidth=1.6 color="#c4501b" fontcolor="#c4501b"]
  }`),
);

const { words } = await loadWords();
const vocabulary = Vocabulary.from(words);
const parts = split(words, 42);
const [train, dev] = [contexts(parts.train, vocabulary, context), contexts(parts.dev, vocabulary, context)];
console.log(`${words.length} names: ${train.rows} rows of ${context} characters to train on`);

type Loss = (y: Tensor, targets: Tensor) => Tensor;
const sizes = { embed: 2, hidden: 100 };

/** A training step of the network; what it minimizes is a function of logits and targets. */
const define = (loss: Loss, options: Sizes = sizes) =>
  trainStep({
    name: 'bengio',
    model: parameters(options),
    batch: { x: i32(32, context), y: i32(32) },
    loss: (model, { x, y }) => loss(logits(model, x), y),
    optimizer: optim.sgd(),
  });

// 1. The shapes of all that is made on the way, of one batch.
const shapes = {
  C: f32(vocab, 2),
  H: f32(6, 100),
  d: f32(100),
  U: f32(100, vocab),
  b: f32(vocab),
};
const batchOf = { x: i32(32, context), y: i32(32) };
console.log(`\nwhat is made of ${batchOf.y.shape} rows, and its shape`);
trace('shapes', { ...batchOf, ...shapes }, ({ x: ids, y: targets, C, H, d, U, b }) => {
  const { features, x, h, y } = walk({ C, H, d, U, b }, ids);
  const p = probabilities(y);
  const picked = p.pick(targets);
  const loss = picked.log().mean().neg();
  const made = { ids, C, features, x, H, d, h, U, b, y, p };
  for (const [name, { shape }] of Object.entries({ ...made, targets, picked, loss }))
    console.log(`${name.padEnd(10)} [${shape.join(', ')}]`);
  return { loss };
});

// 2. The losses of batches, on the tape in float64 and compiled in float32.
const rows = ({ x, y }: Contexts, start: number, count: number) => ({
  x: x.subarray(start * context, (start + count) * context),
  y: y.subarray(start, start + count),
});
const batches = Array.from({ length: 50 }, (_, i) => rows(train, 32 * i, 32));
const tape = (loss: Loss, count = batches.length) => {
  const session = define(loss).interpret({ precision: 'float64' });
  return batches.slice(0, count).map((batch) => session.evaluate(batch));
};
const compiled = await compileFunction(
  trace('losses', { ...batchOf, ...shapes }, ({ x, y, C, H, d, U, b }) => {
    const scores = logits({ C, H, d, U, b }, x);
    return { long: longWay(scores, y), short: shortWay(scores, y), slip: slip(scores) };
  }),
);
const read = (session: Session) =>
  Object.fromEntries(session.names().map((name) => [name, session.read(name).slice()]));
const values = read(define(shortWay).interpret());
const wasm = batches.map((batch) => compiled.call({ ...batch, ...values }));

/** How many steps of the last bit lie between two numbers. */
const ulps = (a: number, b: number, bits: number) =>
  Math.abs(a - b) / 2 ** (Math.floor(Math.log2(a)) - bits + 1);
const [long, short] = [tape(longWay), tape(shortWay)];
const apart64 = Math.max(...long.map((loss, i) => ulps(loss, short[i], 53)));
const apart32 = Math.max(...wasm.map(({ long, short }) => ulps(long[0], short[0], 24)));
console.log('\nloss of a batch             tape, float64       compiled, float32');
console.log(`softmax, pick, log, mean    ${long[0].toFixed(15)}   ${wasm[0].long[0].toFixed(7)}`);
console.log(`crossEntropy                ${short[0].toFixed(15)}   ${wasm[0].short[0].toFixed(7)}`);
console.log(`at most, in ${batches.length} batches      ${apart64} ulp apart         ${apart32} ulp apart`);
console.log(`the slip: all, not targets  ${tape(slip, 1)[0].toFixed(15)}   ${wasm[0].slip[0].toFixed(7)}`);
console.log(`a uniform guess, ln 27      ${Math.log(vocab).toFixed(15)}`);

// 3. The model that comes with the library is this network.
const library = trainStep({
  model: bengio({ vocab, context, ...sizes, direct: true }),
  batch: { x: i32(32, context), y: i32(32) },
  loss: (model, { x, y }) => crossEntropy(model(x), y),
  optimizer: optim.sgd(),
}).interpret({ precision: 'float64' });
const byHand = define(shortWay, { ...sizes, direct: true }).interpret({ precision: 'float64' });
console.log(
  `\nbengio({ direct: true }) has the same loss: ${library.evaluate(batches[0]) === byHand.evaluate(batches[0])}`,
);

// 4. Training without and with the direct connections.
const [trainRows, devRows] = [rows(train, 0, train.rows), rows(dev, 0, dev.rows)];
const steps = 10_000;
let trained = values;
const curves: Series[] = [];
console.log(`\n${steps} steps of 32 rows      parameters  training loss  dev loss`);
for (const [embed, hidden] of [
  [2, 100],
  [10, 10],
]) {
  for (const direct of [false, true]) {
    const session = await define(shortWay, { embed, hidden, direct }).compile({ seed: 42 });
    session.data(trainRows);
    const points: { x: number; y: number }[] = [];
    const lr = (step: number) => (step < 0.6 * steps ? 0.1 : 0.01);
    for await (const { at } of session.run({ steps, lr, every: steps / 20 })) {
      points.push({ x: at, y: session.evaluate(devRows) });
    }
    const label = `${embed} features, ${hidden} tanh${direct ? ', with W' : ''}`;
    curves.push({ label, points, dots: true });
    const [onTrain, onDev] = [trainRows, devRows].map((part) => session.evaluate(part).toFixed(4));
    const count = String(session.parameterCount);
    console.log(`${label.padEnd(29)} ${count.padStart(6)}  ${onTrain.padStart(13)}  ${onDev.padStart(8)}`);
    if (hidden === 100 && !direct) trained = read(session);
    await session.close();
  }
}
const title = 'The loss on held-out names, with and without direct connections';
await writeFile(`${folder}/loss.svg`, lineChart({ title, x: 'step', y: 'dev loss', series: curves }));

// 5. What became of the slip.
const after = compiled.call({ ...batches[0], ...trained });
console.log(
  `\nthe first batch, trained: loss ${after.short[0].toFixed(4)}, the slip ${after.slip[0].toFixed(4)}`,
);
await compiled.close();
