import { expect, test } from 'vitest';
import { checkMemory, memoryOf } from '../../src/cli/words/memory.js';
import { OptionError } from '../../src/errors.js';

const sizes = { context: 4, embed: 30, hidden: 100, direct: true };
const settings = { optimizer: 'sgd', batch: 64 } as const;
/** Word i comes as often as Zipf has it; token 0 is the rare one. */
const counts = (vocab: number) =>
  Uint32Array.from({ length: vocab }, (_, i) => (i === 0 ? 0 : 2 * Math.ceil(vocab / i)));
const message = (vocab: number, limit: number, some = sizes) => {
  try {
    checkMemory({ ...some, vocab }, settings, counts(vocab), limit);
    return '';
  } catch (error) {
    expect(error).toBeInstanceOf(OptionError);
    return (error as Error).message;
  }
};

test('a vocabulary too large for memory is refused with the lowest --min-count that fits', () => {
  const vocab = 200_000;
  const limit = memoryOf({ ...sizes, vocab: 50_000 }, settings);
  const told = message(vocab, limit);
  expect(told).toContain('a vocabulary of 200,000 words makes a model of ');
  const [, least, left] = /--min-count (\d+) leaves ([\d,]+) words, which fit/.exec(told)!;
  const words = (minCount: number) => 1 + counts(vocab).filter((n, i) => i > 0 && n >= minCount).length;
  expect(words(Number(least))).toBe(Number(left.replaceAll(',', '')));
  expect(words(Number(least))).toBeLessThanOrEqual(50_000);
  expect(words(Number(least) - 1)).toBeGreaterThan(50_000);
  expect(message(words(Number(least)), limit)).toBe('');
});

test('where no vocabulary would fit, it is the model that has to be smaller', () => {
  expect(message(1000, 1e6, { ...sizes, embed: 1_000_000 })).toContain(
    'give a smaller --embed, --hidden or --order',
  );
});

test('Adam takes more', () => {
  const one = { ...sizes, vocab: 1000 };
  expect(memoryOf(one, { ...settings, optimizer: 'adam' })).toBeGreaterThan(1.5 * memoryOf(one, settings));
});
