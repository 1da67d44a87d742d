import { checkOptions } from '../check.js';
import { OptionError } from '../errors.js';
import * as init from '../init/index.js';
import * as nn from '../nn/index.js';
import { add, crossEntropy, reshape, softmax, type Tensor, tanh } from '../ops/index.js';
import type { Initializer } from '../ops/tensor.js';
import * as optim from '../optim/index.js';
import { trainStep } from '../run/train-step.js';
import { i32 } from '../train/step.js';

export const NORMS = ['none', 'batch', 'layer'] as const;
export type Norm = (typeof NORMS)[number];

export interface BengioOptions {
  /** Number of tokens, the boundary among them. */
  vocab: number;
  /** How many tokens are seen before the one that is predicted. */
  context: number;
  /** Width of a token's feature vector. */
  embed: number;
  /** Width of the tanh layer; 0: none, and the direct connections are all that there is. */
  hidden: number;
  /** What stands between the hidden layer's matrix and its tanh. */
  norm?: Norm | undefined;
  /** Connect the feature vectors to the output directly too. */
  direct?: boolean | undefined;
  /** This share of the feature vectors' elements, and of the hidden units, is dropped in training; 0 unless given. */
  dropout?: number | undefined;
  /** What feature vectors begin as; standard normal unless given. */
  features?: Initializer | undefined;
}

/**
 * Weight of a new batch in batch norm's running statistics: they average a thousand batches, so that what the
 * model is used with hardly depends on the last few.
 */
const MOMENTUM = 0.001;

/**
 * The neural probabilistic language model. ids: i32[batch, context] -> logits: f32[batch, vocab].
 * y = b + W x + U tanh(d + H x), x being the context's feature vectors joined; W only with `direct`.
 * (Bengio et al. 2003, equation 1; normalization before the tanh as in Ioffe and Szegedy 2015.)
 *
 * @example
 * ```ts
 * import { bengio, crossEntropy, i32, optim, trainStep } from '2headgrad';
 * const step = trainStep({
 *   model: bengio({ vocab: 27, context: 3, embed: 10, hidden: 100 }),
 *   batch: { x: i32(32, 3), y: i32(32) },
 *   loss: (model, { x, y }) => crossEntropy(model(x), y),
 *   optimizer: optim.sgd(),
 * });
 * console.log(step.interpret().parameterCount); // 6097
 * ```
 */
export function bengio(options: BengioOptions): nn.Module {
  const known = ['vocab', 'context', 'embed', 'hidden', 'norm', 'direct', 'dropout', 'features'] as const;
  checkOptions('bengio', options, known);
  const { vocab, context, embed, hidden, norm = 'none', direct = false, dropout = 0, features } = options;
  if (hidden === 0 && !direct)
    throw new OptionError(
      'bengio: without hidden units (hidden: 0) it needs direct connections (direct: true)',
    );
  const width = context * embed;
  const embedding = nn.embedding(vocab, embed, { weight: features });
  const parts: Record<string, nn.Module> = { embedding };
  // Nearly equal logits: the first loss is that of a uniform guess, ln(vocab), and no step is spent on getting there.
  const output = (inputs: number, bias: boolean) =>
    nn.linear(inputs, vocab, { weight: init.normal(0, 0.01), bias, biasInit: init.zeros });
  const dropped = (name: string, x: Tensor) => (dropout > 0 ? parts[name](x) : x);
  if (dropout > 0) parts.featureDropout = nn.dropout(dropout);
  if (hidden > 0) {
    parts.hidden = nn.linear(width, hidden, {
      weight: init.kaimingNormal({ nonlinearity: 'tanh' }),
      // Batch norm takes the mean off again, so a bias before it would never change anything.
      bias: norm !== 'batch',
      biasInit: init.zeros,
    });
    const normalize = normalization(norm, hidden);
    if (normalize) parts.norm = normalize;
    if (dropout > 0) parts.dropout = nn.dropout(dropout);
    parts.output = output(hidden, true);
  }
  if (direct) parts.direct = output(width, hidden === 0);

  return nn.layer(parts, (ids) => {
    const x = dropped('featureDropout', reshape(embedding(ids), [ids.shape[0], width]));
    if (hidden === 0) return parts.direct(x);
    const before = parts.hidden(x);
    const logits = parts.output(dropped('dropout', tanh(parts.norm ? parts.norm(before) : before)));
    return direct ? add(logits, parts.direct(x)) : logits;
  });
}

function normalization(norm: Norm, features: number): nn.Module | null {
  switch (norm) {
    case 'none':
      return null;
    case 'batch':
      return nn.batchNorm1d(features, { momentum: MOMENTUM });
    case 'layer':
      return nn.layerNorm(features);
    default:
      throw new OptionError(`norm: expected one of ${NORMS.join(', ')}, got ${norm}`);
  }
}

/**
 * Trains `bengio` by stochastic gradient descent on batches { x: i32[batch, context], y: i32[batch] }.
 * `predict` gives the probabilities of the token after one context: i32[1, context] -> f32[1, vocab].
 */
export function namesStep({
  batch,
  diagnostics,
  vocab,
  context,
  embed,
  hidden,
  norm,
  direct,
}: BengioOptions & { batch: number; diagnostics?: { every: number } }) {
  return trainStep({
    name: 'names',
    model: bengio({ vocab, context, embed, hidden, norm, direct }),
    batch: { x: i32(batch, context), y: i32(batch) },
    loss: (model, { x, y }) => crossEntropy(model(x), y),
    optimizer: optim.sgd(),
    diagnostics,
    predict: {
      inputs: { x: i32(1, context) },
      output: (model, { x }) => softmax(model(x)),
    },
  });
}

export type NamesStep = ReturnType<typeof namesStep>;
