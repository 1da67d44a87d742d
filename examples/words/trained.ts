import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeSafetensors, WordTokens } from '2headgrad/data';

/** Feature vectors of words: row by row in the order of their tokens. */
export interface WordTable {
  tokens: WordTokens;
  table: ArrayLike<number>;
  width: number;
}

/** The table of the best model of a run of `2headgrad train words`. */
export function trainedTable(folder: string): WordTable {
  const file = (name: string) => join(folder, name);
  const config = file('config.json');
  if (!existsSync(config)) throw new Error(`cannot read the run "${folder}": it does not exist`);
  const { format, embed, vocabulary } = JSON.parse(readFileSync(config, 'utf8'));
  if (format !== '2headgrad words')
    throw new Error(`the run "${folder}" has no table of words: it is one of ${format}`);
  const tokens = WordTokens.fromList(vocabulary.words);
  const best = ['best.safetensors', 'model.safetensors'].map(file).find(existsSync);
  if (best === undefined) throw new Error(`the run "${folder}" has no model yet`);
  const stored = decodeSafetensors(readFileSync(best)).tensors.get('embedding.weight');
  if (stored?.shape.join() !== `${tokens.size},${embed}`)
    throw new Error(`"${best}" has no table of ${tokens.size} words, ${embed} numbers each`);
  return { tokens, table: stored.data, width: embed };
}
