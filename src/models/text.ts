import { checkOptions, shown, wholeNumber } from '../check.js';
import { OptionError } from '../errors.js';
import { crossEntropy, reshape, softmax } from '../ops/index.js';
import * as optim from '../optim/index.js';
import { trainStep } from '../run/train-step.js';
import type { Session } from '../train/session.js';
import { i32 } from '../train/step.js';
import { type GptOptions, gpt, gptCache } from './gpt.js';

export interface TextStepOptions extends GptOptions {
  batch: number;
  /** Limit of the norm of all gradients; 0 for none. */
  clip: number;
  diagnostics?: { every: number } | undefined;
}

/**
 * Trains `gpt` by AdamW on batches { x: i32[batch, context], y: i32[batch, context] }, y being the token after each place.
 */
export function textStep({ batch, clip, diagnostics, ...options }: TextStepOptions) {
  const { context } = options;
  const optimizer = optim.adamW();
  return trainStep({
    name: 'text',
    model: gpt(options),
    batch: { x: i32(batch, context), y: i32(batch, context) },
    loss: (model, { x, y }) => crossEntropy(model(x), y),
    optimizer: clip > 0 ? optim.clip(optimizer, { norm: clip }) : optimizer,
    diagnostics,
  });
}

/**
 * A model of these options for going on from a text. Its entry `generate` takes one token, i32[1], and its place, i32[1],
 * and gives the probabilities of the next, f32[vocab]; keys and values of the places before are state. Its parameters have
 * the names that they have in `gpt`.
 */
export function writingStep(options: GptOptions) {
  const model = gpt({ ...options, dropout: 0 });
  const cache = gptCache(options);
  const { context, vocab } = options;
  return trainStep({
    name: 'text',
    model: { ...model.parts, cache },
    batch: { x: i32(1, context), y: i32(1, context) },
    loss: (_, { x, y }) => crossEntropy(model(x), y),
    optimizer: optim.sgd(),
    entries: {
      generate: {
        inputs: { token: i32(1), place: i32(1) },
        output: (_, { token, place }) =>
          softmax(reshape(model(reshape(token, [1, 1]), { cache, place }), [vocab])),
      },
    },
  });
}

/**
 * The model that reads a text as a whole: `predict` gives the logits of the token after each place, i32[1, context] ->
 * f32[1, context, vocab]. Its variables have the names that `textStep` gives them.
 */
export function readingStep(options: GptOptions) {
  const { context } = options;
  return trainStep({
    name: 'text',
    model: gpt({ ...options, dropout: 0 }),
    batch: { x: i32(1, context), y: i32(1, context) },
    loss: (model, { x, y }) => crossEntropy(model(x), y),
    optimizer: optim.sgd(),
    predict: { inputs: { x: i32(1, context) }, output: (model, { x }) => model(x) },
  });
}

/** Whose text the keys and values are of that a session keeps. */
const lastWriter = new WeakMap<object, object>();

/**
 * Goes on from a text token by token, by the entry `generate` of a session: `next` gets what that gives for the last
 * token,
 * f32[vocab], and says which token follows. The model sees `context` places at most: when they are full, the later half
 * of
 * them is read again from the first place on, so that a token costs as much as two on the average, however long the
 * text.
 *
 * Several texts may go on from one session in turn: each reads its places again where another was written since, which
 * costs
 * as many tokens as it sees. Throws OptionError.
 *
 * @example
 * ```ts
 * import { choose, crossEntropy, generateTokens, gpt, gptCache, i32, optim, trainStep } from '2headgrad';
 * const options = { vocab: 5, context: 8, width: 16, heads: 2, layers: 1 };
 * const step = trainStep({
 *   model: { gpt: gpt(options), cache: gptCache(options) },
 *   batch: { x: i32(1, 8), y: i32(1, 8) },
 *   loss: ({ gpt }, { x, y }) => crossEntropy(gpt(x), y),
 *   optimizer: optim.adamW(),
 *   entries: {
 *     generate: {
 *       inputs: { token: i32(1), place: i32(1) },
 *       output: ({ gpt, cache }, { token, place }) => gpt(token.reshape([1, 1]), { cache, place }).reshape([5]).softmax(),
 *     },
 *   },
 * });
 * const session = step.interpret({ seed: 1 });
 * const next = (probabilities: ArrayLike<number>) => choose(probabilities, 0.5);
 * const tokens = generateTokens(session, { context: 8, prompt: [0], next });
 * console.log(Array.from({ length: 4 }, () => tokens.next().value < 5).join(' ')); // true true true true
 * ```
 */
export function generateTokens(
  session: Pick<Session, 'invoke'>,
  options: GenerateOptions,
): Generator<number, never> {
  checkOptions('generateTokens', options, ['context', 'prompt', 'next']);
  const { context, prompt, next } = (options ?? {}) as Partial<GenerateOptions>;
  if (typeof session?.invoke !== 'function')
    throw new OptionError(`generateTokens: expected a session first, got ${shown(session)}`);
  wholeNumber('generateTokens: context', context as number);
  if (typeof prompt !== 'object' || prompt === null || !Number.isInteger(prompt.length))
    throw new OptionError(
      `generateTokens: prompt must be the tokens to go on from, as what encode gives, got ${shown(prompt)}`,
    );
  if (prompt.length === 0)
    throw new OptionError('generateTokens: a text goes on from at least one token, and the prompt has none');
  for (const token of Array.from(prompt)) wholeNumber('generateTokens: prompt', token, 0);
  if (typeof next !== 'function')
    throw new OptionError(
      `generateTokens: next must be a function from probabilities to a token, such as (p) => choose(p, Math.random()), got ${shown(next)}`,
    );
  return written(session, { context: context as number, prompt, next });
}

function* written(
  session: Pick<Session, 'invoke'>,
  { context, prompt, next }: GenerateOptions,
): Generator<number, never> {
  const text = Array.from(prompt);
  const self = {};
  let [begin, read] = [0, 0];
  for (;;) {
    let output: ArrayLike<number> = [];
    if (lastWriter.get(session) !== self) read = begin;
    lastWriter.set(session, self);
    while (read < text.length) {
      if (read - begin === context) {
        begin = text.length - Math.max(1, Math.floor(context / 2));
        read = begin;
      }
      ({ output } = session.invoke('generate', { token: [text[read]], place: [read - begin] }));
      read++;
    }
    const token = next(output);
    text.push(token);
    yield token;
  }
}

export interface GenerateOptions {
  /** Places that the model sees. */
  context: number;
  /** The tokens that it goes on from; at least one. */
  prompt: ArrayLike<number>;
  /** From the output of the entry `generate`, probabilities as a rule (see `choose`), to the next token. */
  next(output: ArrayLike<number>): number;
}
