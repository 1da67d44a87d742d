import { createHash } from 'node:crypto';
import { type Contexts, contexts, split } from '../data/dataset.js';
import { loadWords } from '../data/names.js';
import { Vocabulary } from '../data/vocabulary.js';
import { DataError, OptionError } from '../errors.js';
import { type NamesStep, namesStep } from '../models/bengio.js';
import { numel } from '../shape.js';
import type { Session } from '../train/session.js';
import { MODEL } from './folder.js';
import { breathe } from './interrupt.js';
import { count } from './output.js';
import type { ModelSettings, RunSettings } from './settings.js';

export const PARTS = ['train', 'dev', 'test'] as const;
export type Part = (typeof PARTS)[number];

/** The words of a run, cut into rows. */
export interface NamesTask {
  words: number;
  source: string;
  /** Of all words in their order, so that a resumed run can tell other data. */
  sha256: string;
  vocabulary: Vocabulary;
  wordsOf: Record<Part, number>;
  rowsOf: Record<Part, Contexts>;
}

/** `named`: the file is one that the user named now, and not one that a run's settings name. */
export async function loadTask(
  file: string | null,
  { context, seed, batch }: Pick<RunSettings, 'context' | 'seed' | 'batch'>,
  named = true,
): Promise<NamesTask> {
  const { words, source } = await loadWords(file ?? undefined, { pipes: named });
  const vocabulary = Vocabulary.from(words);
  const parts = split(words, seed);
  const of = <T>(f: (part: Part) => T) => ({ train: f('train'), dev: f('dev'), test: f('test') });
  const rowsOf = of((part) => contexts(parts[part], vocabulary, context));
  if (rowsOf.train.rows < batch) {
    throw new DataError(
      `--batch ${batch} is larger than the data: the ${parts.train.length} words to train on give ${rowsOf.train.rows} rows`,
    );
  }
  const sha256 = createHash('sha256').update(words.join('\n')).digest('hex');
  return {
    words: words.length,
    source,
    sha256,
    vocabulary,
    wordsOf: of((part) => parts[part].length),
    rowsOf,
  };
}

/** More would not fit into the memory of a wasm module beside their gradients. */
const MOST_PARAMETERS = 2 ** 28;

/** The training step of the model, traced: from here on its shapes are known to fit. */
export function buildStep(
  vocabulary: Vocabulary,
  settings: ModelSettings & { batch: number },
  diagnostics?: { every: number },
): NamesStep {
  const step = untracedStep(vocabulary, settings, diagnostics);
  step.program;
  return step;
}

/** The training step of the model; of a size that memory can hold. */
export function untracedStep(
  vocabulary: Vocabulary,
  settings: ModelSettings & { batch: number },
  diagnostics?: { every: number },
): NamesStep {
  const step = namesStep({ vocab: vocabulary.size, ...settings, diagnostics });
  const parameters = step.definition.variables.reduce((sum, { shape }) => sum + numel(shape), 0);
  if (parameters > MOST_PARAMETERS) {
    throw new OptionError(
      `the model would have ${count(parameters)} parameters; at most ${count(MOST_PARAMETERS)} are possible`,
    );
  }
  return step;
}

/** Throws unless a checkpoint of so many bytes can hold the model, before memory is taken for it. */
export function checkModelSize(step: NamesStep, checkpoint: number): void {
  const elements = step.definition.variables.reduce((sum, { shape }) => sum + numel(shape), 0);
  if (4 * elements > checkpoint) {
    throw new DataError(
      `the settings are of a model of ${count(elements)} numbers, which ${MODEL} is too small for: they do not belong together`,
    );
  }
}

/** Mean loss over all rows of a part, in pieces, so that a signal is heard in between. */
export async function meanLoss(session: Session, { x, y, rows }: Contexts, batch: number): Promise<number> {
  const width = x.length / rows;
  // Of large models fewer rows at once: a piece takes seconds at most.
  const atOnce = Math.min(8192, Math.ceil(8192 / (session.parameterCount / 1e6)));
  const piece = batch * Math.ceil(atOnce / batch);
  let total = 0;
  for (let start = 0; start < rows; start += piece) {
    const end = Math.min(rows, start + piece);
    const part = { x: x.subarray(start * width, end * width), y: y.subarray(start, end) };
    total += session.evaluate(part) * (end - start);
    await breathe();
  }
  return total / rows;
}
