// npx tsx examples/ngrams/main.ts [--data FILE] [--order N]
import { parseArgs } from 'node:util';
import { loadBrown, loadText, splitText } from '2headgrad/data';
import {
  BackOffNgrams,
  ClassNgrams,
  countNgrams,
  InterpolatedNgrams,
  KneserNey,
  mixture,
  mixtureWeights,
  perplexity,
  probabilitiesOf,
  wordClasses,
} from '2headgrad/ngram';

process.on('uncaughtException', ({ message }) => {
  console.error(message);
  process.exit(1);
});
const { data, order: most } = options();
const text = data === undefined ? await loadBrown() : await loadText(data, { tokens: 'words' });
const { train, dev, test } =
  data === undefined ? likeThePaper(text.pieces) : splitText(text.pieces, 42, most + 1);
const sizeOf = (texts: readonly Int32Array[]) =>
  texts.reduce((n, { length }) => n + length, 0).toLocaleString('en-US');

const vocabulary = text.tokens.size;
console.log(`${text.source}: ${vocabulary.toLocaleString('en-US')} words, the rare ones counted as one`);
console.log(`${sizeOf(train)} to count, ${sizeOf(dev)} to fit weights to, ${sizeOf(test)} to judge by`);
console.log();
const classes = Math.min(200, Math.ceil(vocabulary / 4));
const began = performance.now();
const classOf = wordClasses(countNgrams(train, { order: 2, vocabulary }), { classes });
console.log(`${classes} classes of words, found in ${seconds(began)} seconds`);
console.log();
console.log('n-grams                     order |   valid     test | seconds');
for (let order = 2; order <= most; order++) {
  const counts = countNgrams(train, { order, vocabulary });
  const models = {
    interpolated: () => new InterpolatedNgrams(counts, dev),
    'back-off': () => new BackOffNgrams(counts),
    'modified Kneser-Ney': () => new KneserNey(counts),
    'class-based': () => new ClassNgrams(train, classOf, { order }),
  };
  const valid: Float64Array[] = [];
  const judged: Float64Array[] = [];
  for (const [name, make] of Object.entries(models)) {
    const began = performance.now();
    const model = make();
    valid.push(probabilitiesOf(model, dev));
    judged.push(probabilitiesOf(model, test));
    row(name, order, valid.at(-1)!, judged.at(-1)!, began);
  }
  const began = performance.now();
  const weights = mixtureWeights(valid);
  const shares = weights.map((w) => w.toFixed(2)).join(' ');
  row(`all, ${shares}`, order, mixture(valid, weights), mixture(judged, weights), began);
}

function row(name: string, order: number, valid: Float64Array, test: Float64Array, began: number): void {
  const [v, t] = [valid, test].map((p) => perplexity(p).toFixed(1).padStart(8));
  console.log(`${name.padEnd(27)} ${String(order).padStart(5)} |${v} ${t} | ${seconds(began).padStart(7)}`);
}

function seconds(began: number): string {
  return ((performance.now() - began) / 1000).toFixed(1);
}

/** 800,000 words, 200,000 and the rest, in the corpus's order and as one stream, as in Bengio et al. (2003, section 4.1). */
function likeThePaper(pieces: readonly Int32Array[]) {
  const stream = Int32Array.from(pieces.flatMap((piece) => [...piece]));
  return {
    train: [stream.subarray(0, 800_000)],
    dev: [stream.subarray(800_000, 1_000_000)],
    test: [stream.subarray(1_000_000)],
  };
}

function options() {
  const { values } = parseArgs({ options: { data: { type: 'string' }, order: { type: 'string' } } });
  const order = Number(values.order ?? 5);
  if (!Number.isInteger(order) || order < 2 || order > 10)
    throw new Error(`--order must be a whole number from 2 to 10, not ${values.order}`);
  return { data: values.data, order };
}
