import { element } from './dom.js';
import type { Shown } from './protocol.js';

/** Words that the model makes up. */
export function showSamples({ samples }: Shown): void {
  if (!samples) return;
  const items = samples.map((word) => {
    const item = document.createElement('li');
    item.textContent = word || '(an empty word)';
    // Long ones are cut.
    item.title = word;
    return item;
  });
  if (items.length === 0) {
    const empty = document.createElement('li');
    empty.className = 'empty';
    empty.textContent = 'They appear as it learns.';
    items.push(empty);
  }
  element('samples').replaceChildren(...items);
}
