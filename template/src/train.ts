// npm run train: trains the model, and keeps its weights for the page.

import { optim } from '2headgrad';
import { data, step, training } from './model.grad.ts';

const { train, validation } = data();
const { steps, lr } = training;

const session = await step.compile({ seed: 42 });
session.data(train);
const run = session.run({
  steps,
  lr: optim.schedule.cosine({ lr, steps }),
  every: steps / 5,
  evaluate: validation,
});
for await (const { at, loss, evaluated } of run) {
  const right = (100 * (evaluated?.accuracy ?? 0)).toFixed(1);
  console.log(`step ${at}: loss ${loss.toFixed(4)}, ${right} % of the points that it has not seen are right`);
}
await session.save('public/weights.safetensors');
await session.close();
console.log('Saved: public/weights.safetensors');
