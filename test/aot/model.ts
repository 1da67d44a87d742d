import { classifier, rows, variables } from '../train/small.js';

export const NAMES = ['model.json', 'model.js', 'model.d.ts', 'model.wasm', 'package.json'];

/** The classifier of the other tests as a user's file, with one layer that a custom function fills if asked. */
export function source(weight = 'undefined'): string {
  return `import { crossEntropy, i32, nn, optim, trainStep } from '2headgrad';
export const classifier = trainStep({
  name: 'classifier',
  model: nn.sequential(
    nn.embedding(7, 3),
    nn.flatten(),
    nn.linear(6, 6, { weight: ${weight} }),
    nn.tanh(),
    nn.linear(6, 5),
  ),
  batch: { x: i32(4, 2), y: i32(4) },
  loss: (model, { x, y }) => crossEntropy(model(x), y),
  optimizer: optim.sgd({ momentum: 0.9 }),
  predict: { inputs: { x: i32(1, 2) }, output: (model, { x }) => model(x) },
});
`;
}

export interface Trained {
  losses: number[];
  values: Record<string, number[]>;
  mean: number;
  logits: number[];
  threads: number;
}

/** What the compiler makes of it in this process, for a seed. */
export async function compiled(seed: number, steps = 50): Promise<Trained> {
  await using session = await classifier().compile({ seed });
  session.data(rows);
  const losses: number[] = [];
  for await (const progress of session.run({ steps, lr: 0.1 })) losses.push(...progress.losses);
  const { threads } = session;
  const mean = session.evaluate(rows);
  const logits = Array.from(session.predict({ x: [3, 4] }));
  return { losses, values: variables(session), mean, logits, threads };
}

/** The same by a module that holds `start`, as the text of a function: it runs in other processes and in pages. */
export const TRAIN = `async function train(start, options = {}, steps = 50) {
  const session = await start(options);
  const rows = {
    x: [0, 1, 2, 3, 4, 5, 6, 0, 1, 2, 3, 4, 5, 6, 6, 6, 0, 0, 2, 5],
    y: [0, 1, 2, 3, 4, 0, 1, 2, 3, 4],
  };
  session.data(rows);
  const losses = [];
  for await (const progress of session.run({ steps, lr: 0.1 })) losses.push(...progress.losses);
  const { threads } = session;
  const mean = session.evaluate(rows);
  const logits = Array.from(session.predict({ x: [3, 4] }));
  const values = Object.fromEntries(session.names().map((name) => [name, Array.from(session.read(name))]));
  const { file } = session;
  await session.close();
  return { file, result: { losses, values, mean, logits, threads } };
}`;
