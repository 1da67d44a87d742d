import { boolean, checkGiven, checkOptions, oneOf, shown, wholeNumber } from '../check.js';
import { OptionError, ShapeError } from '../errors.js';
import * as init from '../init/index.js';
import * as nn from '../nn/index.js';
import { matmul, type Tensor, transpose } from '../ops/index.js';
import { formatShape } from '../shape.js';

export interface GptOptions {
  /** Number of tokens. */
  vocab: number;
  /** The most places of a text. */
  context: number;
  /** Width of a place's vector. */
  width: number;
  heads: number;
  layers: number;
  /** `learned` vectors for each place, unless told; `rotary`: queries and keys are turned by it. */
  positions?: 'learned' | 'rotary' | undefined;
  /** Of rotary positions (see `rotary`); 10,000 unless given. */
  base?: number | undefined;
  /** The table of tokens is the output's matrix too. */
  tie?: boolean | undefined;
  /** Of what each part of a block adds; 0 unless given. */
  dropout?: number | undefined;
  /** Of keys and values (see nn.multiHeadAttention); as many as heads unless given. */
  groups?: number | undefined;
  norm?: 'layer' | 'rms' | undefined;
  /** Of the norms; 1e-5 unless given. */
  eps?: number | undefined;
  /** Of the blocks (see nn.transformerBlock): `gelu-tanh` as GPT-2, `gated` as LLaMA. */
  mlp?: 'gelu' | 'gelu-tanh' | 'gated' | undefined;
  /** Width inside of the blocks' MLPs; 4 times the width unless given. */
  hidden?: number | undefined;
  /** In the products; by default yes. */
  bias?: boolean | undefined;
}

const OPTIONS = [
  ...(['vocab', 'context', 'width', 'heads', 'layers', 'positions', 'base', 'tie', 'dropout'] as const),
  ...(['groups', 'norm', 'eps', 'mlp', 'hidden', 'bias'] as const),
];

/** What a model takes beside its tokens: to go on from those that it has seen, one place at a time, and to be looked at. */
export interface GptInputs {
  /** What `gptCache` made. */
  cache?: readonly nn.KeyValueCache[];
  /** i32 of one element: where the token stands. */
  place?: Tensor;
  /** Called for each layer with how much every place takes of which, f32[batch, heads, places, keys]. */
  watch?: (weights: Tensor) => void;
}

/**
 * A language model of transformer blocks: ids i32[batch, places] -> logits f32[batch, places, vocab] of the token after
 * each
 * place, which sees no later ones. (Radford et al. 2019, section 2.3; with `rotary`, `rms`, `gated`, no bias and tied
 * tables
 * as Touvron et al. 2023.) With a cache it takes one place, i32[batch, 1], and looks at those before it there:
 * `model(ids, { cache, place })` gives the logits that it would give at the last of all these places, for less work.
 *
 * @example
 * ```ts
 * import { crossEntropy, gpt, i32, optim, trainStep } from '2headgrad';
 * const options = { vocab: 27, context: 16, width: 32, heads: 2, layers: 2 };
 * const step = trainStep({
 *   model: gpt(options),
 *   batch: { x: i32(4, 16), y: i32(4, 16) },
 *   loss: (model, { x, y }) => crossEntropy(model(x), y),
 *   optimizer: optim.adamW(),
 * });
 * console.log(step.interpret().parameterCount); // 27712
 * ```
 */
export function gpt(options: GptOptions): nn.Module<[ids: Tensor, more?: GptInputs]> {
  checkGiven('gpt', options, '{ vocab, context, width, heads, layers }');
  checkOptions('gpt', options, OPTIONS);
  const {
    vocab,
    context,
    width,
    heads,
    layers,
    positions = 'learned',
    base,
    tie = false,
    ...block
  } = options;
  for (const [name, value] of Object.entries({ vocab, context, width, heads, layers }))
    wholeNumber(`gpt: ${name}`, value);
  oneOf('gpt: positions', positions, ['learned', 'rotary']);
  boolean('gpt: tie', tie);
  if (base !== undefined && positions !== 'rotary')
    throw new OptionError('gpt: base is for rotary positions: give positions too');
  const rotary = positions === 'rotary' && (base ?? true);
  const table = nn.parameter([vocab, width], init.normal(0, 0.02));
  const blocks = Array.from({ length: layers }, () =>
    nn.transformerBlock(width, heads, { ...block, causal: true, rotary }),
  );
  const eps = block.eps === undefined ? {} : { eps: block.eps };
  const norm = block.norm === 'rms' ? nn.rmsNorm(width, eps) : nn.layerNorm(width, eps);
  const places = positions === 'learned' ? nn.learnedPositions(context, width) : null;
  const drop = block.dropout ? nn.dropout(block.dropout) : null;
  const head = tie ? null : nn.linear(width, vocab, { bias: false, weight: init.normal(0, 0.02) });
  const parts = {
    table,
    ...(places && { positions: places }),
    ...(drop && { dropout: drop }),
    blocks,
    norm,
    ...(head && { head }),
  };
  const forward = (ids: Tensor, more: GptInputs = {}) => {
    checkOptions('gpt', more, ['cache', 'place', 'watch']);
    const { cache, place, watch } = more;
    if (place !== undefined && cache === undefined)
      throw new OptionError('gpt: place is for a cache: give { cache, place }, or neither');
    if (cache !== undefined && !Array.isArray(cache))
      throw new OptionError(`gpt: cache must be what gptCache makes, got ${shown(cache)}`);
    const most = cache ? 1 : context;
    if (ids.rank !== 2 || ids.shape[1] > most)
      throw new ShapeError(
        `gpt: expected ids [batch, places] of at most ${most} places${cache ? ' with a cache' : ''}, got ${formatShape(ids.shape)}`,
      );
    if (cache && cache.length !== layers)
      throw new OptionError(
        `gpt: a cache of ${cache.length} layers does not fit ${layers}: make it by gptCache`,
      );
    const vectors = table.gather(ids);
    const placed = places ? places(vectors, { ...(cache && place && { place }) }) : vectors;
    const inputsOf = (i: number) => ({
      ...(cache && { cache: cache[i], ...(place && { place }) }),
      ...(watch && { watch }),
    });
    const x = norm(blocks.reduce((y, b, i) => b(y, inputsOf(i)), drop ? drop(placed) : placed));
    return head ? head(x) : matmul(x, transpose(table));
  };
  return nn.layerOf(parts, forward, 'gpt');
}

/**
 * State that a model of these options keeps of the places it has seen: keys and values for each of its layers.
 * @example
 * ```ts
 * import { gptCache } from '2headgrad';
 * const cache = gptCache({ vocab: 27, context: 16, width: 32, heads: 2, layers: 2 });
 * console.log(cache.length, cache[0].keys.shape); // 2 [ 1, 2, 16, 16 ]
 * ```
 */
export function gptCache(options: GptOptions, batch = 1): nn.KeyValueCache[] {
  checkGiven('gptCache', options, 'the options of the gpt');
  checkOptions('gptCache', options, OPTIONS);
  const { context, width, heads, layers, groups = heads } = options;
  for (const [name, value] of Object.entries({ context, width, heads, layers, batch }))
    wholeNumber(`gptCache: ${name}`, value);
  if (width % heads !== 0)
    throw new OptionError(`gptCache: ${heads} heads do not divide a width of ${width}`);
  const size = width / heads;
  return Array.from({ length: layers }, () => nn.keyValueCache({ batch, groups, places: context, size }));
}
