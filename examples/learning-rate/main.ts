// Looks for the learning rate of three models, then trains each with the suggestion and with a grid of rates.
//   npx tsx examples/learning-rate/main.ts [folder for the pictures]
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  crossEntropy,
  f32,
  findLearningRate,
  i32,
  init,
  meanSquaredError,
  nn,
  optim,
  type TrainStep,
  trainStep,
} from '2headgrad';
import { contexts, loadWords, split, Vocabulary } from '2headgrad/data';
import { rateCurve } from '2headgrad/report';

const folder = process.argv[2] ?? fileURLToPath(new URL('.', import.meta.url));
const STEPS = 3000;

// First names, three characters seen, the next one predicted: Bengio et al. (2003).
const { words } = await loadWords();
const vocabulary = Vocabulary.from(words);
const parts = split(words, 42);
const names = { train: contexts(parts.train, vocabulary, 3), dev: contexts(parts.dev, vocabulary, 3) };
const small = init.normal(0, 0.01);

/** x and y alone, of rows that have more. */
const columns = ({ x, y }: { x: Int32Array; y: Int32Array }) => ({ x, y });
const text = { data: columns(names.train), held: columns(names.dev) };

const namesModel = (embed: number, hidden: number, ...norm: nn.Module[]) =>
  trainStep({
    model: nn.sequential(
      nn.embedding(27, embed),
      nn.flatten(),
      nn.linear(3 * embed, hidden, { weight: init.kaimingNormal({ nonlinearity: 'tanh' }) }),
      ...norm,
      nn.tanh(),
      nn.linear(hidden, 27, { weight: small }),
    ),
    batch: { x: i32(32, 3), y: i32(32) },
    loss: (model, { x, y }) => crossEntropy(model(x), y),
    optimizer: optim.sgd(),
  });

// A smooth curve through noise-free points, with Adam.
const points = Float32Array.from({ length: 1000 }, (_, i) => i / 500 - 1);
const curve = { x: points, y: points.map((x) => Math.sin(3 * x)) };
const regression = trainStep({
  model: nn.sequential(nn.linear(1, 32), nn.tanh(), nn.linear(32, 1)),
  batch: { x: f32(64, 1), y: f32(64, 1) },
  loss: (model, { x, y }) => meanSquaredError(model(x), y),
  optimizer: optim.adam(),
});

interface Experiment {
  name: string;
  title: string;
  step: TrainStep;
  data: Record<string, ArrayLike<number>>;
  held: Record<string, ArrayLike<number>>;
}

const experiments: Experiment[] = [
  { name: 'names', title: 'Names, SGD', step: namesModel(2, 100), ...text },
  {
    name: 'batch-norm',
    title: 'Names with batch norm, SGD',
    step: namesModel(10, 200, nn.batchNorm1d(200)),
    ...text,
  },
  { name: 'regression', title: 'sin(3x), Adam', step: regression, data: curve, held: curve },
];

for (const { name, title, step, data, held } of experiments) {
  const module = await step.compileModule();
  const session = await step.start(module, { seed: 42 });
  session.data(data);
  const found = await findLearningRate(session);
  const { bounds, suggestion } = found;
  writeFileSync(join(folder, `${name}.svg`), rateCurve({ title, ...found }));
  console.log(`${title}: stands still at ${short(bounds.lower)}, explodes at ${short(bounds.upper)}`);
  console.log(`  rate     loss after ${STEPS} steps`);
  for (const lr of [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, suggestion]) {
    console.log(
      `  ${String(lr).padEnd(8)} ${await trained(lr)}${lr === suggestion ? '  the suggestion' : ''}`,
    );
  }
  await session.close();

  /** The loss on held-out data after training with this rate, a tenth of it for the last two fifths of the steps. */
  async function trained(lr: number): Promise<string> {
    const run = await step.start(module, { seed: 42 });
    run.data(data);
    const rate = (step: number) => (step < 0.6 * STEPS ? lr : lr / 10);
    for await (const _ of run.run({ steps: STEPS, lr: rate }));
    const loss = run.evaluate(held);
    await run.close();
    return loss < 0.01 ? loss.toExponential(1) : loss.toFixed(3);
  }
}

function short(rate: number): string {
  return String(Number(rate.toPrecision(2)));
}
