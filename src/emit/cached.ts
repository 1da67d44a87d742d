import { sha256 } from '../digest.js';
import { inputAttrs } from '../graph/graph.js';
import { printGraph } from '../graph/print.js';
import { hmacSha256 } from '../hmac.js';
import { type Guarded, guardIndices } from '../optimize/guard-indices.js';
import { isLayout } from '../plan/check-layout.js';
import { type Guard, jsonOf, type MemoryLayout, parseLayout, printLayout } from '../plan/layout.js';
import { type DType, numel, type Shape } from '../shape.js';
import type { AscOptions } from './asc.js';
import type { Cache, CompileOptions, CompilerInput } from './compile.js';

/** What is kept of a compiled program. */
export interface Cached {
  readonly wasm: Uint8Array;
  readonly layout: MemoryLayout;
}

/** Rises when the form of the bytes changes. */
const FORMAT = 3;
const DIGEST_BYTES = 32;
const LENGTH_BYTES = 4;
/** The digest's key where there is no secret. */
const UNKEYED = Uint8Array.of(0);

/**
 * The hash of all that a module is made of, but the compiler itself, which a cache knows. Every option counts but those
 * that say where modules are kept and who is told.
 */
export async function keyOf(
  { name, variables, entries }: CompilerInput,
  { cache: _cache, progress: _progress, asc: _where, around: _around, ...options }: CompileOptions,
  asc: AscOptions,
): Promise<string> {
  const types = variables.map(({ name, shape, dtype }) => [name, shape, dtype]);
  const graphs = Object.entries(entries).map(([entry, graph]) => [
    entry,
    printGraph(graph, { where: false }),
  ]);
  const chosen = Object.entries({ ...options, ...asc }).sort(([a], [b]) => (a < b ? -1 : 1));
  return sha256(new TextEncoder().encode(jsonOf([FORMAT, name, types, graphs, chosen])));
}

/** The length of the layout as u32, the layout as JSON, the wasm, signed. */
export async function encodeModule(
  { wasm, layout }: Cached,
  key: string,
  cache?: Pick<Cache, 'secret'>,
): Promise<Uint8Array> {
  const json = new TextEncoder().encode(printLayout(layout));
  const bytes = new Uint8Array(LENGTH_BYTES + json.length + wasm.length);
  new DataView(bytes.buffer).setUint32(0, json.length, true);
  bytes.set(json, LENGTH_BYTES);
  bytes.set(wasm, LENGTH_BYTES + json.length);
  return encodeSigned(bytes, key, cache);
}

/** Undefined on any doubt that the bytes are what `encodeModule` made of a module of this program under this key. */
export async function decodeModule(
  bytes: Uint8Array | undefined,
  key: string,
  input: CompilerInput,
  cache?: Pick<Cache, 'secret'>,
): Promise<Cached | undefined> {
  const content = await decodeSigned(bytes, key, cache);
  if (!content || content.length < LENGTH_BYTES) return undefined;
  const end = LENGTH_BYTES + new DataView(content.buffer, content.byteOffset).getUint32(0, true);
  // A copy: what a file is read into may be larger than the file.
  const wasm = new Uint8Array(content.subarray(end));
  const layout = layoutIn(content.subarray(LENGTH_BYTES, end));
  if (!layout || !belongs(layout, input) || !WebAssembly.validate(wasm)) return undefined;
  return { wasm, layout };
}

/** What a cache keeps under a key: a digest of the content and of the key, and the content. */
export async function encodeSigned(
  content: Uint8Array,
  key: string,
  { secret }: Pick<Cache, 'secret'> = {},
): Promise<Uint8Array> {
  const bytes = new Uint8Array(DIGEST_BYTES + content.length);
  bytes.set(content, DIGEST_BYTES);
  bytes.set(await digestOf(bytes, key, await secret?.()));
  return bytes;
}

/** The content, or undefined on any doubt that `encodeSigned` made the bytes of it under this key. */
export async function decodeSigned(
  bytes: Uint8Array | undefined,
  key: string,
  { secret }: Pick<Cache, 'secret'> = {},
): Promise<Uint8Array | undefined> {
  if (!bytes || bytes.length < DIGEST_BYTES) return undefined;
  const digest = await digestOf(bytes, key, await secret?.());
  return digest.every((byte, i) => byte === bytes[i]) ? bytes.subarray(DIGEST_BYTES) : undefined;
}

/** Without a secret of the cache the digest tells damage; with one also what somebody else has put there. */
function digestOf(bytes: Uint8Array, key: string, secret: Uint8Array = UNKEYED): Promise<Uint8Array> {
  const name = new TextEncoder().encode(key);
  const text = new Uint8Array(name.length + bytes.length - DIGEST_BYTES);
  text.set(name);
  text.set(bytes.subarray(DIGEST_BYTES), name.length);
  return hmacSha256(secret, text);
}

function layoutIn(json: Uint8Array): MemoryLayout | undefined {
  try {
    const layout = parseLayout(new TextDecoder().decode(json));
    return isLayout(layout) ? layout : undefined;
  } catch {
    return undefined;
  }
}

interface Typed {
  readonly name: string;
  readonly shape: Shape;
  readonly dtype: DType;
}

/** Whether a layout has the variables, entries, inputs and outputs of a program. */
function belongs({ variables, entries }: MemoryLayout, input: CompilerInput): boolean {
  const same = (a: readonly Typed[], b: readonly Typed[]) => {
    const types = new Map(a.map((part) => [part.name, part]));
    const fits = ({ name, shape, dtype }: Typed) => {
      const type = types.get(name);
      // A pass may leave out axes of length 1.
      return type?.dtype === dtype && numel(type.shape) === numel(shape);
    };
    return a.length === b.length && b.every(fits);
  };
  const names = Object.keys(input.entries);
  return (
    same(variables, input.variables) &&
    Object.keys(entries).length === names.length &&
    names.every((name) => {
      const graph = input.entries[name];
      const inputs = graph.inputs.map(inputAttrs).filter(({ role }) => role === 'input');
      const outputs = graph.outputs.map(({ name, node }) => ({ ...node, name }));
      const entry = entries[name];
      return (
        entry !== undefined &&
        same(entry.inputs, inputs) &&
        same(entry.outputs, outputs) &&
        watches(entry.guards ?? [], guardIndices(graph).guards)
      );
    })
  );
}

/** Whether these are guards of the same indices. */
function watches(guards: readonly Guard[], wanted: readonly Guarded[]): boolean {
  const text = (list: readonly (Guard | Guarded)[]) =>
    JSON.stringify(list.map(({ what, size, count }) => [what, size, count]));
  return text(guards) === text(wanted);
}
