// npx tsx examples/initialization/main.ts [FOLDER]: what weights a network should begin with, and why.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  concat,
  f32,
  init,
  meanSquaredError,
  nn,
  optim,
  RandomStream,
  type Tensor,
  tensor,
  trainStep,
} from '2headgrad';
import { histogram } from '2headgrad/report';

type Initializer = typeof init.zeros;

const folder = process.argv[2] ?? fileURLToPath(new URL('.', import.meta.url));
const random = new RandomStream(42, 1);
const list = (n: number, f: (i: number) => number) => Float32Array.from({ length: n }, (_, i) => f(i));
const std = (x: ArrayLike<number>) => Math.sqrt(Array.from(x).reduce((sum, v) => sum + v * v, 0) / x.length);
const share = (x: ArrayLike<number>, is: (v: number) => boolean) =>
  `${((100 * Array.from(x).filter(is).length) / x.length).toFixed(1)} %`;

function expectedLoss() {
  console.log('1. The loss before training, 27 characters to choose from');
  console.log(`   every character as likely:      ln 27 = ${init.expectedLoss(27).toFixed(4)}`);
  for (const [name, scale] of [
    ['normal(0, 1)', 1],
    ['normal(0, 0.01)', 0.01],
  ] as const) {
    // The mean over 500 rows of logits that a last layer of 200 such weights gives for activations of +1 and -1.
    const losses = Array.from({ length: 500 }, (_, row) => {
      const logits = list(27, (k) => {
        let sum = 0;
        for (let i = 0; i < 200; i++)
          sum += scale * random.normal(200 * k + i) * (random.uniform(200 * row + i) < 0.5 ? -1 : 1);
        return sum;
      });
      return logits.reduce((sum, v) => sum + Math.exp(v - logits[0]), 0);
    }).map(Math.log);
    const mean = losses.reduce((a, b) => a + b) / losses.length;
    console.log(`   last weights ${name}:${' '.repeat(24 - name.length)}${mean.toFixed(4)}`);
  }
}

/** Trains 8 tanh neurons on sin(3x), all weights made by one initializer. */
function symmetry() {
  console.log('\n2. Eight neurons learn sin(3x) for 1,000 steps');
  console.log('   weights        loss    different neurons   moved');
  const x = list(64, (i) => i / 32 - 1);
  const y = x.map((v) => Math.sin(3 * v));
  const ways: [string, Initializer, Initializer][] = [
    ['zeros', init.zeros, init.zeros],
    ['all 0.5', init.constant(0.5), init.constant(0.5)],
    ['last zero', init.normal(0, 0.5), init.zeros],
    ['normal', init.normal(0, 0.5), init.normal(0, 0.5)],
  ];
  for (const [name, first, last] of ways) {
    const step = trainStep({
      model: nn.sequential(
        nn.linear(1, 8, { weight: first, biasInit: init.zeros }),
        nn.tanh(),
        nn.linear(8, 1, { weight: last, biasInit: init.zeros }),
      ),
      batch: { x: f32(64, 1), y: f32(64, 1) },
      loss: (model, { x, y }) => meanSquaredError(model(x), y),
      optimizer: optim.sgd(),
    });
    const session = step.interpret();
    const before = Array.from(session.read('layers.0.weight'));
    for (let t = 0; t < 1000; t++) session.step({ lr: 0.1, batch: { x, y } });
    const weights = Array.from(session.read('layers.0.weight'));
    const moved = weights.some((w, i) => w !== before[i]) ? 'yes' : 'no';
    const loss = session.evaluate({ x, y }).toFixed(4);
    console.log(
      `   ${name.padEnd(12)} ${loss}    ${String(new Set(weights).size).padStart(9)}           ${moved.padStart(5)}`,
    );
  }
}

function slopesAtZero() {
  console.log('\n3. The slope of an activation at 0, and what comes through zero weights');
  for (const name of ['tanh', 'relu'] as const) {
    const x = tensor(0, { requiresGrad: true });
    (x[name]() as typeof x).backward();
    console.log(`   ${name}'(0) = ${x.grad!.item()}`);
  }
  const [w1, w2] = [tensor(0, { requiresGrad: true }), tensor(0, { requiresGrad: true })];
  // One input, one neuron, one output: y = w2 tanh(w1 x), for x = 1 and the loss (y - 1)^2.
  (w2.mul(w1.mul(1).tanh()).sub(1).square() as typeof w1).backward();
  console.log(
    `   y = w2 tanh(w1), both 0: dL/dw1 = ${Math.abs(w1.grad!.item())}, dL/dw2 = ${Math.abs(w2.grad!.item())}`,
  );
}

const WIDTH = 100;
const ROWS = 128;
const DEPTH = 12;

/** What each of 12 layers gives for normal inputs. */
function deep(weight: Initializer, activation: (x: Tensor) => Tensor): Float32Array[] {
  const run = (layers: nn.Module[], x: Tensor) => {
    const outputs: Tensor[] = [];
    for (const layer of layers) outputs.push(activation(layer(outputs.at(-1) ?? x)));
    return outputs;
  };
  const types = { x: f32(ROWS, WIDTH) };
  const step = trainStep({
    model: Array.from({ length: DEPTH }, () => nn.linear(WIDTH, WIDTH, { bias: false, weight })),
    batch: types,
    loss: (layers, { x }) => run(layers, x).at(-1)!.mean(),
    optimizer: optim.sgd(),
    predict: { inputs: types, output: (layers, { x }) => concat(run(layers, x), 0) },
  });
  const session = step.interpret();
  const x = list(ROWS * WIDTH, (i) => random.normal(i));
  const all = session.predict({ x }) as Float32Array;
  const size = ROWS * WIDTH;
  return Array.from({ length: DEPTH }, (_, k) => all.subarray(k * size, (k + 1) * size));
}

function saturation() {
  console.log('\n4. What tanh is given, and what it gives: the first of 12 layers of 100 neurons');
  console.log('   weights                     in     |out| > 0.97   slope 1 - out^2');
  const ways: [string, Initializer][] = [
    ['normal(0, 1)', init.normal()],
    ['Kaiming, 5/3 / sqrt(100)', init.kaimingNormal({ nonlinearity: 'tanh' })],
    ['normal(0, 0.02)', init.normal(0, 0.02)],
  ];
  const series = ways.map(([label, weight]) => {
    const [values] = deep(weight, (x) => x.tanh());
    const inputs = std(deep(weight, (x) => x)[0]);
    const slope = values.reduce((sum, v) => sum + 1 - v * v, 0) / values.length;
    const saturated = share(values, (v) => Math.abs(v) > 0.97);
    console.log(
      `   ${label.padEnd(24)} ${inputs.toFixed(2).padStart(5)} ${saturated.padStart(14)} ${slope.toFixed(3).padStart(17)}`,
    );
    return { label, values };
  });
  const title = 'What the first tanh layer gives';
  const svg = histogram({ title, label: 'activation', series, domain: [-1, 1], bins: 50 });
  writeFileSync(join(folder, 'saturation.svg'), svg);
}

function sums() {
  console.log('\n5. Var(sum of n products w x) = n Var(w) Var(x), n = 100, Var(w) = 1, Var(x) = 1');
  const inputs: [string, (i: number) => number][] = [
    ['normal', (i) => random.normal(i)],
    ['uniform', (i) => Math.sqrt(12) * (random.uniform(i) - 0.5)],
    ['+1 or -1', (i) => (random.uniform(i) < 0.5 ? -1 : 1)],
  ];
  for (const [name, x] of inputs) {
    const n = 5_000;
    const all = list(n, (row) => {
      let sum = 0;
      for (let i = 0; i < 100; i++) sum += random.normal(100 * row + i) * x(100 * (n + row) + i);
      return sum;
    });
    console.log(`   x ${name.padEnd(9)} ${(std(all) ** 2).toFixed(1).padStart(6)}`);
  }
}

function depth() {
  console.log(`\n6. Root mean square of what each of 12 layers of ${WIDTH} neurons gives`);
  const linear = (x: Tensor) => x;
  const tanh = (x: Tensor) => x.tanh();
  const relu = (x: Tensor) => x.relu();
  const ways: [string, Initializer, (x: Tensor) => Tensor][] = [
    ['linear, normal(0, 1)', init.normal(), linear],
    ['linear, normal(0, 0.02)', init.normal(0, 0.02), linear],
    // What the slip of the notes makes of it: divided by 1 / sqrt(100) where one multiplies.
    ['linear, 1 / Kaiming 1', init.normal(0, Math.sqrt(WIDTH)), linear],
    ['linear, Kaiming 1', init.kaimingNormal({ nonlinearity: 'linear' }), linear],
    ['relu, Kaiming 1', init.kaimingNormal({ nonlinearity: 'linear' }), relu],
    ['relu, Kaiming sqrt(2)', init.kaimingNormal({ nonlinearity: 'relu' }), relu],
    ['tanh, Kaiming 1', init.kaimingNormal({ nonlinearity: 'linear' }), tanh],
    ['tanh, Kaiming 5/3', init.kaimingNormal({ nonlinearity: 'tanh' }), tanh],
  ];
  const shown = [1, 2, 4, 8, 12];
  const number = (v: number) =>
    (v >= 1e5 || v < 1e-3 ? v.toExponential(0) : String(Number(v.toPrecision(3)))).padStart(8);
  console.log(`   ${'layer'.padEnd(24)}${shown.map((k) => String(k).padStart(8)).join('')}`);
  for (const [name, weight, activation] of ways) {
    const outputs = deep(weight, activation);
    const row = shown.map((k) => number(std(outputs[k - 1]))).join('');
    console.log(`   ${name.padEnd(24)}${row}`);
  }
  for (const [file, name, weight] of [
    [
      'tanh-gain-1',
      'Twelve tanh layers, Kaiming without a gain',
      init.kaimingNormal({ nonlinearity: 'linear' }),
    ],
    [
      'tanh-gain-5-3',
      'Twelve tanh layers, Kaiming with the gain 5/3',
      init.kaimingNormal({ nonlinearity: 'tanh' }),
    ],
  ] as const) {
    const outputs = deep(weight, tanh);
    const series = outputs.map((values, k) => ({ label: `layer ${k + 1}`, values }));
    const svg = histogram({
      title: name,
      label: 'activation',
      layout: 'rows',
      series,
      domain: [-1, 1],
      bins: 50,
    });
    writeFileSync(join(folder, `${file}.svg`), svg);
  }
}

expectedLoss();
symmetry();
slopesAtZero();
saturation();
sums();
depth();
