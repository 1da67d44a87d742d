import { DataError } from '../errors.js';
import type { Buffer, MemoryLayout } from '../plan/layout.js';
import { numel } from '../shape.js';
import type { InputDescription, ProgramDescription, VariableDescription } from '../train/description.js';

/** Rises when an older runtime could not run what is described. */
export const FORMAT = 1;

type Addressed<T> = T & { readonly address: number };
type Place = Pick<Buffer, 'name' | 'shape' | 'dtype' | 'address'>;

/** One compilation of the model. */
export interface ModuleFile {
  /** Beside the manifest. */
  readonly file: string;
  /** Several threads may run it, on a shared memory. */
  readonly threads: boolean;
  /** It uses the machine's fused multiply-add. */
  readonly relaxed: boolean;
  readonly bytes: number;
  /** Of the file, in hexadecimal digits. */
  readonly sha256: string;
}

/** What `model.json` holds: all that it takes to run the model's modules. Addresses and bytes are in the memory. */
export interface Manifest {
  readonly format: number;
  readonly name: string;
  /** What made it. */
  readonly generator: string;
  /** The seed that stands in for one that is not given. */
  readonly seed: number;
  /** The same model; the first that the engine can run is the best. The last needs SIMD alone. */
  readonly modules: readonly ModuleFile[];
  readonly memory: {
    /** What a session takes, beside its dataset and each thread's scratch. */
    readonly bytes: number;
    readonly threadScratch: number;
  };
  readonly variables: readonly Addressed<VariableDescription>[];
  /** `data`: the elements, or one for all, as little-endian bytes in base64. */
  readonly constants: readonly (Place & { readonly data: string })[];
  readonly entries: Readonly<
    Record<
      string,
      { readonly inputs: readonly Addressed<InputDescription>[]; readonly outputs: readonly Place[] }
    >
  >;
  /** A file beside the manifest with elements to begin with; all of them, or those that no seed can make. */
  readonly weights?: { readonly file: string; readonly bytes: number; readonly sha256: string };
}

/** The layout for the engine. */
export function layoutOf({ variables, constants, entries, memory }: Manifest): MemoryLayout {
  const buffer = ({ name, shape, dtype, address }: Place): Buffer => {
    return { name, shape, dtype, address, bytes: 4 * numel(shape) };
  };
  return {
    variables: variables.map(buffer),
    constants: constants.map((c) => ({ ...buffer(c), values: Array.from(decodeElements(c)) })),
    entries: Object.fromEntries(
      Object.entries(entries).map(([name, { inputs, outputs }]) => [
        name,
        { inputs: inputs.map(buffer), outputs: outputs.map(buffer) },
      ]),
    ),
    end: memory.bytes,
    threadScratch: memory.threadScratch,
  };
}

/** The description for the session. */
export function descriptionOf({ name, variables, entries }: Manifest): ProgramDescription {
  return { name, variables, entries };
}

function decodeElements({ name, dtype, data }: Place & { data: string }): Float32Array | Int32Array {
  const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
  if (bytes.length % 4 !== 0) throw damaged(`${name} is cut short`);
  return dtype === 'f32' ? new Float32Array(bytes.buffer) : new Int32Array(bytes.buffer);
}

/** Checks what was read as a manifest as far as this runtime relies on it. */
export function checkManifest(value: unknown): Manifest {
  if (!isObject(value)) throw damaged('it is no object');
  const { format, generator } = value;
  if (!Number.isInteger(format)) throw damaged('it names no format');
  if (Number(format) > FORMAT) {
    throw new DataError(
      `model.json has format ${format} (made by ${generator}), and this runtime reads up to ${FORMAT}: use the model.js that was written with it, or a newer 2headgrad`,
    );
  }
  const { modules, memory, variables, constants, entries } = value;
  const lists = { modules, variables, constants };
  for (const [key, list] of Object.entries(lists)) {
    if (!Array.isArray(list) || !list.every(isObject)) throw damaged(`its ${key} are no list`);
  }
  if ((modules as unknown[]).length === 0) throw damaged('it names no module');
  if (!isObject(memory) || !Number.isInteger(memory.bytes) || !Number.isInteger(memory.threadScratch))
    throw damaged('its memory has no size');
  if (!isObject(entries)) throw damaged('it has no entries');
  const places = Object.entries(entries).flatMap(([name, entry]) => {
    if (!isObject(entry) || !Array.isArray(entry.inputs) || !Array.isArray(entry.outputs))
      throw damaged(`its entry ${name} has no inputs or outputs`);
    return [...entry.inputs, ...entry.outputs];
  });
  for (const place of [...(variables as unknown[]), ...(constants as unknown[]), ...places]) {
    if (!isPlace(place, Number(memory.bytes)))
      throw damaged(`${JSON.stringify(place)} is no place in its memory`);
  }
  return value as unknown as Manifest;
}

function isPlace(place: unknown, end: number): boolean {
  if (!isObject(place)) return false;
  const { name, shape, dtype, address } = place;
  const isShape = Array.isArray(shape) && shape.every((n) => Number.isInteger(n) && n >= 0);
  const isAddress = Number.isInteger(address) && Number(address) >= 0 && Number(address) % 4 === 0;
  return (
    typeof name === 'string' &&
    isShape &&
    (dtype === 'f32' || dtype === 'i32' || dtype === 'bool') &&
    isAddress &&
    Number(address) + 4 * numel(shape as number[]) <= end
  );
}

function damaged(what: string): DataError {
  return new DataError(`model.json is damaged: ${what}; copy it again, or compile the model again`);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
