// What the tests do in Node, in a worker of a page and on a page's main thread alike: code of a user of the package.
import {
  crossEntropy,
  f32,
  i32,
  meanSquaredError,
  nn,
  optim,
  type Session,
  threadSupport,
  trainStep,
} from '2headgrad';

/** The character model of Bengio et al., as small as the paper's figure; batch norm; Adam, sines and layer norm. */
const MODELS = {
  characters: () =>
    trainStep({
      model: nn.sequential(
        nn.embedding(27, 2),
        nn.flatten(),
        nn.linear(6, 100),
        nn.tanh(),
        nn.linear(100, 27),
      ),
      batch: { x: i32(32, 3), y: i32(32) },
      loss: (model, { x, y }) => crossEntropy(model(x), y),
      optimizer: optim.sgd(),
    }),
  batchNorm: () =>
    trainStep({
      model: nn.sequential(
        nn.embedding(27, 10),
        nn.flatten(),
        nn.linear(30, 200, { bias: false }),
        nn.batchNorm1d(200),
        nn.tanh(),
        nn.linear(200, 27),
      ),
      batch: { x: i32(32, 3), y: i32(32) },
      loss: (model, { x, y }) => crossEntropy(model(x), y),
      optimizer: optim.sgd(),
    }),
  curve: () =>
    trainStep({
      model: nn.sequential(nn.linear(1, 33), nn.layerNorm(33), nn.tanh(), nn.linear(33, 1)),
      batch: { x: f32(65, 1), y: f32(65, 1) },
      loss: (model, { x, y }) => meanSquaredError(model(x), y),
      optimizer: optim.adam(),
    }),
};

export type ModelName = keyof typeof MODELS;

/** Data that needs no file, the same everywhere: whole numbers, or quotients of them. */
function dataOf(name: ModelName): Record<string, number[]> {
  if (name === 'curve') {
    const x = Array.from({ length: 1000 }, (_, i) => i / 500 - 1);
    return { x, y: x.map((x) => x * x * x - x / 2) };
  }
  const tokens = Array.from({ length: 4 * 997 }, (_, i) => (i * i + 3 * i) % 27);
  return { x: tokens.filter((_, i) => i % 4 < 3), y: tokens.filter((_, i) => i % 4 === 3) };
}

export interface Trained {
  threads: number;
  losses: number[];
  /** The bits of every variable. */
  variables: Record<string, number[]>;
}

async function session(name: ModelName, threads: number): Promise<Session> {
  const session = await MODELS[name]().compile({ threads, seed: 7 });
  session.data(dataOf(name) as never);
  return session;
}

export const scenarios = {
  async train(options: { model: ModelName; threads: number; steps: number }): Promise<Trained> {
    await using trained = await session(options.model, options.threads);
    const losses: number[] = [];
    for await (const report of trained.run({ steps: options.steps, lr: 0.01 })) losses.push(...report.losses);
    const bits = (name: string) => {
      const values = trained.read(name).slice();
      return [...new Uint32Array(values.buffer)];
    };
    return {
      threads: trained.threads,
      losses,
      variables: Object.fromEntries(trained.names().map((name) => [name, bits(name)])),
    };
  },

  support: async () => threadSupport(),

  /** The message of the error that compiling with these threads throws. */
  async refusal(options: { threads: number }): Promise<string> {
    try {
      await (await session('characters', options.threads)).close();
      return 'none';
    } catch (error) {
      return `${(error as Error).name}: ${(error as Error).message}`;
    }
  },

  async threadNote(options: { threads: number }): Promise<string | null> {
    await using made = await session('characters', options.threads);
    return made.threadNote;
  },

  /** Takes steps in a session that stays. Returns the bytes of its memory. */
  async keepGoing(options: { threads: number; steps: number }): Promise<number> {
    kept ??= await session('characters', options.threads);
    for await (const _ of kept.run({ steps: options.steps, lr: 0.1 }));
    return kept.read(kept.names()[0]).buffer.byteLength;
  },

  async closeKept(): Promise<void> {
    await kept?.close();
    kept = undefined;
  },

  async saveToFile(): Promise<string> {
    await using trained = await session('characters', 1);
    return trained.save('names.safetensors').then(String, String);
  },
};

let kept: Session | undefined;

export type Scenarios = typeof scenarios;
