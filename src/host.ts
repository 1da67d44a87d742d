/** Whether this runs in Node, or in what does as Node does (Deno, Bun), and not in a page or one of its workers. */
export const IN_NODE = typeof process === 'object' && typeof process.versions?.node === 'string';
