import type { BengioConfig, CnnConfig, Config, GptConfig, MlpConfig, RnnConfig } from './golden/file.js';

/** C = A B; A: [m, k], B: [k, n]. */
export interface Product {
  readonly model: 'product';
  readonly m: number;
  readonly n: number;
  readonly k: number;
}

/**
 * Filters of kernel x kernel slide over images, as many places going out as come in; x: [batch, height, width, channels],
 * filters: [kernel, kernel, channels, out].
 */
export interface Convolution {
  readonly model: 'convolution';
  readonly batch: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly out: number;
  readonly kernel: number;
  /** The result, or a gradient by that of the result. */
  readonly part: (typeof CONVOLUTION_PARTS)[number];
}

export const CONVOLUTION_PARTS = ['forward', 'image', 'filters'] as const;

/**
 * softmax(q kT / sqrt(size)) v and its gradients by q, k and v; all of them [batch, heads, places, size]. Causal: no place sees
 * later ones.
 */
export interface Attention {
  readonly model: 'attention';
  readonly batch: number;
  readonly heads: number;
  readonly places: number;
  readonly size: number;
  readonly causal: boolean;
}

/** A function of tensors by itself, which trains nothing. */
export type Bare = Product | Convolution | Attention;

/** What is measured: a training step, described as the golden files describe theirs, or a function by itself. */
export interface Workload {
  readonly name: string;
  readonly config: Config | Bare;
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

// The sizes of small models of characters: a GPT, and one of the width and depth of the browser's TinyGPT.
const w6: GptConfig = {
  ...{ model: 'gpt', vocab: 65, context: 64, dim: 128, heads: 4, layers: 4, batch: 16, steps: 1 },
  optim: { name: 'adamw', lr: 3e-4, weight_decay: 0.01 },
};
// Digits by a network such as LeNet.
const w7: CnnConfig = {
  ...{ model: 'cnn', image: [1, 28, 28], classes: 10, batch: 64, steps: 1, optim: adam },
  layers: [
    ...([16, 32] as const).flatMap((conv) => [
      { conv, kernel: 3, padding: 1 },
      { act: 'relu' as const },
      { pool: 'max' as const, size: 2 },
    ]),
    { flatten: true },
    { linear: 10 },
  ],
};
const w8: RnnConfig = {
  ...{ model: 'rnn', cell: 'gru', vocab: 65, context: 64, embed: 64, hidden: 128, layers: 1, batch: 32 },
  ...{ loss: 'all', steps: 1, optim: adam },
};

export const isBare = (config: Workload['config']): config is Bare =>
  config.model === 'product' || config.model === 'convolution' || config.model === 'attention';

/** The three parts of a convolution. */
export function convolution(
  height: number,
  width: number,
  channels: number,
  out: number,
  kernel: number,
): Workload[] {
  const sizes = { batch: IMAGES, height, width, channels, out, kernel };
  const name = `${height}x${width}x${channels}x${out}x${kernel}`;
  return CONVOLUTION_PARTS.map((part) => ({
    name: `${name} ${part}`,
    config: { model: 'convolution', ...sizes, part },
  }));
}

/** In a batch of a bare convolution. */
const IMAGES = 8;

/** GPTs of the size of W6 with contexts of these lengths, and as many tokens in a step as W6 or the longest of them has. */
export function contexts(lengths: readonly number[]): Workload[] {
  const batch = equalTokens(lengths);
  return lengths.map((context) => ({
    name: `W6-${context}`,
    config: { ...w6, context, batch: batch(context) },
  }));
}

/** Attention of the size of W6's, that sees all places and that does not see later ones, with as many tokens as `contexts` has. */
export function attentions(lengths: readonly number[]): Workload[] {
  const batch = equalTokens(lengths);
  return lengths.flatMap((places) =>
    [false, true].map((causal) => ({
      name: `attention-${places}${causal ? ' causal' : ''}`,
      config: {
        ...{ model: 'attention', batch: batch(places), heads: w6.heads, places, size: w6.dim / w6.heads },
        causal,
      } satisfies Attention,
    })),
  );
}

/** How many texts of a length have as many tokens as W6 in a step, or as the longest. */
function equalTokens(lengths: readonly number[]): (length: number) => number {
  const tokens = Math.max(w6.batch * w6.context, ...lengths);
  return (length) => {
    const batch = tokens / length;
    if (Number.isInteger(batch)) return batch;
    throw new RangeError(
      `${tokens} tokens, as many as each step has, make no whole number of texts of ${length}`,
    );
  };
}

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
  { name: 'W6', config: w6 },
  { name: 'W6-tiny', config: { ...w6, dim: 96, layers: 3 } },
  { name: 'W7', config: w7 },
  { name: 'W8', config: w8 },
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
