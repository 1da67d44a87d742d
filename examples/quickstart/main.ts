import { f32, meanSquaredError, nn, optim, trainStep } from '2headgrad';

const step = trainStep({
  model: nn.sequential(nn.linear(1, 32), nn.tanh(), nn.linear(32, 1)),
  batch: { x: f32(64, 1), y: f32(64, 1) },
  loss: (model, { x, y }) => meanSquaredError(model(x), y),
  optimizer: optim.adam(),
});
const x = Float32Array.from({ length: 1000 }, (_, i) => i / 500 - 1);
const session = await step.compile({ seed: 42 });
session.data({ x, y: x.map((x) => Math.sin(3 * x)) });
for await (const { at, loss } of session.run({ steps: 5000, lr: 0.01, every: 1000 })) {
  console.log(at, loss.toExponential(2));
}
await session.close();
