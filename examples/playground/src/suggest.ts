/**
 * Fills in the beginning of a text where what stands there has characters that the text does not have, unless somebody
 * wrote it: a model of another alphabet shows something at once.
 */
export function suggest(input: HTMLInputElement, text: string, most: number): void {
  const known = new Set(text);
  const isOwn = input.value !== input.defaultValue && input.value !== input.dataset.suggested;
  if (isOwn || [...input.value].every((character) => known.has(character))) return;
  const line = text.split(/\r\n?|\n/).find((each) => each.trim()) ?? '';
  input.value = Array.from(line).slice(0, most).join('');
  input.dataset.suggested = input.value;
}
