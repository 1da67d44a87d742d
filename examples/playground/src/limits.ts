/** Some 250,000 words, or two novels: what a tab trains on without standing still first. */
export const MOST_BYTES = 2 << 20;

const megabytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;

/** What is wrong with a list of words, or a text, of this length, or null. */
export function checkLength(length: number): string | null {
  if (length <= MOST_BYTES) return null;
  return `has ${megabytes(length)}, and ${megabytes(MOST_BYTES)} is the most that is taken here: give a part of it`;
}
