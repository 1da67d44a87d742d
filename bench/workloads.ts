import type { BengioConfig, MlpConfig } from './golden/file.js';

/** C = A B; A: [m, k], B: [k, n]. */
export interface Product {
  readonly model: 'product';
  readonly m: number;
  readonly n: number;
  readonly k: number;
}

/** What is measured: a training step, described as the golden files describe theirs, or a matrix product. */
export interface Workload {
  readonly name: string;
  readonly config: BengioConfig | MlpConfig | Product;
  /** The workload of round sizes that this one, of odd sizes, should keep up with. */
  readonly sibling?: string;
}

const sgd = { name: 'sgd', lr: 0.1 } as const;
const adam = { name: 'adam', lr: 0.001 } as const;

const chars = { model: 'bengio', context: 3, steps: 1, optim: sgd } as const;
const w1: BengioConfig = { ...chars, vocab: 27, embed: 2, hidden: 100, batch: 32 };
const w2: BengioConfig = { ...w1, embed: 10, hidden: 200, norm: 'batch', momentum: 0.001 };
// The sizes of Bengio et al. (2003) for the Associated Press news.
const w3: BengioConfig = { ...chars, vocab: 17_964, context: 5, embed: 60, hidden: 100, batch: 64 };
const w4: MlpConfig = {
  model: 'mlp',
  dims: [784, 512, 256, 10],
  act: 'relu',
  loss: 'ce',
  batch: 128,
  steps: 1,
  optim: adam,
};

export function product(m: number, n: number, k: number, name = `${m}x${n}x${k}`): Workload {
  return { name, config: { model: 'product', m, n, k } };
}

export const WORKLOADS: readonly Workload[] = [
  { name: 'W1', config: w1 },
  { name: 'W1-odd', sibling: 'W1', config: { ...w1, vocab: 61, embed: 3, hidden: 137, batch: 50 } },
  { name: 'W2', config: w2 },
  { name: 'W2-odd', sibling: 'W2', config: { ...w2, vocab: 61, embed: 11, hidden: 137, batch: 50 } },
  { name: 'W3', config: w3 },
  { name: 'W3-direct', config: { ...w3, direct: true } },
  { name: 'W3-odd', sibling: 'W3', config: { ...w3, vocab: 17_959, embed: 59, hidden: 101, batch: 61 } },
  { name: 'W4', config: w4 },
  { name: 'W4-odd', sibling: 'W4', config: { ...w4, dims: [783, 509, 251, 11], batch: 125 } },
  product(240, 240, 240, 'W5-240'),
  product(256, 256, 256, 'W5-256'),
  product(512, 512, 512, 'W5-512'),
  product(1024, 1024, 1024, 'W5-1024'),
  { ...product(251, 509, 127, 'W5-odd'), sibling: 'W5-256' },
  product(33, 77, 51, 'W5-33x77x51'),
];

/** What `--quick` measures unless it is told what. */
export const QUICK = ['W1', 'W2', 'W3', 'W4', 'W5-512'];

/** The workloads of these names; a name that none has stands for all that begin with it and a dash. */
export function select(names: readonly string[]): Workload[] {
  const wanted = new Set(
    names.flatMap((name) => {
      const exact = WORKLOADS.filter((w) => w.name === name);
      const found = exact.length ? exact : WORKLOADS.filter((w) => w.name.startsWith(`${name}-`));
      if (found.length === 0) {
        const all = WORKLOADS.map((w) => w.name).join(', ');
        throw new RangeError(`there is no workload ${name}: there are ${all}`);
      }
      return found;
    }),
  );
  return WORKLOADS.filter((w) => wanted.has(w));
}
