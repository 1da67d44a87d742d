import { isObject } from '../data/json.js';
import { DataError } from '../errors.js';
import type { Buffer, Guard, MemoryLayout } from '../plan/layout.js';
import { numel } from '../shape.js';
import type {
  Calibration,
  InputDescription,
  ProgramDescription,
  VariableDescription,
} from '../train/description.js';

/** Rises when an older runtime could not run what is described: 2 has guards. */
export const FORMAT = 2;

/** The least that a runtime must read to run these entries. */
export function formatOf(entries: Manifest['entries']): number {
  return Object.values(entries).some((entry) => entry.guards) ? 2 : 1;
}

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
      {
        readonly inputs: readonly Addressed<InputDescription>[];
        readonly outputs: readonly Place[];
        /** Indices that are computed, and looked at after each run. */
        readonly guards?: readonly Guard[];
      }
    >
  >;
  /** Of a model with batch norms that can be calibrated. */
  readonly calibration?: readonly Calibration[];
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
      Object.entries(entries).map(([name, { inputs, outputs, guards }]) => [
        name,
        { inputs: inputs.map(buffer), outputs: outputs.map(buffer), guards },
      ]),
    ),
    end: memory.bytes,
    threadScratch: memory.threadScratch,
  };
}

/** The description for the session. */
export function descriptionOf({ name, variables, entries, calibration }: Manifest): ProgramDescription {
  return { name, variables, entries, calibration };
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
  if (!isCount(format) || format === 0) throw damaged('it names no format');
  if (format > FORMAT) {
    throw new DataError(
      `model.json has format ${format} (made by ${generator}), and this runtime reads up to ${FORMAT}: use the model.js that was written with it, or a newer 2headgrad`,
    );
  }
  const { name, modules, memory, variables, constants, entries, weights, calibration, seed } = value;
  if (!isText(name) || !isText(generator) || !isCount(seed)) throw damaged('it has no name, maker or seed');
  each('modules', modules, (m) => isFile(m) && isFlag(m.threads) && isFlag(m.relaxed));
  if ((modules as unknown[]).length === 0) throw damaged('it names no module');
  if (weights !== undefined) each('weights', [weights], isFile);
  if (!isObject(memory) || !isCount(memory.bytes) || !isCount(memory.threadScratch))
    throw damaged('its memory has no size');
  const end = memory.bytes;
  const place = (p: Fields) => isPlace(p, end);
  if (calibration !== undefined)
    each('calibration', calibration, (c) => isText(c.mean) && isText(c.variance) && isCount(c.perRow));
  const isRole = ({ role }: Fields) => role === 'parameter' || role === 'state';
  each('variables', variables, (v) => place(v) && isRole(v) && isCount(v.stream) && isFill(v.fill));
  each('constants', constants, (c) => place(c) && isText(c.data));
  if (!isObject(entries)) throw damaged('it has no entries');
  for (const [entry, parts] of Object.entries(entries)) {
    if (!isObject(parts)) throw damaged(`its entry ${entry} is none`);
    each(`inputs of ${entry}`, parts.inputs, (input) => place(input) && isBound(input.bound));
    each(`outputs of ${entry}`, parts.outputs, place);
    if (parts.guards !== undefined) each(`guards of ${entry}`, parts.guards, (g) => isGuard(g, end));
    const needed = RESULTS[entry];
    if (needed && !(parts.outputs as Fields[]).some((output) => output.name === needed))
      throw damaged(`its entry ${entry} gives no ${needed}`);
  }
  return value as unknown as Manifest;
}

/** What a session reads of an entry. */
const RESULTS: Record<string, string> = { train: 'loss', evaluate: 'loss', predict: 'output' };

type Fields = Record<string, unknown>;

function each(what: string, list: unknown, fits: (fields: Fields) => boolean): void {
  if (!Array.isArray(list)) throw damaged(`its ${what} are no list`);
  const wrong = list.find((item) => !isObject(item) || !fits(item));
  if (wrong !== undefined) throw damaged(`${JSON.stringify(wrong)} does not belong to its ${what}`);
}

const isText = (value: unknown): value is string => typeof value === 'string';
const isFlag = (value: unknown): value is boolean => typeof value === 'boolean';
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;

function isFile({ file, bytes, sha256 }: Fields): boolean {
  return isText(file) && isCount(bytes) && isText(sha256) && /^[0-9a-f]{64}$/.test(sha256);
}

const NUMBERS: Record<string, string[]> = {
  constant: ['value'],
  uniform: ['low', 'high'],
  normal: ['mean', 'std'],
};

/** Missing where a function of the user's filled it. */
function isFill(fill: unknown): boolean {
  if (fill === undefined) return true;
  if (!isObject(fill)) return false;
  if (fill.kind === 'values') return Array.isArray(fill.values) && fill.values.every(Number.isFinite);
  return fill.kind === 'word' || !!NUMBERS[String(fill.kind)]?.every((key) => Number.isFinite(fill[key]));
}

const isBound = (bound: unknown) => bound === undefined || (isObject(bound) && isCount(bound.size));

function isGuard({ what, where, size, count, fault, value }: Fields, end: number): boolean {
  const isCell = (address: unknown) => isCount(address) && address % 4 === 0 && address + 4 <= end;
  return isText(what) && isText(where) && isCount(size) && isCount(count) && isCell(fault) && isCell(value);
}

function isPlace({ name, shape, dtype, address }: Fields, end: number): boolean {
  return (
    isText(name) &&
    Array.isArray(shape) &&
    shape.every(isCount) &&
    (dtype === 'f32' || dtype === 'i32' || dtype === 'bool') &&
    isCount(address) &&
    address % 4 === 0 &&
    address + 4 * numel(shape) <= end
  );
}

function damaged(what: string): DataError {
  return new DataError(`model.json is damaged: ${what}; copy it again, or compile the model again`);
}
