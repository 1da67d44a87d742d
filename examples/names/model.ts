import { crossEntropy, i32, init, nn, optim, softmax, trainStep } from '2headgrad';

// The next character after three, of 27: the letters, and 0 for where a name begins or ends. (Bengio et al. 2003.)
const model = nn.sequential(
  nn.embedding(27, 10),
  nn.flatten(),
  nn.linear(30, 200, { weight: init.kaimingNormal({ nonlinearity: 'tanh' }) }),
  nn.tanh(),
  nn.linear(200, 27, { weight: init.normal(0, 0.01) }),
);

export const names = trainStep({
  name: 'names',
  model,
  batch: { x: i32(32, 3), y: i32(32) },
  loss: (model, { x, y }) => crossEntropy(model(x), y),
  optimizer: optim.sgd(),
  predict: { inputs: { x: i32(1, 3) }, output: (model, { x }) => softmax(model(x)) },
});
