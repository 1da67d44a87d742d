/**
 * The text of `model.js`: where its files are, and the runtime, which looks there (`FILES` in artifact/model.ts). Each
 * address is a literal of its own, the form in which bundlers find what belongs to a module; as functions, none is made
 * where a module has no address.
 */
export function runtimeText(runtime: string, files: readonly string[]): string {
  const lines = files.map((file) => `  '${file}': () => new URL('./${file}', import.meta.url),\n`);
  return `const FILES = {\n${lines.join('')}};\n${runtime}`;
}
