// In Node, Deno and Bun: prints one line.
import { start, threadSupport } from './compiled/model.js';
import { trainAll } from './train.js';

const version = globalThis.Deno?.version.deno ?? globalThis.Bun?.version ?? process.versions.node;
const outcome = await trainAll(start, threadSupport, process.argv.slice(2).map(Number));
console.log(JSON.stringify({ version, ...outcome }));
