import { boolean, checkOptions, oneOf, wholeNumber } from '../check.js';
import { ShapeError } from '../errors.js';
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
  positions?: 'learned' | 'rotary';
  /** The table of tokens is the output's matrix too. */
  tie?: boolean;
  /** Of what each part of a block adds; 0 unless given. */
  dropout?: number;
  /** Of keys and values (see nn.multiHeadAttention); as many as heads unless given. */
  groups?: number;
  norm?: 'layer' | 'rms';
  mlp?: 'gelu' | 'gated';
  /** Width inside of the blocks' MLPs; 4 times the width unless given. */
  hidden?: number;
  /** In the products; by default yes. */
  bias?: boolean;
}

const OPTIONS = [
  ...(['vocab', 'context', 'width', 'heads', 'layers', 'positions', 'tie', 'dropout'] as const),
  ...(['groups', 'norm', 'mlp', 'hidden', 'bias'] as const),
];

/**
 * A language model of transformer blocks: ids i32[batch, places] -> logits f32[batch, places, vocab] of the token after each
 * place, which sees no later ones. (Radford et al. 2019, section 2.3; with `rotary`, `rms`, `gated`, no bias and tied tables
 * as Touvron et al. 2023.)
 */
export function gpt(options: GptOptions): nn.Module {
  checkOptions('gpt', options, OPTIONS);
  const { vocab, context, width, heads, layers, positions = 'learned', tie = false, ...block } = options;
  for (const [name, value] of Object.entries({ vocab, context, width, heads, layers }))
    wholeNumber(`gpt: ${name}`, value);
  oneOf('gpt: positions', positions, ['learned', 'rotary']);
  boolean('gpt: tie', tie);
  const table = nn.parameter([vocab, width], init.normal(0, 0.02));
  const blocks = Array.from({ length: layers }, () =>
    nn.transformerBlock(width, heads, { ...block, causal: true, rotary: positions === 'rotary' }),
  );
  const norm = block.norm === 'rms' ? nn.rmsNorm(width) : nn.layerNorm(width);
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
  const forward = (ids: Tensor) => {
    if (ids.rank !== 2 || ids.shape[1] > context)
      throw new ShapeError(
        `gpt: expected ids [batch, places] of at most ${context} places, got ${formatShape(ids.shape)}`,
      );
    const vectors = table.gather(ids);
    const placed = places ? places(vectors) : vectors;
    const x = norm(blocks.reduce((y, b) => b(y), drop ? drop(placed) : placed));
    return head ? head(x) : matmul(x, transpose(table));
  };
  return nn.layer(parts, forward, 'gpt');
}
