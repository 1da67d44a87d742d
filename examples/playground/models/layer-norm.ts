import { crossEntropy, i32, init, nn, optim, softmax, trainStep } from '2headgrad';

// Layer norm (Ba et al. 2016): each row by itself, so that the batch can be as small as one likes. Trained with Adam.
export default ({ vocab }: { vocab: number }) => {
  const context = 4;
  const embed = 16;
  const hidden = 128;
  const batch = 32;

  return trainStep({
    name: 'names',
    model: nn.sequential(
      nn.embedding(vocab, embed),
      nn.flatten(),
      nn.linear(context * embed, hidden),
      nn.layerNorm(hidden),
      nn.tanh(),
      nn.linear(hidden, vocab, { weight: init.normal(0, 0.01) }),
    ),
    batch: { x: i32(batch, context), y: i32(batch) },
    loss: (model, { x, y }) => crossEntropy(model(x), y),
    optimizer: optim.adam(), // a learning rate near 0.003 suits it
    predict: {
      inputs: { x: i32(1, context) },
      output: (model, { x }) => softmax(model(x)),
    },
  });
};
