import type { Kind } from './kind.js';
import { names } from './names.js';
import { text } from './text.js';

/** What can be trained, by name. */
export const KINDS: readonly Kind[] = [names, text];

export function kindNamed(name: string): Kind {
  return KINDS.find((kind) => kind.name === name)!;
}
