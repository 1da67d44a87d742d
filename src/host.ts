/** Whether this runs in Node, or in what does as Node does (Deno, Bun), and not in a page or one of its workers. */
// Of `process` alone some bundlers make a package.
export const IN_NODE = typeof globalThis.process?.versions?.node === 'string';

/**
 * A module of Node by its name without `node:`. No import statement names it, so that what is bundled for a page
 * loads there, and runs as long as it does not ask for one.
 */
export async function builtin<T>(name: string): Promise<T> {
  const found = globalThis.process?.getBuiltinModule?.(name) as T | undefined;
  // Node before 20.16 cannot be asked.
  return found ?? ((await import(/* @vite-ignore */ /* webpackIgnore: true */ `node:${name}`)) as T);
}
