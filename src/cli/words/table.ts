import { decodeSafetensors } from '../../data/safetensors.js';
import type { WordTokens } from '../../data/word-tokens.js';
import { DataError, OptionError } from '../../errors.js';
import { readConfig, readTrained } from '../folder.js';
import { words } from '../kinds/words.js';
import { count } from '../output.js';
import type { WordsSettings } from '../settings.js';
import type { WordVocabulary } from './corpus.js';

const NAME = 'embedding.weight';

/** Feature vectors of words: row by row in the order of their tokens. */
export interface WordTable {
  readonly tokens: WordTokens;
  readonly table: ArrayLike<number>;
  readonly width: number;
}

/** The table of the best model of a run of words. Throws OptionError where a folder holds a run of another kind, DataError for damage. */
export async function trainedTable(folder: string): Promise<WordTable> {
  const config = await readConfig(folder);
  if (config.kind.name !== words.name)
    throw new OptionError(
      `the run in ${folder} is one of ${config.kind.name}; ${words.name} alone has a table of words`,
    );
  const { tokens, size } = config.kept as WordVocabulary;
  const { embed } = config.settings as WordsSettings;
  const { bytes } = await readTrained(folder, config);
  const stored = decodeSafetensors(bytes, (name) => name === NAME).tensors.get(NAME);
  if (stored && stored.dtype !== 'I32' && stored.shape.join() === `${size},${embed}`)
    return { tokens, table: stored.data, width: embed };
  throw new DataError(
    `${folder}: the model's table is ${stored ? `[${stored.shape.join(', ')}]` : 'missing'}, and one of ${count(size)} words has [${size}, ${embed}]: they do not belong together`,
  );
}
