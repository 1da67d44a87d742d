import { crossEntropy, i32, init, nn, optim, softmax, trainStep } from '2headgrad';

// Batch norm (Ioffe and Szegedy 2015) before the tanh: it keeps the inputs of the tanh where it is not flat.
export default ({ vocab }: { vocab: number }) => {
  const context = 3;
  const embed = 10;
  const hidden = 200;
  const batch = 32;

  return trainStep({
    name: 'names',
    model: nn.sequential(
      nn.embedding(vocab, embed),
      nn.flatten(),
      // Batch norm takes the mean off, so a bias before it would do nothing.
      nn.linear(context * embed, hidden, { bias: false }),
      nn.batchNorm1d(hidden, { momentum: 0.001 }),
      nn.tanh(),
      nn.linear(hidden, vocab, { weight: init.normal(0, 0.01) }),
    ),
    batch: { x: i32(batch, context), y: i32(batch) },
    loss: (model, { x, y }) => crossEntropy(model(x), y),
    optimizer: optim.sgd(),
    predict: {
      inputs: { x: i32(1, context) },
      output: (model, { x }) => softmax(model(x)),
    },
  });
};
