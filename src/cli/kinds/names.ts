import { createHash } from 'node:crypto';
import { contexts, split } from '../../data/dataset.js';
import { loadWords } from '../../data/names.js';
import { Vocabulary } from '../../data/vocabulary.js';
import { OptionError } from '../../errors.js';
import { namesStep } from '../../models/bengio.js';
import { escapeText } from '../../report/escape.js';
import type { AnyTrainStep } from '../../run/train-step.js';
import { count, plural, tenth } from '../output.js';
import { sampleWords } from '../sampling.js';
import { DECAY_AFTER, type NamesSettings } from '../settings.js';
import { rowsFrom, uniform } from './contexts.js';
import { type Kind, PARTS, type Part, type Task } from './kind.js';

/** Bengio's character model, on words. */
export const names: Kind<NamesSettings, Vocabulary> = {
  name: 'names',
  format: 'names',
  command: 'names',
  folder: 'runs/names',
  title: 'Names',
  keeps: 'vocabulary',
  dev: 'dev',
  otherData: 'has changed or is another file',
  initial: {
    ...{ context: 3, embed: 10, hidden: 200, norm: 'none', direct: false },
    ...{ steps: 50_000, batch: 32, lr: 0.1, lrDecayAt: null, seed: 42, shards: 1 },
    ...{ threads: 1, engine: 'compiled' },
  },
  model: ['context', 'embed', 'hidden', 'norm', 'direct'],
  unit: () => 'word',
  bits: () => undefined,
  batch: ({ batch }) => batch,
  check({ norm, batch, hidden, direct }) {
    if (hidden === 0 && !direct)
      throw new OptionError('--hidden 0 leaves nothing but --direct, which is not given');
    if (hidden === 0 && norm !== 'none')
      throw new OptionError(`--norm ${norm}: with --hidden 0 there is nothing to normalize`);
    if (norm === 'batch' && batch < 2)
      throw new OptionError(`--batch ${batch}: --norm batch needs a batch of at least 2`);
  },
  load,
  keptFrom: (json) => Vocabulary.fromJSON(json),
  step(vocabulary, { context, embed, hidden, norm, direct, batch }, diagnostics) {
    const model = { vocab: vocabulary.size, context, embed, hidden, norm, direct };
    return namesStep({ ...model, batch, diagnostics }) as unknown as AnyTrainStep;
  },
  rate(settings) {
    const decay = decayStep(settings);
    return (step) => (step < decay ? settings.lr : settings.lr / 10);
  },
  rateText(settings) {
    const { lr, steps } = settings;
    const decay = decayStep(settings);
    return decay < steps ? `${lr}, from step ${count(decay)} ${tenth(lr)}` : `${lr}`;
  },
  modelText({ context, embed, hidden, norm, direct }) {
    return `context ${context}, embedding ${embed}, hidden ${hidden}${normText(norm)}${direct ? ', direct connections' : ''}`;
  },
  curveTitle: ({ context, hidden, norm, batch }) =>
    `Names: context ${context}, hidden ${hidden}${normText(norm)}, batch ${batch}`,
  baseline: ({ size }) => uniform(size, 'character'),
  facts: ({ size }) => ({ vocabulary: size }),
  sampler: {
    counts: { train: 20, sample: 20 },
    noun: 'names',
    endless: false,
    draw: sampleWords,
    text(samples) {
      const lines: string[] = [];
      for (let i = 0; i < samples.length; i += 5) lines.push(samples.slice(i, i + 5).join(', '));
      return lines;
    },
    html(samples) {
      const items = samples.map((sample) => `<li>${escapeText(sample) || '(empty)'}</li>`);
      return `<ul style="columns: 9rem; list-style: none; padding: 0">${items.join('')}</ul>`;
    },
  },
};

const normText = (norm: NamesSettings['norm']) => (norm === 'none' ? '' : `, ${norm} norm`);

/** The step from which a run trains with a tenth of its learning rate. */
function decayStep({ lrDecayAt, steps }: NamesSettings): number {
  return lrDecayAt ?? Math.round(steps * DECAY_AFTER);
}

async function load(
  file: string | null,
  { context, seed }: NamesSettings,
  named: boolean,
): Promise<Task<Vocabulary>> {
  const { words, source } = await loadWords(file ?? undefined, { pipes: named });
  const kept = Vocabulary.from(words);
  const parts = split(words, seed);
  const of = <T>(f: (part: Part) => T) => ({ train: f('train'), dev: f('dev'), test: f('test') });
  const rowsOf = of((part) => rowsFrom(contexts(parts[part], kept, context)));
  const part = (name: Part) =>
    `${name} ${plural(parts[name].length, 'word')} (${plural(rowsOf[name].rows, 'row')})`;
  return {
    source,
    size: words.length,
    sha256: createHash('sha256').update(words.join('\n')).digest('hex'),
    kept,
    lines: [
      `${source}: ${plural(words.length, 'word')}, ${plural(kept.size - 1, 'character')} and the boundary`,
      PARTS.map(part).join(', '),
    ],
    sizeOf: of((name) => parts[name].length),
    rows: rowsOf.train,
    measured: rowsOf,
    watched: rowsOf.dev,
  };
}
