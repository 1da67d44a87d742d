// The worker that has AssemblyScript and Graphviz, and keeps what it compiled. It runs no code of the user's, so it can
// stay from one model to the next: what it is given is text and bytes.
import { dotToSvg, moduleCache, readLibrary, runAsc, sha256 } from '../engine.js';
import type { Assembly, CompilerCalls } from '../protocol.js';
import { pack } from './pack.js';

type Handlers = {
  [K in keyof CompilerCalls]: (
    input: Parameters<CompilerCalls[K]>[0],
  ) => Promise<ReturnType<CompilerCalls[K]>>;
};

/** Also where the browser keeps nothing for the page. */
const KEPT = 16;
const kept = new Map<string, Uint8Array>();

async function assemble(input: Parameters<CompilerCalls['assemble']>[0]): Promise<Assembly> {
  const { source, shared, relaxed, level } = input;
  const options = { shared: Boolean(shared), relaxed: Boolean(relaxed), level: Number(level) };
  const library = await readLibrary();
  const text = JSON.stringify([String(source), options, library]);
  // Pages without TLS have no hashes, nor a cache that would need one.
  const key = isSecureContext ? `playground-${await sha256(new TextEncoder().encode(text))}` : text;
  const cache = isSecureContext ? moduleCache() : undefined;
  const found = kept.get(key) ?? (await cache?.get(key));
  if (found && WebAssembly.validate(found as BufferSource)) {
    keep(key, found);
    return { wasm: found, cached: true, compilerBytes: null, loadMilliseconds: 0 };
  }
  const began = performance.now();
  await import('assemblyscript/asc');
  const loadMilliseconds = performance.now() - began;
  const wasm = await runAsc(String(source), library, options);
  keep(key, wasm);
  await cache?.set(key, wasm);
  return { wasm, cached: false, compilerBytes: compilerBytes(), loadMilliseconds };
}

function keep(key: string, wasm: Uint8Array): void {
  kept.delete(key);
  kept.set(key, wasm);
  if (kept.size > KEPT) kept.delete(kept.keys().next().value!);
}

/** What the compiler's files have in bytes as they came, once they were loaded. */
function compilerBytes(): number | null {
  const files = performance
    .getEntriesByType('resource')
    .filter(({ name }) => /\/(asc|binaryen)-/.test(name)) as PerformanceResourceTiming[];
  return files.reduce((sum, file) => sum + file.encodedBodySize, 0) || null;
}

const handlers: Handlers = {
  assemble,
  draw: (dot) => dotToSvg(String(dot)),
  pack,
  sha256,
};

addEventListener('message', async ({ data: { id, call, input } }) => {
  try {
    const handler = handlers[call as keyof CompilerCalls] as (input: unknown) => Promise<unknown>;
    postMessage({ id, value: await handler(input) });
  } catch (error) {
    postMessage({ id, trouble: { message: error instanceof Error ? error.message : String(error) } });
  }
});
