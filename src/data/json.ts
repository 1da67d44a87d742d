export { isObject } from '../check.js';

/** A key that one object of a JSON text has twice, and the keys of the objects around it. */
export interface DuplicateKey {
  key: string;
  path: string[];
}

/**
 * The first key that an object of a valid JSON text has twice; `JSON.parse` keeps the last in silence.
 * One pass over strings and brackets, which are all that matters once the text is known to be valid.
 */
export function duplicateKey(text: string): DuplicateKey | undefined {
  const open: { keys: Set<string>; key: string }[] = [];
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === '{' || character === '[') open.push({ keys: new Set(), key: '' });
    else if (character === '}' || character === ']') open.pop();
    else if (character === '"') {
      const start = at;
      at = stringEnd(text, at);
      if (!isKey(text, at + 1)) continue;
      const key = JSON.parse(text.slice(start, at + 1)) as string;
      const object = open[open.length - 1];
      if (object.keys.has(key)) return { key, path: open.slice(0, -1).map((outer) => outer.key) };
      object.keys.add(key);
      object.key = key;
    }
  }
  return undefined;
}

/** Where the string that opens at `start` closes. */
function stringEnd(text: string, start: number): number {
  let at = start + 1;
  while (text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at;
}

/** Whether a colon follows: then the string before it was a key. */
function isKey(text: string, after: number): boolean {
  let at = after;
  while (text[at] === ' ' || text[at] === '\n' || text[at] === '\r' || text[at] === '\t') at++;
  return text[at] === ':';
}
