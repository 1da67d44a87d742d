import * as init from '../init/index.js';
import { crossEntropy, neg, softmax } from '../ops/index.js';
import * as optim from '../optim/index.js';
import { trainStep } from '../run/train-step.js';
import { i32 } from '../train/step.js';
import { type BengioOptions, bengio } from './bengio.js';

export const OPTIMIZERS = ['sgd', 'adam'] as const;

export interface WordsStepOptions extends Omit<BengioOptions, 'norm' | 'features'> {
  batch: number;
  /** Plain stochastic gradient descent, as in the paper, or Adam with weight decay apart from the gradient. */
  optimizer: (typeof OPTIMIZERS)[number];
  /** Pulls at the matrices and at the table of feature vectors, not at biases (Bengio et al. 2003, section 2). */
  weightDecay: number;
  diagnostics?: { every: number } | undefined;
}

/** So many rows are scored at a time, however small the batches are. */
export const SCORED = 128;
/** Deviation of the first feature vectors: small beside what is learned of frequent words, so that rare ones do not disturb. */
const FEATURES = 0.1;

/**
 * Trains `bengio` on words, batches { x: i32[batch, context], y: i32[batch] }. `predict` gives the probabilities of the word after
 * one context, i32[1, context] -> f32[1, vocab]; the entry `score` the logarithm of the probability of each row's `y`, f32[rows].
 */
export function wordsStep(options: WordsStepOptions) {
  const { batch, optimizer, weightDecay, diagnostics, ...model } = options;
  const { context } = model;
  const decay = { weightDecay, decayed: optim.matrices };
  return trainStep({
    name: 'words',
    model: bengio({ ...model, features: init.normal(0, FEATURES) }),
    batch: { x: i32(batch, context), y: i32(batch) },
    loss: (model, { x, y }) => crossEntropy(model(x), y),
    optimizer: optimizer === 'adam' ? optim.adamW(decay) : optim.sgd(decay),
    diagnostics,
    predict: { inputs: { x: i32(1, context) }, output: (model, { x }) => softmax(model(x)) },
    entries: {
      score: {
        inputs: { x: i32(SCORED, context), y: i32(SCORED) },
        output: (model, { x, y }) => neg(crossEntropy(model(x), y, { reduction: 'none' })),
      },
    },
  });
}

/** The elements of a model of so many words before its optimizer: what the paper calls its free parameters (section 2). */
export function wordsParameters({ vocab, context, embed, hidden, direct }: WordSizes): number {
  const width = context * embed;
  const head = hidden > 0 ? width * hidden + hidden + hidden * vocab : 0;
  return vocab * embed + head + vocab + (direct ? width * vocab : 0);
}

export type WordSizes = Pick<WordsStepOptions, 'vocab' | 'context' | 'embed' | 'hidden' | 'direct'>;

export interface Neighbour {
  row: number;
  /** The cosine of the angle between both vectors: 1 where they point the same way. */
  cosine: number;
}

/**
 * The rows of a table [rows, width] that point most nearly where row `of` does, without it and those that `skip` names.
 * @example
 * ```ts
 * import { neighbours } from '2headgrad';
 * // Rows of a table of width 2: the last points where the first does.
 * console.log(neighbours([1, 0, 0, 1, 2, 0.1], 2, 0, 1).map(({ row }) => row)); // [ 2 ]
 * ```
 */
export function neighbours(
  table: ArrayLike<number>,
  width: number,
  of: number,
  count: number,
  skip: (row: number) => boolean = () => false,
): Neighbour[] {
  const rows = table.length / width;
  const dot = (a: number, b: number) => {
    let sum = 0;
    for (let i = 0; i < width; i++) sum += table[a * width + i] * table[b * width + i];
    return sum;
  };
  const length = Math.sqrt(dot(of, of));
  const all: Neighbour[] = [];
  for (let row = 0; row < rows; row++) {
    if (row === of || skip(row)) continue;
    const norm = Math.sqrt(dot(row, row)) * length;
    // A vector of zeros points nowhere.
    all.push({ row, cosine: norm > 0 ? dot(of, row) / norm : 0 });
  }
  return all.sort((a, b) => b.cosine - a.cosine || a.row - b.row).slice(0, count);
}
