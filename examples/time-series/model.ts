import { f32, meanSquaredError, nn, optim, type Tensor, trainStep } from '2headgrad';
import { AHEAD, FEATURES, PAST, WINDOW } from './series.js';

export const BATCH = 32;
const HIDDEN = 32;

// It walks through the days that are known and those to come, and says of the latter how far they are from last year.
const model = { gru: nn.gru(FEATURES, HIDDEN), head: nn.linear(HIDDEN, 1) };

function forecast({ gru, head }: typeof model, x: Tensor): Tensor {
  const [rows] = x.shape;
  const states = gru(x).slice([0, PAST, 0], [rows, AHEAD, HIDDEN]);
  const lastYear = x.slice([0, PAST, 2], [rows, AHEAD, 1]);
  return lastYear.add(head(states)).reshape([rows, AHEAD]);
}

export const forecaster = trainStep({
  name: 'forecast',
  model,
  batch: { x: f32(BATCH, WINDOW, FEATURES), y: f32(BATCH, AHEAD) },
  loss: (model, { x, y }) => meanSquaredError(forecast(model, x), y),
  optimizer: optim.clip(optim.adam(), { norm: 1 }),
  predict: { inputs: { x: f32(1, WINDOW, FEATURES) }, output: (model, { x }) => forecast(model, x) },
});
