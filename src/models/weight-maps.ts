import { checkGiven, checkOptions, wholeNumber } from '../check.js';
import { OptionError } from '../errors.js';
import type { WeightSource } from '../train/weights.js';

// Where the parts of `gpt` are in files of others, for loadWeights and saveWeights.

type Rules = readonly (readonly [name: string, source: (block: string) => WeightSource])[];

/** A map by rules: `#` in a name of the model stands for the number of a block. */
function byRules(rules: Rules): (name: string) => WeightSource | undefined {
  return (name) => {
    const block = /\bblocks\.(\d+)\./.exec(name)?.[1] ?? '';
    const general = name.replace(/\bblocks\.\d+\./, 'blocks.#.');
    return rules.find(([own]) => general === own || general.endsWith(`.${own}`))?.[1](block);
  };
}

/**
 * For a GPT-2 as transformers keeps it: Conv1D layers, [inputs, outputs], with queries, keys and values side by side.
 * The
 * model is gpt({ ..., mlp: 'gelu-tanh', tie: true }). `prefix`: what stands before all names, such as `transformer.`.
 *
 * @example
 * ```ts
 * import { gpt2Weights } from '2headgrad';
 * // loadWeights(session, 'gpt2.safetensors', { map: gpt2Weights() })
 * const map = gpt2Weights({ prefix: 'transformer.' });
 * console.log(map('table'), map('blocks.0.norm1.gain')); // transformer.wte.weight transformer.h.0.ln_1.weight
 * ```
 */
export function gpt2Weights(options: { prefix?: string } = {}): (name: string) => WeightSource | undefined {
  checkOptions('gpt2Weights', options, ['prefix']);
  const { prefix = '' } = options;
  const both = (own: string, there: string): Rules =>
    ['weight', 'bias'].map((part) => [`${own}.${part}`, (block) => `${prefix}h.${block}.${there}.${part}`]);
  const norm = (own: string, there: (block: string) => string): Rules => [
    [`${own}.gain`, (block) => `${prefix}${there(block)}.weight`],
    [`${own}.bias`, (block) => `${prefix}${there(block)}.bias`],
  ];
  return byRules([
    ['table', () => `${prefix}wte.weight`],
    ['positions.weight', () => `${prefix}wpe.weight`],
    ...norm('blocks.#.norm1', (block) => `h.${block}.ln_1`),
    ...norm('blocks.#.norm2', (block) => `h.${block}.ln_2`),
    ...both('blocks.#.attention.input', 'attn.c_attn'),
    ...both('blocks.#.attention.output', 'attn.c_proj'),
    ...both('blocks.#.mlp.layers.0', 'mlp.c_fc'),
    ...both('blocks.#.mlp.layers.2', 'mlp.c_proj'),
    ...norm('norm', () => 'ln_f'),
  ]);
}

export interface LlamaWeights {
  width: number;
  heads: number;
  /** Of keys and values; as many as heads unless given. */
  groups?: number;
  /** What stands before the names of the layers; `model.` unless given. */
  prefix?: string;
}

/**
 * For a LLaMA as transformers keeps it: Linear layers, [outputs, inputs], with queries, keys and values apart, and
 * rotary
 * halves. The model is gpt({ ..., positions: 'rotary', norm: 'rms', mlp: 'gated', hidden, groups, bias: false }).
 *
 * @example
 * ```ts
 * import { llamaWeights } from '2headgrad';
 * // loadWeights(session, 'model.safetensors', { map: llamaWeights({ width: 2048, heads: 32, groups: 8 }) })
 * const map = llamaWeights({ width: 2048, heads: 32, groups: 8 });
 * console.log(map('table')); // model.embed_tokens.weight
 * ```
 */
export function llamaWeights(options: LlamaWeights): (name: string) => WeightSource | undefined {
  checkGiven('llamaWeights', options, '{ width, heads } of the model');
  checkOptions('llamaWeights', options, ['width', 'heads', 'groups', 'prefix']);
  const { width, heads, groups = heads, prefix = 'model.' } = options;
  for (const [name, value] of Object.entries({ width, heads, groups }))
    wholeNumber(`llamaWeights: ${name}`, value);
  if (width % heads !== 0)
    throw new OptionError(`llamaWeights: ${heads} heads do not divide a width of ${width}`);
  const shared = (width / heads) * groups;
  const layer = (own: string, ...there: string[]): Rules[number] => [
    `blocks.#.${own}`,
    (block) => ({
      from: there.map((name) => `${prefix}layers.${block}.${name}.weight`),
      transpose: true,
      ...(there.length > 1 && { sizes: [width, shared, shared] }),
    }),
  ];
  return byRules([
    ['table', () => `${prefix}embed_tokens.weight`],
    layer('norm1.gain', 'input_layernorm'),
    layer('norm2.gain', 'post_attention_layernorm'),
    layer('attention.input.weight', 'self_attn.q_proj', 'self_attn.k_proj', 'self_attn.v_proj'),
    layer('attention.output.weight', 'self_attn.o_proj'),
    layer('mlp.gate.weight', 'mlp.gate_proj'),
    layer('mlp.up.weight', 'mlp.up_proj'),
    layer('mlp.down.weight', 'mlp.down_proj'),
    ['norm.gain', () => `${prefix}norm.weight`],
    ['head.weight', () => ({ from: 'lm_head.weight', transpose: true })],
  ]);
}
