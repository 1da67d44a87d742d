import { sha256 } from '../../digest.js';
import { OptionError } from '../../errors.js';
import * as schedule from '../../optim/schedule.js';
import type { AnyTrainStep } from '../../run/train-step.js';
import { count, plural } from '../output.js';
import { textHtml, textLines } from '../sampling.js';
import { CORPORA, flagOf, type SettingName, WARMUP, type WordsSettings } from '../settings.js';
import { compare } from '../words/compare.js';
import { countsOf, loadCorpus, type WordRows, WordVocabulary, wordRows } from '../words/corpus.js';
import { checkMemory } from '../words/memory.js';
import { sampleSentences } from '../words/sampling.js';
import { lossOf } from '../words/score.js';
import { sizesOf, stepOf } from '../words/step.js';
import { uniform } from './contexts.js';
import { type Kind, PARTS, type Part, type Task } from './kind.js';

/** Of an example with plain descent, as the paper (section 4.2), whose gradients a batch averages; of a step with Adam. */
const RATES = { sgd: 1e-3, adam: 1e-3 } as const;
const LR_DECAY = 1e-8;

/** Bengio's model at the size of the paper, on words. */
export const words: Kind<WordsSettings, WordVocabulary> = {
  name: 'words',
  format: 'words',
  command: 'words',
  folder: 'runs/words',
  title: 'Words',
  keeps: 'vocabulary',
  dev: 'dev',
  otherData: 'has changed or is another file',
  corpora: CORPORA,
  saveSeconds: 120,
  initial: {
    ...{ corpus: 'brown', minCount: 4, counted: 'all', marks: false },
    ...{ order: 5, embed: 30, hidden: 100, direct: false, dropout: 0 },
    ...{ optimizer: 'sgd', weightDecay: null, steps: null as unknown as number, epochs: 20, batch: 64 },
    ...{ lr: null, lrDecay: null, warmup: null, every: null, patience: 3, seed: 42, shards: 1 },
    ...{ threads: 2, engine: 'compiled' },
  },
  model: [
    ...(['corpus', 'minCount', 'counted', 'marks', 'order', 'embed', 'hidden', 'direct', 'dropout'] as const),
    ...(['optimizer', 'weightDecay'] as const),
  ],
  unit: () => 'word',
  bits: () => undefined,
  batch: ({ batch }) => batch,
  check(settings) {
    const { hidden, direct, optimizer } = settings;
    if (hidden === 0 && !direct)
      throw new OptionError('--hidden 0 leaves nothing but --direct, which is not given');
    const [name, other]: [SettingName, string] =
      optimizer === 'sgd' ? ['warmup', 'adam'] : ['lrDecay', 'sgd'];
    if (settings[name as 'warmup' | 'lrDecay'] !== null)
      throw new OptionError(`${flagOf(name)} is for --optimizer ${other}, and this is ${optimizer}`);
  },
  load,
  keptFrom: (json) => WordVocabulary.from(json),
  settled(settings, given, { rows }) {
    const { epochs, batch, steps } = settings;
    const wanted = given.steps === undefined && (given.epochs !== undefined || steps === null);
    return wanted ? { ...settings, steps: epochs * perEpoch(rows.rows, batch) } : settings;
  },
  step: (kept, settings, diagnostics) => stepOf(kept, settings, diagnostics) as unknown as AnyTrainStep,
  every: ({ every, batch }, { rows }) => every ?? perEpoch(rows.rows, batch),
  patience: ({ patience }) => patience,
  measure: lossOf,
  rate(settings) {
    const { optimizer, batch, steps, lrDecay, warmup } = settings;
    const lr = rateOf(settings);
    if (optimizer === 'adam') {
      const rising = warmup ?? Math.round(steps * WARMUP);
      return schedule.warmup(rising, schedule.cosine({ lr, steps: Math.max(1, steps - rising) }));
    }
    const r = (lrDecay ?? LR_DECAY) * batch;
    return (step) => lr / (1 + r * step);
  },
  rateText(settings) {
    const { optimizer, lrDecay, steps, warmup } = settings;
    const lr = rateOf(settings);
    if (optimizer === 'sgd') return `${lr} over 1 + ${lrDecay ?? LR_DECAY} times the examples before`;
    return `rising to ${lr} in ${plural(warmup ?? Math.round(steps * WARMUP), 'step')}, by a cosine to 0 at step ${count(steps)}`;
  },
  modelText: (settings) => `${titleOf(settings)}, by ${settings.optimizer}`,
  curveTitle: (settings) => `Words: ${titleOf(settings)}, batch ${settings.batch}`,
  baseline: ({ size }) => uniform(size, 'word'),
  facts: ({ size }) => ({ vocabulary: size }),
  sampler: {
    counts: { train: 1, sample: 1 },
    noun: 'text',
    endless: true,
    draw: sampleSentences,
    text: textLines,
    html: textHtml,
  },
};

const perEpoch = (rows: number, batch: number) => Math.ceil(rows / batch);

const rateOf = ({ lr, optimizer, batch }: WordsSettings) =>
  lr ?? Number((optimizer === 'sgd' ? RATES.sgd * batch : RATES.adam).toPrecision(12));

function titleOf({ order, embed, hidden, direct, dropout }: WordsSettings): string {
  const extras = `${direct ? ', direct connections' : ''}${dropout > 0 ? `, dropout ${dropout}` : ''}`;
  return `order ${order}, ${plural(embed, 'feature')}, ${plural(hidden, 'hidden unit')}${extras}`;
}

async function load(
  file: string | null,
  settings: WordsSettings,
  named: boolean,
): Promise<Task<WordVocabulary>> {
  const { order, optimizer, batch } = settings;
  const { parts, tokens, words, source, bytes } = await loadCorpus(file, settings, named);
  const of = <T>(f: (part: Part) => T) => ({ train: f('train'), dev: f('dev'), test: f('test') });
  const rows: Record<Part, WordRows> = of((part) => wordRows(parts[part], order - 1));
  const sizes = { ...sizesOf(tokens.size, settings), optimizer, batch, rows: rows.train.rows };
  checkMemory(sizes, countsOf(Object.values(parts).flat(), tokens.size));
  const sizeOf = of((part) => parts[part].reduce((n, { length }) => n + length, 0));
  return {
    source,
    size: words,
    sha256: await sha256(bytes),
    kept: new WordVocabulary(tokens),
    lines: [
      `${source}: ${plural(words, 'word')}, ${count(tokens.size - 1)} different ones${settings.minCount > 1 ? ` that come ${settings.minCount} times or more${settings.counted === 'seen' ? ' in train and dev' : ''}, and one for the others` : ''}`,
      PARTS.map((part) => `${part} ${plural(sizeOf[part], 'word')}`).join(', '),
    ],
    sizeOf,
    rows: rows.train,
    measured: rows,
    watched: rows.dev,
    compare: (session) => compare(session, { name: 'network', order, vocabulary: tokens.size, parts: rows }),
  };
}
