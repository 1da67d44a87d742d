import { sha256 } from '../digest.js';
import { printGraph } from '../graph/print.js';
import { type MemoryLayout, parseLayout, printLayout } from '../plan/layout.js';
import type { AscOptions } from './asc.js';
import type { CompileOptions, CompilerInput } from './compile.js';

/** What is kept of a compiled program. */
export interface Cached {
  readonly wasm: Uint8Array;
  readonly layout: MemoryLayout;
}

/** Changes whenever the same input would become something else: asc's version and flags, and the form of the bytes. */
const FORMAT = 'asc 0.28.20, flags 1, layout 2';

/** The hash of all that a module is made of, but the compiler itself. */
export async function keyOf(
  { name, variables, entries }: CompilerInput,
  { library, without, threadShare, profile, poison }: CompileOptions,
  asc: AscOptions,
): Promise<string> {
  const types = variables.map(({ name, shape, dtype }) => [name, shape, dtype]);
  const graphs = Object.entries(entries).map(([entry, graph]) => [
    entry,
    printGraph(graph, { where: false }),
  ]);
  const options = [asc, without ?? [], threadShare ?? null, profile ?? false, poison ?? false];
  const text = JSON.stringify([FORMAT, name, types, graphs, options, library]);
  return sha256(new TextEncoder().encode(text));
}

/** The length of the layout as u32, the layout as JSON, the wasm. */
export function encodeModule({ wasm, layout }: Cached): Uint8Array {
  const json = new TextEncoder().encode(printLayout(layout));
  const bytes = new Uint8Array(4 + json.length + wasm.length);
  new DataView(bytes.buffer).setUint32(0, json.length, true);
  bytes.set(json, 4);
  bytes.set(wasm, 4 + json.length);
  return bytes;
}

/** Undefined if the bytes are not whole. */
export function decodeModule(bytes: Uint8Array | undefined): Cached | undefined {
  if (!bytes || bytes.length < 4) return undefined;
  const end = 4 + new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  // A copy: what a file is read into may be larger than the file.
  const wasm = new Uint8Array(bytes.subarray(end));
  if (!WebAssembly.validate(wasm)) return undefined;
  try {
    return { wasm, layout: parseLayout(new TextDecoder().decode(bytes.subarray(4, end))) };
  } catch {
    return undefined;
  }
}
