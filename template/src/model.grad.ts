import { accuracy, crossEntropy, f32, i32, nn, optim, setting, trainStep } from '2headgrad';
import { spirals } from './spirals.ts';

/** Units of each hidden layer: these, unless the command line says otherwise (--set hidden=64). */
const hidden = setting('hidden', 32, { min: 1, integer: true });

/** Which of three arms of a spiral is a point of the plane on? */
export const step = trainStep({
  name: 'spirals',
  model: nn.sequential(
    nn.linear(2, hidden),
    nn.tanh(),
    nn.linear(hidden, hidden),
    nn.tanh(),
    nn.linear(hidden, 3),
  ),
  batch: { x: f32(64, 2), y: i32(64) },
  loss: (model, { x, y }) => crossEntropy(model(x), y),
  optimizer: optim.adam(),
  evaluate: { accuracy: (model, { x, y }) => accuracy(model(x), y) },
  predict: { inputs: { x: f32(64, 2) }, output: (model, { x }) => model(x).softmax() },
});

/** How it is trained, by src/train.ts and by `npx 2headgrad train src/model.grad.ts`. */
export const training = { steps: 3000, lr: 0.01, schedule: 'cosine' } as const;

export const data = () => ({ train: spirals(2700, 1), validation: spirals(300, 2) });
