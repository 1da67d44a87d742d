import type { TextTokens } from '../data/tokens.js';
import type { Vocabulary } from '../data/vocabulary.js';
import { DataError, OptionError } from '../errors.js';
import { namesStep } from '../models/bengio.js';
import { type Choice, choose } from '../models/choose.js';
import type { GptOptions } from '../models/gpt.js';
import { generateTokens, writingStep } from '../models/text.js';
import { RandomStream, STREAMS } from '../random/philox.js';
import { escapeText } from '../report/escape.js';
import type { AnyTrainStep } from '../run/train-step.js';
import type { Session } from '../train/session.js';
import { takeWeights } from '../train/weights.js';
import type { Sampling } from './kinds/kind.js';
import { plural } from './output.js';
import { CONFIG, MODEL } from './run-files.js';
import type { NamesSettings } from './settings.js';
import { checkModelSize } from './task.js';

// The tape computes the probabilities whatever trained the model, so that a seed gives the same text everywhere.

/** A word that goes on and on is cut here. */
const LONGEST = 100;

/** Words drawn from a trained model, one character at a time; word k does not depend on how many are drawn. */
export function* sampleWords(
  checkpoint: Uint8Array,
  vocabulary: Vocabulary,
  { context, embed, hidden, norm, direct }: NamesSettings,
  seed: number,
  how: Sampling,
): Generator<string, never> {
  const step = namesStep({ vocab: vocabulary.size, context, embed, hidden, norm, direct, batch: 2 });
  checkModelSize(step as unknown as AnyTrainStep, checkpoint.length);
  const begin = known(() => vocabulary.encode(how.prompt ?? ''));
  const session = step.interpret({ seed });
  session.restore(checkpoint);
  const random = new RandomStream(seed, STREAMS.sample);
  const choice = choiceOf(how);
  for (let word = 0; ; word++) {
    const ids = [...begin];
    while (ids.length < LONGEST) {
      const uniform = random.uniform(word * LONGEST + ids.length);
      const id = choose(nextProbabilities(session, ids, context), uniform, choice);
      if (id === 0) break;
      ids.push(id);
    }
    yield vocabulary.decode(ids);
  }
}

export const choiceOf = ({ temperature, topK, topP }: Sampling): Choice => ({ temperature, topK, topP });

/** Boundaries stand before the word's first character. */
function nextProbabilities(session: Session, ids: readonly number[], context: number): ArrayLike<number> {
  const x = new Int32Array(context);
  const known = ids.slice(-context);
  x.set(known, context - known.length);
  return session.predict({ x });
}

/** What a checkpoint has for its training alone. */
export const TRAINING_STATE = [/^optimizer\./, /(^|\.)\w*[dD]ropout\.(key|step)$/];

/** Texts for a terminal, and for a page. */
export const textLines = (samples: readonly string[]) => samples.flatMap((sample) => sample.split('\n'));
export const textHtml = (samples: readonly string[]) =>
  samples.map((sample) => `<pre style="white-space: pre-wrap">${escapeText(sample)}</pre>`).join('');

/** More tokens than this no sample has. */
export const LONGEST_TEXT = 1_000_000;

/** Texts that go on from a prompt, one token at a time; text k does not depend on how many are drawn. */
export function* sampleTexts(
  checkpoint: Uint8Array,
  tokens: TextTokens,
  options: GptOptions,
  seed: number,
  how: Sampling,
): Generator<string, never> {
  const step = writingStep(options) as unknown as AnyTrainStep;
  checkModelSize(step, checkpoint.length);
  const { context } = options;
  const prompt = promptOf(tokens, context, how.prompt);
  const session = step.interpret({ seed });
  const { missing, extra } = takeWeights(session, checkpoint, { ignore: TRAINING_STATE, strict: false });
  const odd = [
    ...missing.map((name) => `${name} is missing`),
    ...extra.map((name) => `nothing takes ${name}`),
  ];
  if (odd.length > 0)
    throw new DataError(
      `${MODEL} is not of the model that ${CONFIG} says: ${odd[0]}${odd.length > 1 ? ` (and ${odd.length - 1} more)` : ''}; they do not belong together`,
    );
  const random = new RandomStream(seed, STREAMS.sample);
  const choice = choiceOf(how);
  for (let text = 0; ; text++) {
    const ids = how.prompt === undefined ? [] : [...prompt];
    let at = text * LONGEST_TEXT;
    const next = generateTokens(session, {
      ...{ context, prompt },
      next: (probabilities) => choose(probabilities, random.uniform(at++), choice),
    });
    for (let i = 0; i < how.length; i++) ids.push(next.next().value);
    yield tokens.decode(ids);
  }
}

/** What a text begins with; without a prompt a line's end, or a blank, or else the first token: it is then not shown. */
function promptOf(tokens: TextTokens, context: number, prompt: string | undefined): Int32Array {
  if (prompt === undefined) {
    const begin = ['\n', ' '].find((text) => tokens.knows(text));
    return begin === undefined ? Int32Array.of(0) : tokens.encode(begin);
  }
  if (prompt === '') throw new OptionError('--prompt is empty: leave it out, or give at least one character');
  const ids = known(() => tokens.encode(prompt));
  if (ids.length > context)
    throw new OptionError(
      `--prompt has ${plural(ids.length, 'token')}, and the model sees ${context} (its context): give the last ${context} of them`,
    );
  return ids;
}

/** A prompt's tokens; what the model does not know is the user's mistake. */
function known<T>(encode: () => T): T {
  try {
    return encode();
  } catch (error) {
    throw error instanceof DataError ? new OptionError(`--prompt: ${error.message}`) : error;
  }
}
