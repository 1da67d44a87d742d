/** What a Node process begins with that runs TypeScript: see whole.mjs. */
export const TSX = [
  '--import',
  import.meta.resolve('tsx'),
  '--import',
  new URL('whole.mjs', import.meta.url).href,
];
