import { forXml } from '../printable.js';

const ENTITIES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text as it may stand in HTML or XML, in an element or in a quoted attribute. */
export function escapeText(text: string): string {
  return forXml(text.replace(/[&<>"']/g, (c) => ENTITIES[c]));
}
