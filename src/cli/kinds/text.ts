import { loadText } from '../../data/text.js';
import { type TextTokens, textTokens } from '../../data/tokens.js';
import { splitText, spread, windows } from '../../data/windows.js';
import { sha256 } from '../../digest.js';
import { DataError, OptionError } from '../../errors.js';
import type { GptOptions } from '../../models/gpt.js';
import { readingStep, textStep } from '../../models/text.js';
import * as schedule from '../../optim/schedule.js';
import type { AnyTrainStep } from '../../run/train-step.js';
import { count, plural, tenth } from '../output.js';
import { sampleTexts, textHtml, textLines } from '../sampling.js';
import { type TextSettings, WARMUP } from '../settings.js';
import { rowsFrom, uniform } from './contexts.js';
import { type Kind, PARTS, type Part, type Task } from './kind.js';

/** Tokens in all windows that are trained on, which lie in memory; of a longer text windows overlap less. */
const MOST_TRAINED = 2 ** 22;
/** Tokens of each part that losses are measured on at the end, and of the dev part on the way. */
const MEASURED = 2 ** 16;
const WATCHED = 2 ** 15;

/** A GPT, on a text. */
export const text: Kind<TextSettings, TextTokens> = {
  name: 'text',
  format: 'text',
  command: 'text',
  folder: 'runs/text',
  title: 'Text',
  keeps: 'vocabulary',
  dev: 'dev',
  otherData: 'has changed or is another file',
  initial: {
    ...{ context: 64, tokens: 'chars', layers: 4, heads: 4, dim: 128, positions: 'learned', tie: false },
    ...{ dropout: 0, clip: 1, steps: 5_000, batch: 16, lr: 0.001, warmup: null, lrSteps: null },
    ...{ seed: 42, shards: 1, threads: 1, engine: 'compiled' },
  },
  model: ['context', 'tokens', 'layers', 'heads', 'dim', 'positions', 'tie', 'dropout', 'clip'],
  unit: ({ tokens }) => (tokens === 'bytes' ? 'byte' : 'character'),
  bits: ({ tokens }) => (tokens === 'bytes' ? 'bits per byte' : 'bits per character'),
  batch: ({ batch }) => batch,
  check({ heads, dim, positions }) {
    if (dim % heads !== 0) throw new OptionError(`--heads ${heads} does not divide --dim ${dim}`);
    if (positions === 'rotary' && (dim / heads) % 2 !== 0)
      throw new OptionError(
        `--positions rotary turns pairs of features, and --dim ${dim} over --heads ${heads} is ${dim / heads}, an odd number`,
      );
  },
  load,
  keptFrom(json, settings) {
    const tokens = textTokens(json);
    const kind = 'bytes' in tokens.toJSON() ? 'bytes' : 'chars';
    if (kind !== settings.tokens)
      throw new DataError(
        `the stored vocabulary is of ${kind}, and tokens of ${settings.tokens}; the checkpoint is damaged`,
      );
    return tokens;
  },
  step(tokens, settings, diagnostics) {
    const { batch, clip, dropout } = settings;
    return textStep({
      ...gptOf(tokens, settings),
      dropout,
      batch,
      clip,
      diagnostics,
    }) as unknown as AnyTrainStep;
  },
  use: (tokens, settings) => readingStep(gptOf(tokens, settings)) as unknown as AnyTrainStep,
  rate(settings) {
    const { lr } = settings;
    const [rising, all] = rateSteps(settings);
    return schedule.warmup(rising, schedule.cosine({ lr, steps: Math.max(1, all - rising), end: lr / 10 }));
  },
  rateText(settings) {
    const { lr } = settings;
    const [rising, all] = rateSteps(settings);
    const warm = rising > 0 ? `rising to ${lr} in ${plural(rising, 'step')}` : `${lr}`;
    return `${warm}, by a cosine to ${tenth(lr)} at step ${count(all)}`;
  },
  modelText({ context, tokens, layers, heads, dim, positions, tie, dropout }) {
    const extras = `${tie ? ', tied tables' : ''}${dropout > 0 ? `, dropout ${dropout}` : ''}`;
    return `GPT on ${tokens}, context ${context}, ${plural(layers, 'layer')}, ${plural(heads, 'head')}, width ${dim}, ${positions} positions${extras}`;
  },
  curveTitle: ({ context, layers, heads, dim, batch }) =>
    `Text: context ${context}, ${plural(layers, 'layer')}, ${plural(heads, 'head')}, width ${dim}, batch ${batch}`,
  baseline: (tokens) => uniform(tokens.size, 'bytes' in (tokens.toJSON() as object) ? 'byte' : 'character'),
  facts: ({ size }) => ({ vocabulary: size }),
  sampler: {
    counts: { train: 1, sample: 1 },
    noun: 'text',
    endless: true,
    text: textLines,
    html: textHtml,
    draw: (checkpoint, tokens, settings, seed, how) =>
      sampleTexts(checkpoint, tokens, gptOf(tokens, settings), seed, how),
  },
};

/** The model of some settings. */
export function gptOf(
  tokens: TextTokens,
  { context, dim, heads, layers, positions, tie }: TextSettings,
): GptOptions {
  return { vocab: tokens.size, context, width: dim, heads, layers, positions, tie };
}

/** How many steps the rate rises, and after how many in all it is at its end. */
function rateSteps({ warmup, lrSteps, steps }: TextSettings): [rising: number, all: number] {
  const all = lrSteps ?? steps;
  return [warmup ?? Math.round(all * WARMUP), all];
}

async function load(
  file: string | null,
  { context, seed, tokens: kind }: TextSettings,
  named: boolean,
): Promise<Task<TextTokens>> {
  const { pieces, tokens, source, bytes } = await loadText(file ?? undefined, { tokens: kind, pipes: named });
  const unit = kind === 'bytes' ? 'byte' : 'character';
  const parts = splitText(pieces, seed, context + 1);
  const of = <T>(f: (part: Part) => T) => ({ train: f('train'), dev: f('dev'), test: f('test') });
  const sizeOf = of((part) => parts[part].reduce((n, piece) => n + piece.length, 0));
  const measured = of((part) => rowsFrom(spread(parts[part], context, MEASURED)));
  const size = pieces.reduce((n, piece) => n + piece.length, 0);
  const seen = PARTS.map((part) => count(measured[part].columns.x.length)).join(', ');
  return {
    source,
    size,
    sha256: await sha256(bytes),
    kept: tokens,
    lines: [
      `${source}: ${plural(size, unit)}${kind === 'bytes' ? '' : `, ${tokens.size} different ones`}`,
      `${PARTS.map((part) => `${part} ${plural(sizeOf[part], unit)}`).join(', ')}; losses are measured on ${seen} of them`,
    ],
    sizeOf,
    rows: rowsFrom(windows(parts.train, context, MOST_TRAINED)),
    measured,
    watched: rowsFrom(spread(parts.dev, context, WATCHED)),
  };
}
