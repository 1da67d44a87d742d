import { f32, init, meanSquaredError, nn, optim, type Tensor, trainStep } from '../src/index.js';
import type { Program } from '../src/train/program.js';

// Models that are deep and otherwise plain: many equal layers, one cell unrolled many times, or a recurrent layer of many steps.

const WIDTH = 64;
const BATCH = 32;

export interface Deep {
  /** `mlp-200`: a kind and its depth. */
  readonly name: string;
  trace(): Program;
}

const KINDS: Record<string, (depth: number) => Program> = { mlp, rnn, gru };

/** The models of these names; throws where one is none. */
export function deepModels(names: readonly string[]): Deep[] {
  return names.map((name) => {
    const [, kind, depth] = /^([a-z]+)-(\d+)$/.exec(name) ?? [];
    if (!Object.hasOwn(KINDS, kind) || !(Number(depth) >= 1))
      throw new Error(
        `there is no model ${name}: ${Object.keys(KINDS).join(' or ')} with a depth, as in mlp-50`,
      );
    return { name, trace: () => KINDS[kind](Number(depth)) };
  });
}

/** Equal layers with tanh between them. */
function mlp(layers: number): Program {
  const list = Array.from({ length: layers }, () => [nn.linear(WIDTH, WIDTH), nn.tanh()]).flat();
  return trainStep({
    name: 'mlp',
    model: nn.sequential(...list),
    batch: { x: f32(BATCH, WIDTH), y: f32(BATCH, WIDTH) },
    loss: (model, { x, y }) => meanSquaredError(model(x), y),
    optimizer: optim.sgd(),
  }).program;
}

/** One cell, unrolled over so many steps. */
function rnn(steps: number): Program {
  const weights = () => nn.parameter([WIDTH, WIDTH], init.normal(0, 0.1));
  return trainStep({
    name: 'rnn',
    model: { w: weights(), u: weights(), b: nn.parameter([WIDTH], init.zeros) },
    batch: { x: f32(BATCH, steps, WIDTH), y: f32(BATCH, WIDTH) },
    loss: ({ w, u, b }, { x, y }) => {
      let h: Tensor | undefined;
      for (let t = 0; t < steps; t++) {
        const z = x.slice([0, t, 0], [BATCH, 1, WIDTH]).reshape([BATCH, WIDTH]).matmul(w);
        h = (h ? z.add(h.matmul(u)) : z).add(b).tanh();
      }
      return meanSquaredError(h!, y);
    },
    optimizer: optim.sgd(),
  }).program;
}

/** A GRU of so many steps and a reader of each state. */
function gru(steps: number): Program {
  return trainStep({
    name: 'gru',
    model: { cell: nn.gru(WIDTH, WIDTH), read: nn.linear(WIDTH, WIDTH) },
    batch: { x: f32(BATCH, steps, WIDTH), y: f32(BATCH, steps, WIDTH) },
    loss: ({ cell, read }, { x, y }) => meanSquaredError(read(cell(x)), y),
    optimizer: optim.sgd(),
  }).program;
}
