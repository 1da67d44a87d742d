const ENTITIES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Text as it may stand in HTML or XML, in an element or in a quoted attribute. */
export function escapeText(text: string): string {
  // XML has no way to write the other control characters, so they become the replacement character.
  return text.replace(/[&<>"']/g, (c) => ENTITIES[c]).replace(/[^\P{Cc}\t\n\r]/gu, '\ufffd');
}
