import { describe, expect, it } from 'vitest';
import { BackOffNgrams } from '../../src/ngram/back-off.js';
import { ClassNgrams } from '../../src/ngram/class-based.js';
import { contextsOf, countNgrams, type NgramCounts } from '../../src/ngram/counts.js';
import { InterpolatedNgrams } from '../../src/ngram/interpolated.js';
import { KneserNey } from '../../src/ngram/kneser-ney.js';
import { mixture, mixtureWeights } from '../../src/ngram/mixture.js';
import { type NgramModel, perplexity, probabilitiesOf } from '../../src/ngram/model.js';
import { wordClasses } from '../../src/ngram/word-classes.js';
import { philoxUniform } from '../../src/random/philox.js';

const VOCABULARY = 30;

/** A text in which a word depends on the two before it, and some are rare. */
function textOf(length: number, seed: number, vocabulary = VOCABULARY): number[] {
  const text: number[] = [];
  for (let t = 0; t < length; t++) {
    const u = philoxUniform(seed, t, 0);
    const [a, b] = [text[t - 1] ?? 0, text[t - 2] ?? 0];
    text.push(u < 0.5 ? (3 * a + b + 1) % vocabulary : Math.floor(vocabulary * ((u - 0.5) * 2) ** 3));
  }
  return text;
}

const train = [textOf(700, 1), textOf(3, 2), [], textOf(400, 3)];
const [held, test] = [[textOf(300, 4)], [textOf(300, 5)]];
const counts = (order: number) => countNgrams(train, { order, vocabulary: VOCABULARY });

const models: [string, (counts: NgramCounts) => NgramModel][] = [
  ['interpolated', (c) => new InterpolatedNgrams(c, held)],
  ['Kneser-Ney', (c) => new KneserNey(c)],
  ['back-off', (c) => new BackOffNgrams(c)],
];

/** Bigrams of a text's classes as it is: the sum of ln p(class | class before), and of ln p(word | class) of the second words. */
function likelihood(texts: readonly number[][], classOf: ArrayLike<number>): number {
  const pairs = texts.flatMap((text) => text.slice(1).map((word, t) => [text[t], word]));
  const among = (f: (pair: number[]) => unknown) => {
    const found = new Map<unknown, number>();
    for (const pair of pairs) found.set(f(pair), (found.get(f(pair)) ?? 0) + 1);
    return (pair: number[]) => found.get(f(pair))!;
  };
  const both = among(([a, b]) => `${classOf[a]} ${classOf[b]}`);
  const [first, second, word] = [
    among(([a]) => classOf[a]),
    among(([, b]) => classOf[b]),
    among(([, b]) => b),
  ];
  return pairs.reduce((s, pair) => s + Math.log((both(pair) / first(pair)) * (word(pair) / second(pair))), 0);
}

const total = (model: NgramModel, history: number[]) => {
  let sum = 0;
  for (let word = 0; word < model.vocabulary; word++) {
    const p = model.probability(history, word);
    expect(p).toBeGreaterThan(0);
    sum += p;
  }
  return sum;
};

describe.each(models)('%s n-grams', (_, make) => {
  it.each([1, 2, 3, 5])('of order %i give every word a probability, 1 in sum after any history', (order) => {
    const model = make(counts(order));
    const histories = [[], [7], [7, 7, 7, 7], test[0].slice(0, 2), [29, 28, 29]];
    for (let t = 0; t < 20; t++)
      histories.push(train[0].slice(30 * t, 30 * t + 4), test[0].slice(9 * t, 9 * t + 4));
    for (const history of histories) expect(total(model, history)).toBeCloseTo(1, 10);
  });

  it.each<[string, number[][], number]>([
    ['one word', [[0]], 3],
    ['the same word over and over', [Array(20).fill(1)], 4],
    ['all words behind each', [[0, 0, 1, 1, 0, 1, 0, 0, 1]], 2],
    ['words of which each comes once', [[0, 1, 2, 3, 4, 5, 6, 7]], 9],
  ])('take %s', (_, texts, vocabulary) => {
    const model = make(countNgrams(texts, { order: 3, vocabulary }));
    for (const history of [[], [0], [1, 1], [0, 1], [vocabulary - 1, 0]])
      expect(total(model, history)).toBeCloseTo(1, 10);
  });

  it('look no further back than their order', () => {
    const model = make(counts(3));
    expect(model.probability([1, 2, 3, 4], 5)).toBe(model.probability([3, 4], 5));
  });

  it('learn: longer contexts are better than none, and all are better than a guess', () => {
    const [one, three] = [1, 3].map((order) => perplexity(probabilitiesOf(make(counts(order)), test)));
    expect(one).toBeLessThan(VOCABULARY);
    expect(three).toBeLessThan(0.8 * one);
  });
});

describe('counts', () => {
  it('agree with a search of the texts', () => {
    const { grams } = counts(3);
    const longer = counts(4);
    const found = new Map<string, number>();
    const front = new Map<string, Set<string>>();
    for (const text of train) {
      for (let t = 0; t < text.length; t++) {
        for (let k = 1; k <= 3 && k <= t + 1; k++) {
          const key = text.slice(t - k + 1, t + 1).join(' ');
          found.set(key, (found.get(key) ?? 0) + 1);
          if (t < k) continue;
          const words = front.get(key) ?? new Set();
          front.set(key, words.add(String(text[t - k])));
        }
      }
    }
    let seen = 0;
    for (const [key, count] of found) {
      const words = key.split(' ').map(Number);
      const context = contextsOf(longer, words.slice(0, -1)).at(-1)!;
      const id = grams[words.length].find(context, words.at(-1)!);
      expect(grams[words.length].counts[id]).toBe(count);
      if (words.length < 3) expect(grams[words.length].before[id]).toBe(front.get(key)?.size ?? 0);
      seen++;
    }
    expect(grams.slice(1).reduce((sum, { counts }) => sum + counts.length, 0)).toBe(seen);
  });

  it.each<[string, () => unknown, string]>([
    [
      'an order of 0',
      () => countNgrams([[1]], { order: 0, vocabulary: 2 }),
      'order must be a whole number from 1, not 0',
    ],
    [
      'a vocabulary of 2.5',
      () => countNgrams([[1]], { order: 1, vocabulary: 2.5 }),
      'vocabulary must be a whole number from 1',
    ],
    [
      'a word outside',
      () => countNgrams([[0, 2]], { order: 1, vocabulary: 2 }),
      '2 at 1 is no word of a vocabulary of 2',
    ],
    ['no words', () => countNgrams([[], []], { order: 1, vocabulary: 2 }), 'the texts have no word'],
  ])('refuse %s', (_, f, message) => expect(f).toThrow(message));
});

describe('Kneser-Ney', () => {
  // The definition word by word, with strings for n-grams and nothing shared.
  const direct = (
    texts: number[][],
    order: number,
    vocabulary: number,
    history: number[],
    word: number,
  ): number => {
    const gramsOf = (k: number) =>
      texts.flatMap((text) => text.slice(k - 1).map((_, t) => text.slice(t, t + k).join(' ')));
    const adjusted = (k: number): Map<string, number> => {
      const result = new Map<string, number>();
      if (k === order) for (const gram of gramsOf(k)) result.set(gram, (result.get(gram) ?? 0) + 1);
      else
        for (const gram of new Set(gramsOf(k + 1))) {
          const rest = gram.slice(gram.indexOf(' ') + 1);
          result.set(rest, (result.get(rest) ?? 0) + 1);
        }
      return result;
    };
    let p = 1 / vocabulary;
    for (let k = 1; k <= order && k <= history.length + 1; k++) {
      const all = adjusted(k);
      const n = (i: number) => [...all.values()].filter((c) => c === i).length;
      const y = n(1) && n(2) ? n(1) / (n(1) + 2 * n(2)) : 0.5;
      const d = (c: number) => {
        const i = Math.min(c, 3);
        const estimate = i - ((i + 1) * y * n(i + 1)) / n(i);
        if (i === 0) return 0;
        return estimate > 0 && estimate < i ? estimate : y;
      };
      const context = history
        .slice(history.length - k + 1)
        .map((w) => `${w} `)
        .join('');
      const behind = [...all].filter(([gram]) => gram.startsWith(context) && gram.split(' ').length === k);
      const sum = behind.reduce((s, [, c]) => s + c, 0);
      if (sum === 0) break;
      const c = all.get(context + word) ?? 0;
      p = (c - d(c)) / sum + (behind.reduce((s, [, c]) => s + d(c), 0) / sum) * p;
    }
    return p;
  };

  it('is what its definition says', () => {
    const texts = [textOf(260, 7, 9)];
    const model = new KneserNey(countNgrams(texts, { order: 3, vocabulary: 9 }));
    for (let t = 0; t < 40; t++) {
      const history = [t % 9, (5 * t) % 9];
      const word = (2 * t) % 9;
      expect(model.probability(history, word)).toBeCloseTo(direct(texts, 3, 9, history, word), 12);
    }
  });
});

describe('classes of words', () => {
  it('are such that no word is better off in another', () => {
    const texts = [textOf(160, 11, 12), textOf(90, 12, 12)];
    const classOf = wordClasses(countNgrams(texts, { order: 2, vocabulary: 12 }), { classes: 4, sweeps: 50 });
    const reached = likelihood(texts, classOf);
    for (let word = 0; word < 12; word++)
      for (let c = 0; c < 4; c++) {
        const moved = likelihood(texts, classOf.with(word, c));
        expect(moved, `word ${word} in class ${c}`).toBeLessThanOrEqual(reached + 1e-5);
      }
    const [none, one] = [0, 1].map((sweeps) =>
      likelihood(
        texts,
        wordClasses(countNgrams(texts, { order: 2, vocabulary: 12 }), { classes: 4, sweeps }),
      ),
    );
    expect(one).toBeGreaterThan(none);
    expect(reached).toBeGreaterThanOrEqual(one);
  });

  it('find words that stand in the same places, and what was seen of one holds for all', () => {
    // Kinds 0, 1, 2, 0, ... of eight words each; some pairs were never seen.
    const text = Array.from({ length: 900 }, (_, t) => 8 * (t % 3) + Math.floor(8 * philoxUniform(3, t, 0)));
    const counts = countNgrams([text], { order: 2, vocabulary: 24 });
    const classOf = wordClasses(counts, { classes: 3 });
    const kinds = [0, 1, 2].map((kind) => new Set(classOf.subarray(8 * kind, 8 * kind + 8)));
    expect(kinds.map(({ size }) => size)).toEqual([1, 1, 1]);
    expect(new Set(kinds.flatMap((kind) => [...kind])).size).toBe(3);
    const model = new ClassNgrams([text], classOf, { order: 2 });
    const unseen = Array.from({ length: 8 }, (_, i) => 8 + i).find(
      (word) => counts.grams[2].find(0, word) < 0,
    );
    expect(model.probability([text[0]], unseen ?? 8)).toBeGreaterThan(0.05);
    expect(perplexity(probabilitiesOf(model, [text]))).toBeLessThan(9);
  });

  it('of words that were not seen leave them possible', () => {
    const texts = [[0, 1, 0, 1, 2, 0, 1]];
    const classOf = wordClasses(countNgrams(texts, { order: 2, vocabulary: 6 }), { classes: 3 });
    for (const history of [[], [0], [5, 1]])
      expect(total(new ClassNgrams(texts, classOf, { order: 3 }), history)).toBeCloseTo(1, 12);
    for (const history of [[], [0]])
      expect(total(new ClassNgrams(texts, [0, 0, 0, 1, 1, 2], { order: 2 }), history)).toBeCloseTo(1, 12);
    const larger = new ClassNgrams(train, wordClasses(counts(2), { classes: 7 }), { order: 3 });
    for (let t = 0; t < 20; t++) expect(total(larger, test[0].slice(9 * t, 9 * t + 4))).toBeCloseTo(1, 10);
  });

  it.each<[string, () => unknown, string]>([
    ['counts of single words', () => wordClasses(counts(1), { classes: 3 }), 'of order 2 or more, not 1'],
    ['no class', () => wordClasses(counts(2), { classes: 0 }), 'from 1 to the 30 words, not 0'],
    [
      'more classes than words',
      () => wordClasses(counts(2), { classes: 31 }),
      'from 1 to the 30 words, not 31',
    ],
    ['half a class', () => wordClasses(counts(2), { classes: 2.5 }), 'from 1 to the 30 words, not 2.5'],
    ['sweeps of no number', () => wordClasses(counts(2), { classes: 3, sweeps: Number.NaN }), 'not NaN'],
    [
      'what is no class',
      () => new ClassNgrams([[0, 1]], [0, -1], { order: 2 }),
      'word 1 has -1 where a class belongs',
    ],
    [
      'a word outside',
      () => new ClassNgrams([[0, 1]], [0, 0], { order: 2 }).probability([0], 2),
      '2 is no word of a vocabulary of 2',
    ],
  ])('refuse %s', (_, f, message) => expect(f).toThrow(message));
});

describe('a mixture', () => {
  const columns = models.map(([, make]) => probabilitiesOf(make(counts(3)), held));

  it('is at least as likely as each of its models on what its weights were fitted to', () => {
    const weights = mixtureWeights(columns);
    expect(weights.reduce((a, b) => a + b)).toBeCloseTo(1, 12);
    const mixed = perplexity(mixture(columns, weights));
    for (const column of columns) expect(mixed).toBeLessThanOrEqual(perplexity(column) + 1e-9);
    // No step away from the weights is better.
    for (const [i, j] of [
      [0, 1],
      [1, 2],
      [2, 0],
    ]) {
      const moved = weights.slice();
      const by = Math.min(0.01, moved[i]);
      moved[i] -= by;
      moved[j] += by;
      expect(perplexity(mixture(columns, moved))).toBeGreaterThanOrEqual(mixed - 1e-4 * mixed);
    }
  });

  it('has equal weights where there are no words, and is refused of different ones', () => {
    expect(mixtureWeights([[], []])).toEqual([0.5, 0.5]);
    expect(() => mixtureWeights([[0.1], []])).toThrow('the same words from each model, not of 1, 0');
    expect(() => mixture([[0.1]], [0.5, 0.5])).toThrow('2 weights for 1 models');
  });

  it('judges the words that it is asked for', () => {
    const model = new KneserNey(counts(3));
    const all = probabilitiesOf(model, [[1, 2, 3], [4]]);
    expect(all).toHaveLength(4);
    expect(probabilitiesOf(model, [[1, 2, 3], [4]], 1)).toEqual(all.slice(1, 3));
    expect(perplexity([0.25, 0.25])).toBe(4);
  });
});
