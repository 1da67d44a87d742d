/** Some 250,000 words: what a tab trains on without standing still first. */
export const MOST_WORDS_BYTES = 2 << 20;

const megabytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;

/** What is wrong with a list of words of this length, or null. */
export function checkLength(length: number): string | null {
  if (length <= MOST_WORDS_BYTES) return null;
  return `has ${megabytes(length)}, and ${megabytes(MOST_WORDS_BYTES)} is the most that is taken here: give a part of it`;
}
