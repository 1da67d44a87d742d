import { checkOptions, oneOf, wholeNumber } from '../check.js';
import { silu } from '../ops/activations.js';
import { add, mul } from '../ops/elementwise.js';
import type { Tensor } from '../ops/tensor.js';
import { type AttentionInputs, type MultiHeadAttentionOptions, multiHeadAttention } from './attention.js';
import { dropout } from './dropout.js';
import { gelu, linear, sequential } from './layers.js';
import { layer, layerOf, type Module } from './module.js';
import { layerNorm, rmsNorm } from './norm.js';

/**
 * SwiGLU: (silu(x gate) * (x up)) down. x: f32[..., width] -> the same. (Shazeer 2020, equation 6.)
 * @example
 * ```ts
 * import { f32, meanSquaredError, nn, optim, trainStep } from '2headgrad';
 * const step = trainStep({
 *   model: nn.gatedMlp(16, 64),
 *   batch: { x: f32(4, 20, 16), y: f32(4, 20, 16) },
 *   loss: (model, { x, y }) => meanSquaredError(model(x), y),
 *   optimizer: optim.adam(),
 * });
 * console.log(step.interpret().parameterCount); // 3072
 * ```
 */
export function gatedMlp(width: number, hidden: number, options: { bias?: boolean } = {}): Module {
  checkOptions('gatedMlp', options, ['bias']);
  wholeNumber('gatedMlp: width', width);
  wholeNumber('gatedMlp: hidden', hidden);
  const { bias = false } = options;
  const [gate, up, down] = [
    linear(width, hidden, { bias }),
    linear(width, hidden, { bias }),
    linear(hidden, width, { bias }),
  ];
  return layer({ gate, up, down }, (x) => down(mul(silu(gate(x)), up(x))), 'gatedMlp');
}

export interface TransformerBlockOptions extends MultiHeadAttentionOptions {
  /** `layer` norms unless told. */
  norm?: 'layer' | 'rms' | undefined;
  /** Of the norms; 1e-5 unless given. */
  eps?: number | undefined;
  /** `gelu`: two products with a GELU between, unless told; `gelu-tanh`: its approximation; `gated`: see `gatedMlp`. */
  mlp?: 'gelu' | 'gelu-tanh' | 'gated' | undefined;
  /** Width inside of the MLP; 4 times the width unless given. */
  hidden?: number | undefined;
}

/**
 * A block of a transformer with its norms in front: x + attention(norm(x)), and of that y + mlp(norm(y)).
 * x: f32[batch, places, width] -> the same. (Vaswani et al. 2017, section 3.1; Xiong et al. 2020 for the norms.)
 * @example
 * ```ts
 * import { f32, meanSquaredError, nn, optim, trainStep } from '2headgrad';
 * const step = trainStep({
 *   model: nn.transformerBlock(16, 2, { causal: true }),
 *   batch: { x: f32(4, 20, 16), y: f32(4, 20, 16) },
 *   loss: (model, { x, y }) => meanSquaredError(model(x), y),
 *   optimizer: optim.adam(),
 * });
 * console.log(step.interpret().parameterCount); // 3280
 * ```
 */
export function transformerBlock(
  width: number,
  heads: number,
  options: TransformerBlockOptions = {},
): Module<[x: Tensor, more?: AttentionInputs]> {
  const what = 'transformerBlock';
  const { norm = 'layer', eps = 1e-5, mlp: kind = 'gelu', hidden = 4 * width, ...inner } = options;
  oneOf(`${what}: norm`, norm, ['layer', 'rms']);
  oneOf(`${what}: mlp`, kind, ['gelu', 'gelu-tanh', 'gated']);
  wholeNumber(`${what}: hidden`, hidden);
  const attention = multiHeadAttention(width, heads, inner);
  const bias = inner.bias ?? true;
  const normOf = () => (norm === 'rms' ? rmsNorm(width, { eps }) : layerNorm(width, { eps }));
  const between = () => gelu({ approximate: kind === 'gelu-tanh' ? 'tanh' : 'none' });
  const [norm1, norm2] = [normOf(), normOf()];
  const mlp =
    kind === 'gated'
      ? gatedMlp(width, hidden, { bias })
      : sequential(linear(width, hidden, { bias }), between(), linear(hidden, width, { bias }));
  const drop = inner.dropout ? dropout(inner.dropout) : null;
  const forward = (x: Tensor, more?: AttentionInputs) => {
    const y = add(x, attention(norm1(x), more));
    const made = mlp(norm2(y));
    return add(y, drop ? drop(made) : made);
  };
  return layerOf({ norm1, attention, norm2, mlp, ...(drop && { dropout: drop }) }, forward, what);
}
