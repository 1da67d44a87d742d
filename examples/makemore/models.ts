import { crossEntropy, i32, init, nn, optim, trainStep } from '2headgrad';

export const CONTEXT = 3;
const EMBED = 10;
const HIDDEN = 200;
const BATCH = 32;

/** One way to begin, with the losses that the notebook's log has for it. */
export interface Row {
  name: string;
  /** What its weights are: standard deviations, all of a normal distribution around 0. */
  weights: { hidden: number; hiddenBias: number; output: number; outputBias: number };
  batchNorm?: boolean;
  notebook: { train: number; dev: number };
}

const INPUTS = CONTEXT * EMBED;
const KAIMING = init.gain('tanh') / Math.sqrt(INPUTS);

// The notebook: makemore part 3, activations and gradients, batch norm, by Andrej Karpathy; its log of losses.
export const ROWS: readonly Row[] = [
  {
    name: 'original',
    weights: { hidden: 1, hiddenBias: 1, output: 1, outputBias: 1 },
    notebook: { train: 2.1245, dev: 2.1682 },
  },
  {
    name: 'softmax fixed',
    weights: { hidden: 1, hiddenBias: 1, output: 0.01, outputBias: 0 },
    notebook: { train: 2.07, dev: 2.13 },
  },
  {
    name: 'tanh unsaturated',
    weights: { hidden: 0.2, hiddenBias: 0.01, output: 0.01, outputBias: 0 },
    notebook: { train: 2.0356, dev: 2.1027 },
  },
  {
    name: 'Kaiming',
    weights: { hidden: KAIMING, hiddenBias: 0.01, output: 0.01, outputBias: 0 },
    notebook: { train: 2.0377, dev: 2.107 },
  },
  {
    name: 'batch norm',
    weights: { hidden: KAIMING, hiddenBias: 0, output: 0.01, outputBias: 0 },
    batchNorm: true,
    notebook: { train: 2.0668, dev: 2.1048 },
  },
];

/** The network of Bengio et al. (2003) with that beginning, and how it is trained: by plain gradient descent. */
export function stepOf({ weights, batchNorm = false }: Row, vocab: number) {
  const around0 = (std: number) => init.normal(0, std);
  const model = nn.sequential(
    nn.embedding(vocab, EMBED),
    nn.flatten(),
    // A bias before batch norm would be taken off again with the mean.
    nn.linear(INPUTS, HIDDEN, {
      bias: !batchNorm,
      weight: around0(weights.hidden),
      biasInit: around0(weights.hiddenBias),
    }),
    ...(batchNorm ? [nn.batchNorm1d(HIDDEN, { momentum: 0.001 })] : []),
    nn.tanh(),
    nn.linear(HIDDEN, vocab, { weight: around0(weights.output), biasInit: around0(weights.outputBias) }),
  );
  return trainStep({
    name: 'makemore',
    model,
    batch: { x: i32(BATCH, CONTEXT), y: i32(BATCH) },
    loss: (model, { x, y }) => crossEntropy(model(x), y),
    optimizer: optim.sgd(),
  });
}
