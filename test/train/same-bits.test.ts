import { expect, it } from 'vitest';
import { crossEntropy, i32, nn, optim, type Session, type Tensor, trainStep } from '../../src/index.js';
import { SCHEDULE_PASSES } from '../../src/schedule/passes.js';

// What is asked for beside the training itself changes no bit of it.

const ROWS = 64;

interface Extras {
  keepGradients?: boolean;
  diagnostics?: boolean;
  separate?: boolean;
  predict?: boolean;
}

/** Words of a vocabulary through an embedding, a hidden layer and a norm. */
function stepOf(vocabulary: number, optimizer: optim.Optimizer, { predict, ...extras }: Extras) {
  const model = nn.sequential(
    nn.embedding(vocabulary, 6),
    nn.flatten(),
    nn.linear(18, 33),
    nn.batchNorm1d(33),
    nn.tanh(),
    nn.linear(33, vocabulary),
  );
  const predicted = {
    inputs: { x: i32(5, 3) },
    output: (m: typeof model, { x }: { x: Tensor }) => m(x),
  };
  return trainStep({
    model,
    batch: { x: i32(16, 3), y: i32(16) },
    loss: (m, { x, y }) => crossEntropy(m(x), y),
    optimizer,
    ...(predict && { predict: predicted }),
    ...extras,
  });
}

function rows(vocabulary: number) {
  // Some words are frequent.
  const word = (i: number) => (i % 3 ? (i * i * 7) % vocabulary : 1);
  return {
    x: Array.from({ length: 3 * ROWS }, (_, i) => word(i)),
    y: Array.from({ length: ROWS }, (_, i) => word(i + 5)),
  };
}

async function trained(session: Session, vocabulary: number): Promise<Uint8Array> {
  session.data(rows(vocabulary));
  for (let i = 0; i < 6; i++) session.step({ lr: 0.05 });
  const bytes = session.checkpoint();
  await session.close();
  return bytes;
}

it.each<[number, string, () => optim.Optimizer]>([
  [27, 'clipped SGD', () => optim.clip(optim.sgd(), { norm: 0.5 })],
  [3000, 'Adam', () => optim.adam()],
])(
  'a vocabulary of %i with %s ends with the same bits, whatever else is asked for',
  async (vocabulary, _, optimizer) => {
    const compiled = (extras: Extras, options: object = {}) =>
      stepOf(vocabulary, optimizer(), extras)
        .compile({ seed: 3, cache: false, ...options })
        .then((session) => trained(session, vocabulary));
    const plain = await compiled({});
    expect(await compiled({ keepGradients: true, predict: true }, { threads: 3 })).toEqual(plain);
    expect(
      await compiled({ diagnostics: true, separate: true }, { without: SCHEDULE_PASSES, threads: 2 }),
    ).toEqual(plain);
  },
  120_000,
);
