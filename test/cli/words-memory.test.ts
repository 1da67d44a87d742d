import { expect, test } from 'vitest';
import { checkMemory, memoryLimits, memoryOf, type TrainingSizes } from '../../src/cli/words/memory.js';
import { OptionError } from '../../src/errors.js';
import { SCORED, wordsStep } from '../../src/models/words.js';

const sizes: Omit<TrainingSizes, 'vocab'> = {
  ...{ context: 4, embed: 30, hidden: 100, direct: true },
  ...{ optimizer: 'sgd', batch: 64, rows: 1000 },
};
/** Word i comes as often as Zipf has it; token 0 is the rare one. */
const counts = (vocab: number) =>
  Uint32Array.from({ length: vocab }, (_, i) => (i === 0 ? 0 : 2 * Math.ceil(vocab / i)));
const message = (some: TrainingSizes, limits = memoryLimits()) => {
  try {
    checkMemory(some, counts(some.vocab), limits);
    return '';
  } catch (error) {
    expect(error).toBeInstanceOf(OptionError);
    return (error as Error).message;
  }
};

test.each(['module', 'process'] as const)(
  'a vocabulary too large for the memory of a %s is refused with the lowest --min-count that fits',
  (what) => {
    const large = { ...sizes, vocab: 200_000 };
    const none = { module: Number.POSITIVE_INFINITY, process: Number.POSITIVE_INFINITY };
    const limits = { ...none, [what]: memoryOf({ ...sizes, vocab: 50_000 })[what] };
    const told = message(large, limits);
    expect(told).toContain('a vocabulary of 200,000 words makes a model of ');
    const [, least, left] = /--min-count (\d+) leaves ([\d,]+) words, which fit/.exec(told)!;
    const words = (minCount: number) =>
      1 + counts(large.vocab).filter((n, i) => i > 0 && n >= minCount).length;
    expect(words(Number(least))).toBe(Number(left.replaceAll(',', '')));
    expect(words(Number(least))).toBeLessThanOrEqual(50_000);
    expect(words(Number(least) - 1)).toBeGreaterThan(50_000);
    expect(message({ ...large, vocab: words(Number(least)) }, limits)).toBe('');
  },
);

test('where no vocabulary would fit, it is the model that has to be smaller', () => {
  expect(message({ ...sizes, vocab: 1000, embed: 1e9 })).toContain(
    'give a smaller --embed, --hidden or --order',
  );
});

test('what WebAssembly cannot address is refused on any machine', () => {
  const told = message(
    { ...sizes, vocab: 100_000, embed: 5000 },
    { ...memoryLimits(), process: Number.POSITIVE_INFINITY },
  );
  expect(told).toMatch(
    /at least [\d.]+ GB in one WebAssembly memory, which has 4\.29 GB at most: --min-count \d+/,
  );
});

test('the estimate is what the compiler plans, or somewhat less', async () => {
  const model = { vocab: 600, context: 3, embed: 16, hidden: 24, direct: true };
  const optimizer = 'adam';
  const step = wordsStep({ ...model, batch: 8, optimizer, weightDecay: 0.1 });
  const planned = (await step.compileModule()).memory.bytes;
  const { module } = memoryOf({ ...model, optimizer, batch: 8, rows: 0 });
  expect(module).toBeLessThan(planned);
  expect(module).toBeGreaterThan(planned - 4 * (SCORED * model.vocab + model.vocab * model.embed) - 100_000);
});
