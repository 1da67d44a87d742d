import { crossEntropy, i32, init, nn, optim, softmax, trainStep } from '2headgrad';

// The character model of Bengio et al. (2003): the last characters, each as a vector, through a tanh layer.
export default ({ vocab }: { vocab: number }) => {
  const context = 3; // characters it sees
  const embed = 10; // numbers a character
  const hidden = 200; // width of the tanh layer
  const batch = 32; // rows a step

  return trainStep({
    name: 'names',
    model: nn.sequential(
      nn.embedding(vocab, embed),
      nn.flatten(),
      nn.linear(context * embed, hidden, { weight: init.kaimingNormal({ nonlinearity: 'tanh' }) }),
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
