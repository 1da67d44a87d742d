import {
  BackOffNgrams,
  ClassNgrams,
  countNgrams,
  InterpolatedNgrams,
  KneserNey,
  mixture,
  mixtureWeights,
  type NgramCounts,
  type NgramModel,
  perplexity,
  probabilitiesOf,
  wordClasses,
} from '../../ngram/index.js';
import type { Session } from '../../train/session.js';
import { breathe } from '../interrupt.js';
import { type Comparison, PARTS, type Part } from '../kinds/kind.js';
import type { WordRows } from './corpus.js';
import { probabilities } from './score.js';

/** The longest n-grams that are counted, and in a text too large for a map of them. */
const [LONGEST, OF_LARGE, LARGE] = [5, 3, 6_000_000];
/** The order that the paper mixes its networks with. */
const PARTNER = 3;
/** Better than 500 of Brown's words; the paper tried 150 to 2,000. In a small vocabulary four words share one. */
const CLASSES = 200;

interface Row {
  readonly name: string;
  readonly order?: number;
  /** What is given each word of each part; of training words not that of mixtures, whose weights would mean nothing there. */
  readonly given: Partial<Record<Part, Float64Array>>;
}

/**
 * The network beside n-grams of the same words (those with a whole context before them), and mixed with them: half and half with an
 * interpolated trigram, as Bengio et al. (2003, table 1), and with weights fitted to the dev part.
 */
export async function compare(
  session: Session,
  { name, order, vocabulary, parts }: CompareOptions,
): Promise<Comparison> {
  const network: Row = { name, order, given: {} };
  for (const part of PARTS) network.given[part] = await probabilities(session, parts[part]);
  const others: Row[] = [];
  for (const { what, model } of models(vocabulary, parts)) {
    const row: Row = { name: what, order: model.order, given: {} };
    for (const part of PARTS) {
      row.given[part] = probabilitiesOf(model, parts[part].pieces, order - 1);
      await breathe();
    }
    others.push(row);
  }
  const partner = others.find((row) => row.name === 'interpolated')!;
  const best = others.reduce((a, b) => (valid(b) < valid(a) ? b : a));
  const fitted = (what: string, rows: readonly Row[]) =>
    mixed(what, rows, mixtureWeights(rows.map(({ given }) => given.dev!)));
  const all = [network, ...others];
  const table = [
    network,
    ...others,
    mixed(`${name} + ${titleOf(partner)}`, [network, partner], [0.5, 0.5]),
    fitted(`${name} + ${titleOf(partner)}`, [network, partner]),
    ...(best === partner ? [] : [fitted(`${name} + ${titleOf(best)}`, [network, best])]),
    fitted('all of these', all),
  ];
  return {
    heading: 'Perplexity',
    head: ['', 'order', ...PARTS],
    rows: table.map((row) => [
      row.name,
      row.order?.toString() ?? '',
      ...PARTS.map((part) => shown(row, part)),
    ]),
    notes: [
      `exp of the mean of -ln p over the words that have ${order - 1} before them; numbers behind a mixture are its weights`,
    ],
    json: {
      perplexity: table.map((row) => ({
        model: row.name,
        order: row.order ?? null,
        ...Object.fromEntries(PARTS.map((part) => [part, of(row, part) ?? null])),
      })),
    },
  };
}

export interface CompareOptions {
  /** What the network is called. */
  readonly name: string;
  readonly order: number;
  readonly vocabulary: number;
  readonly parts: Readonly<Record<Part, WordRows>>;
}

function* models(
  vocabulary: number,
  { train, dev }: CompareOptions['parts'],
): Generator<{ what: string; model: NgramModel }> {
  const words = train.pieces.reduce((n, { length }) => n + length, 0);
  const longest = words > LARGE ? OF_LARGE : LONGEST;
  const counts = countNgrams(train.pieces, { order: longest, vocabulary });
  const partner = upTo(counts, PARTNER);
  yield { what: 'interpolated', model: new InterpolatedNgrams(partner, dev.pieces) };
  yield { what: 'back-off', model: new BackOffNgrams(partner) };
  for (let order = PARTNER; order <= longest; order++)
    yield { what: 'modified Kneser-Ney', model: new KneserNey(upTo(counts, order)) };
  // The time to find classes grows with the text, too.
  if (words > LARGE) return;
  const classes = Math.min(CLASSES, Math.ceil(vocabulary / 4));
  const classOf = wordClasses(counts, { classes });
  yield {
    what: `class-based (${classes})`,
    model: new ClassNgrams(train.pieces, classOf, { order: PARTNER }),
  };
}

/** Counts of shorter n-grams alone. */
const upTo = (counts: NgramCounts, order: number): NgramCounts => ({
  ...counts,
  order,
  grams: counts.grams.slice(0, order + 1),
});

function mixed(name: string, rows: readonly Row[], weights: readonly number[]): Row {
  const given = (part: Part) =>
    mixture(
      rows.map((row) => row.given[part]!),
      weights,
    );
  const said = weights.map((weight) => weight.toFixed(2)).join(' ');
  return { name: `${name}, ${said}`, given: { dev: given('dev'), test: given('test') } };
}

const titleOf = ({ name, order }: Row) => `${name} ${order}`;
const of = ({ given }: Row, part: Part) => given[part] && perplexity(given[part]);
const valid = (row: Row) => of(row, 'dev')!;
const shown = (row: Row, part: Part) => of(row, part)?.toFixed(1) ?? '';
