import type { WordTokens } from '../data/word-tokens.js';
import { OptionError } from '../errors.js';
import { neighbours } from '../models/words.js';
import { count as countText, Output, tableText } from './output.js';
import { trainedTable } from './words/table.js';

export interface NeighboursOptions {
  from: string;
  count: number;
  json?: boolean;
}

/** The words of a trained folder whose feature vectors point most nearly where those of given words do. */
export async function printNeighbours(
  words: readonly string[],
  { from, count, json = false }: NeighboursOptions,
): Promise<number> {
  const { tokens, table, width } = await trainedTable(from);
  const found = words.map((word) => {
    const id = known(tokens, word, from);
    const near = neighbours(table, width, id, count, (row) => row === 0);
    return {
      word: tokens.wordOf(id),
      neighbours: near.map(({ row, cosine }) => ({ word: tokens.wordOf(row), cosine })),
    };
  });
  const output = new Output(json);
  found.forEach(({ word, neighbours }, i) => {
    if (i > 0) output.line();
    output.line(output.colors.bold(word));
    const rows = neighbours.map(({ word, cosine }) => [word, cosine.toFixed(3)]);
    for (const line of tableText(['', 'cosine'], rows)) output.line(`  ${line}`);
  });
  output.result({ words: found, dir: from });
  return 0;
}

/** The token of a word; else an OptionError with those that differ in their case. */
function known(tokens: WordTokens, word: string, folder: string): number {
  const composed = word.normalize('NFC');
  const id = tokens.indexOf(composed);
  if (id > 0) return id;
  const cases = [composed.toLowerCase(), capitalized(composed), composed.toUpperCase()];
  const near = [...new Set(cases)].filter((other) => tokens.indexOf(other) > 0);
  const meant =
    near.length > 0 ? `: did you mean ${near.map((other) => JSON.stringify(other)).join(' or ')}?` : '';
  throw new OptionError(
    `${JSON.stringify(word)} is none of the ${countText(tokens.size - 1)} words that the model in ${folder} knows${meant}`,
  );
}

const capitalized = (word: string) => {
  const [first = '', ...rest] = word.toLowerCase();
  return first.toUpperCase() + rest.join('');
};
