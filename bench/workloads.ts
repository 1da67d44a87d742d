import type { buildGolden } from './golden/model.js';

export type GoldenConfig = Parameters<typeof buildGolden>[0];

const sgd = { name: 'sgd', lr: 0.1 };
const bengio = { model: 'bengio', context: 3, vocab: 27, batch: 32, steps: 1, optim: sgd };

/** Training steps to measure, described as the golden files describe theirs. */
export const workloads = {
  W1: { ...bengio, embed: 2, hidden: 100 },
  W2: { ...bengio, embed: 10, hidden: 200, norm: 'batch', momentum: 0.001 },
  'W2-plain': { ...bengio, embed: 10, hidden: 200 },
  'W2-odd': { ...bengio, vocab: 61, embed: 11, hidden: 137, batch: 50, norm: 'batch', momentum: 0.001 },
  W3: { ...bengio, vocab: 17964, context: 5, embed: 60, hidden: 100, batch: 64 },
  'W3-direct': { ...bengio, vocab: 17964, context: 5, embed: 60, hidden: 100, batch: 64, direct: true },
  W4: {
    model: 'mlp',
    dims: [784, 512, 256, 10],
    act: 'relu',
    loss: 'ce',
    batch: 128,
    steps: 1,
    optim: { name: 'adam', lr: 0.001 },
  },
} as unknown as Record<string, GoldenConfig>;
