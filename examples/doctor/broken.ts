// A model of first names. It traces, but nearly every line of it has a mistake.
import { div, exp, i32, init, log, mean, neg, nn, optim, pick, sum, tanh, trainStep } from '2headgrad';

export { data } from './data.js';

const embedding = nn.embedding(32, 10);
const first = nn.linear(30, 64, { weight: init.normal() });
const second = nn.linear(64, 64);
const norm = nn.batchNorm1d(64);
const direct = nn.linear(30, 27);
const output = nn.linear(64, 27, { weight: init.normal() });

export const step = trainStep({
  model: { embedding, first, second, norm, direct, output },
  batch: { x: i32(32, 3), y: i32(32) },
  loss: (model, { x, y }) => {
    const context = model.embedding(x).reshape([32, 30]);
    const one = tanh(model.first(context));
    const two = tanh(model.norm(model.second(one)));
    const e = exp(model.output(two));
    const probabilities = div(e, sum(e, -1, { keepDims: true }));
    return neg(mean(log(pick(probabilities, y))));
  },
  optimizer: optim.sgd(),
});
