// npx tsx examples/words/main.ts [--from FOLDER] [--words WORDS] [--out FOLDER]
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { neighbours } from '2headgrad';
import { labelMap } from '2headgrad/report';
import { PCA } from 'ml-pca';
import { trainedTable } from './trained.js';

process.on('uncaughtException', ({ message }) => {
  console.error(message);
  process.exit(1);
});
/** The most frequent words of the picture; tokens are in that order, behind that of the rare ones. */
const SHOWN = 300;

const { from, words, out } = options();
const { tokens, table, width } = trainedTable(from);
for (const word of words) {
  const id = tokens.indexOf(word);
  if (id === 0) {
    console.log(`${word}: the model does not know it`);
    continue;
  }
  const near = neighbours(table, width, id, 8, (row) => row === 0);
  console.log(`${word.padEnd(12)} ${near.map(({ row }) => tokens.wordOf(row)).join(' ')}`);
}

const frequent = Array.from({ length: Math.min(SHOWN, tokens.size - 1) }, (_, i) => i + 1);
const vectors = frequent.map((id) =>
  direction(Array.from({ length: width }, (_, i) => table[id * width + i])),
);
const pca = new PCA(vectors);
const [first, second] = pca.getExplainedVariance();
const percent = (share: number) => `${(100 * share).toFixed(0)} %`;
const places = pca.predict(vectors, { nComponents: 2 }).to2DArray();
const svg = labelMap({
  title: `The ${frequent.length} most frequent words, by their feature vectors`,
  points: frequent.map((id, i) => ({ label: tokens.wordOf(id), x: places[i][0], y: places[i][1] })),
  x: `first principal component (${percent(first)} of the variance)`,
  y: `second (${percent(second)})`,
});
mkdirSync(out, { recursive: true });
writeFileSync(join(out, 'words.svg'), svg);
console.log(`\nThe ${frequent.length} most frequent words: ${join(out, 'words.svg')}`);

/** A vector of length 1: neighbours are told by angles, so the picture is, too. */
function direction(vector: number[]): number[] {
  const length = Math.hypot(...vector);
  return length > 0 ? vector.map((x) => x / length) : vector;
}

function options() {
  const { values } = parseArgs({
    options: { from: { type: 'string' }, words: { type: 'string' }, out: { type: 'string' } },
  });
  const usual = 'he,two,Monday,good,man,said,would,in,city';
  return {
    from: values.from ?? 'runs/words',
    words: (values.words ?? usual).split(','),
    out: values.out ?? values.from ?? 'runs/words',
  };
}
