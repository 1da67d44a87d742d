import { isObject, quoted } from '../data/json.js';
import { MOST } from '../data/read.js';
import { sha256 } from '../digest.js';
import { DataError } from '../errors.js';
import { type Buffer, type Guard, MAX_COLUMNS, MAX_MEMORY, type MemoryLayout } from '../plan/layout.js';
import { elementsIn, isWidth } from '../plan/panels.js';
import { clipped, isWellFormed, shownName } from '../printable.js';
import { numel } from '../shape.js';
import { isOfCounts } from '../train/count-names.js';
import {
  type Calibration,
  type InputDescription,
  LEARNING_RATE,
  type ProgramDescription,
  type VariableDescription,
} from '../train/description.js';
import type { MetricDescription } from '../train/metrics.js';
import { isPlainName } from './file-name.js';
import { isRegion, overlap, wrongName } from './regions.js';

/**
 * Rises when an older runtime could not run what is described: 2 has guards, 3 entries by names of the user's, 4 variables
 * in panels, 5 metrics beside the loss, 6 several outputs of `predict`, and losses that not all rows count in.
 */
export const FORMAT = 6;

/** The least that a runtime must read to run these entries on these variables. */
export function formatOf({
  entries,
  variables,
  metrics,
}: Pick<Manifest, 'entries' | 'variables' | 'metrics'>): number {
  const isAlone = entries.predict?.outputs.length === 1 && entries.predict.outputs[0].name === 'output';
  if (entries.predict && !isAlone) return 6;
  if (entries.evaluate?.outputs.some(({ name }) => isOfCounts(name))) return 6;
  if (metrics !== undefined) return 5;
  if (variables.some(({ panels }) => panels !== undefined)) return 4;
  if (Object.keys(entries).some((name) => !RESULTS.has(name))) return 3;
  return Object.values(entries).some((entry) => entry.guards) ? 2 : 1;
}

type Addressed<T> = T & { readonly address: number };
type Place = Pick<Buffer, 'name' | 'shape' | 'dtype' | 'address' | 'panels'>;

/** One compilation of the model. */
export interface ModuleFile {
  /** Beside the manifest: a plain name, of letters, digits and `. _ -`. */
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
  /** `panels`: its elements lie in panels of so many columns (plan/panels.ts), where others lie row by row. */
  readonly variables: readonly (Addressed<VariableDescription> & { readonly panels?: number })[];
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
        /** Whether variables are other ones afterwards. */
        readonly assigns?: boolean;
      }
    >
  >;
  /** How what `evaluate` gives beside the loss is put together over batches, by name. */
  readonly metrics?: Readonly<Record<string, MetricDescription>>;
  /** Of a model with batch norms that can be calibrated. */
  readonly calibration?: readonly Calibration[];
  /** A file beside the manifest with elements to begin with; all of them, or those that no seed can make. */
  readonly weights?: { readonly file: string; readonly bytes: number; readonly sha256: string };
  /** Of all the rest as JSON, in hexadecimal digits: against damage that leaves addresses and shapes possible. */
  readonly sha256?: string;
}

/** The hash of a manifest, but for the hash in it. */
export async function digestOf({ sha256: _, ...rest }: Manifest): Promise<string> {
  return sha256(new TextEncoder().encode(JSON.stringify(rest)));
}

/** Throws unless a checked manifest is as it was written. Pages that were loaded without TLS cannot tell. */
export async function checkDigest(manifest: Manifest): Promise<void> {
  if (manifest.sha256 === undefined || !globalThis.crypto?.subtle) return;
  // What cannot be written as JSON was not read from it.
  const digest = await digestOf(manifest).catch(() => undefined);
  if (digest !== manifest.sha256) throw damaged('its hash is of another content');
}

/** The layout for the engine. */
export function layoutOf({ variables, constants, entries, memory }: Manifest): MemoryLayout {
  const buffer = ({ name, shape, dtype, address, panels }: Place): Buffer => {
    const bytes = 4 * elementsIn({ shape, panels });
    return { name, shape, dtype, address, bytes, ...(panels !== undefined && { panels }) };
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
export function descriptionOf(manifest: Manifest): ProgramDescription {
  const { name, variables, entries, calibration, metrics } = manifest;
  return { name, variables, entries, calibration, ...(metrics && { metrics }) };
}

function decodeElements({ dtype, data }: Place & { data: string }): Float32Array | Int32Array {
  const bytes = Uint8Array.from(atob(data), (c) => c.charCodeAt(0));
  return dtype === 'f32' ? new Float32Array(bytes.buffer) : new Int32Array(bytes.buffer);
}

/**
 * Checks what was read as a manifest, which may come from anybody, as far as this runtime relies on it: what passes is
 * safe to run and names no file but those beside it. Throws DataError, in time that grows with the size alone.
 */
export function checkManifest(value: unknown): Manifest {
  if (!isObject(value)) throw damaged('it is no object');
  const { format, generator } = value;
  if (!isCount(format) || format === 0) throw damaged('it names no format');
  if (format > FORMAT) {
    throw new DataError(
      `model.json has format ${format} (made by ${clipped(String(quoted(generator)).replace(/^"|"$/g, ''))}), and this runtime reads up to ${FORMAT}: use the model.js that was written with it, or a newer 2headgrad`,
    );
  }
  const { name, modules, memory, variables, constants, entries, weights, calibration, seed } = value;
  if (!isText(name) || !isText(generator) || !isWord(seed)) throw damaged('it has no name, maker or seed');
  each('modules', modules, (m) => isFile(m, MOST.wasm) && isFlag(m.threads) && isFlag(m.relaxed));
  if ((modules as unknown[]).length === 0) throw damaged('it names no module');
  if (weights !== undefined) each('weights', [weights], (file) => isFile(file, MOST.weights));
  distinct('files', [...(modules as Fields[]), ...(weights ? [weights as Fields] : [])], 'file');
  if (!isObject(memory) || !isSize(memory.bytes) || !isSize(memory.threadScratch))
    throw damaged('its memory has no size that can be had');
  const end = memory.bytes;
  const place = (p: Fields) => isPlace(p, end);
  const isRole = ({ role }: Fields) => role === 'parameter' || role === 'state';
  each(
    'variables',
    variables,
    (v) =>
      place(inMemory(v)) &&
      isRole(v) &&
      isWord(v.stream) &&
      isFill(v as unknown as Place, v.fill) &&
      (v.frozen === undefined || isFlag(v.frozen)),
  );
  each('constants', constants, (c) => place(c) && isElements(c as unknown as Place, c.data));
  if (!isObject(entries)) throw damaged('it has no entries');
  const regions = [...(variables as Fields[]).map(inMemory), ...(constants as Fields[])];
  const named = Object.entries(entries);
  each('entries', Object.values(entries), () => true);
  if (!named.every(([name]) => isText(name))) throw damaged('the name of an entry is no text');
  distinct(
    'entries',
    named.map(([name]) => ({ name })),
  );
  for (const [entry, parts] of named) {
    const { inputs, outputs, guards, assigns } = parts as Fields;
    const shown = shownName(entry);
    each(`inputs of ${shown}`, inputs, (input) => place(input) && isBound(input));
    each(`outputs of ${shown}`, outputs, place);
    if (guards !== undefined) each(`guards of ${shown}`, guards, (g) => isGuard(g, end));
    if (assigns !== undefined && !isFlag(assigns)) throw damaged(`its entry ${shown} may assign or not`);
    checkEntry(entry, inputs as Fields[], outputs as Fields[]);
    regions.push(...(inputs as Fields[]), ...(outputs as Fields[]));
  }
  distinct('variables', variables as Fields[]);
  const twice = overlap(regions as unknown as Place[]);
  if (twice) throw damaged(twice);
  if (calibration !== undefined) checkCalibration(calibration, variables as Fields[], entries as Entries);
  if (value.metrics !== undefined) checkMetrics(value.metrics, entries as Entries);
  if (value.sha256 !== undefined && !isText(value.sha256)) throw damaged('its hash is none');
  return value as unknown as Manifest;
}

/** What a session reads of an entry, if it is one thing; of `undefined` several, but of a batch. Others are uses of the model. */
const RESULTS: ReadonlyMap<string, string | undefined> = new Map([
  ['train', 'loss'],
  ['evaluate', 'loss'],
  ['calibrate', undefined],
  ['diagnose', undefined],
  ['gradients', 'loss'],
  ['predict', undefined],
]);

type Fields = Record<string, unknown>;
type Entries = Record<string, { inputs: Fields[]; outputs: Fields[] }>;

/** More than a module with as many could be compiled. */
const MOST_PARTS = 10_000;

function each(what: string, list: unknown, fits: (fields: Fields) => boolean): void {
  if (!Array.isArray(list)) throw damaged(`its ${what} are no list`);
  if (list.length > MOST_PARTS) throw damaged(`it has ${list.length} ${what}, more than ${MOST_PARTS}`);
  const wrong = list.find((item) => !isObject(item) || !fits(item));
  if (wrong !== undefined || list.includes(undefined))
    throw damaged(`${quoted(wrong)} does not belong to its ${what}`);
}

function distinct(what: string, list: readonly Fields[], key = 'name'): void {
  const wrong = wrongName(list.map((item) => String(item[key])));
  if (wrong !== undefined)
    throw damaged(`${quoted(wrong)} cannot be a name, or stands twice, among its ${what}`);
}

/** What holds of an entry's inputs and outputs together. */
function checkEntry(entry: string, inputs: readonly Fields[], outputs: readonly Fields[]): void {
  distinct(`inputs of ${shownName(entry)}`, inputs);
  distinct(`outputs of ${shownName(entry)}`, outputs);
  const needed = RESULTS.get(entry);
  const result = outputs.find((output) => output.name === needed);
  if (needed && !result) throw damaged(`its entry ${entry} gives no ${needed}`);
  if (needed === 'loss' && !isScalar(result!))
    throw damaged(`the loss of its entry ${entry} is not one number`);
  const isRated = entry === 'train' || entry === 'update';
  if (isRated && (inputs.at(-1)?.name !== LEARNING_RATE || !isScalar(inputs.at(-1)!)))
    throw damaged(`its entry ${entry} takes no learning rate`);
  if (entry === 'predict' || !RESULTS.has(entry)) return;
  const batch = entry === 'train' ? inputs.slice(0, -1) : inputs;
  if (batch.length > MAX_COLUMNS) throw damaged(`its entry ${entry} has more than ${MAX_COLUMNS} inputs`);
  const rows = new Set(batch.map(({ shape }) => (shape as number[])[0] ?? 1));
  if (batch.length === 0 || rows.size > 1 || batch.some(({ shape }) => numel(shape as number[]) === 0))
    throw damaged(`the inputs of its entry ${entry} are no batch of rows`);
}

function checkCalibration(norms: unknown, variables: readonly Fields[], { calibrate }: Entries): void {
  const states = new Map(
    variables.filter((v) => v.role === 'state').map((v) => [v.name, numel(v.shape as number[])]),
  );
  const outputs = new Map((calibrate?.outputs ?? []).map((o) => [o.name, numel(o.shape as number[])]));
  let at = 0;
  each('calibration', norms, ({ mean, variance, perRow }) => {
    const size = states.get(mean);
    const i = at++;
    const isGiven = outputs.get(`mean.${i}`) === size && outputs.get(`squares.${i}`) === size;
    return size !== undefined && states.get(variance) === size && isGiven && isSize(perRow) && perRow > 0;
  });
}

/** Each is an output of `evaluate`, which has no other but the loss and how much counts. */
function checkMetrics(metrics: unknown, { evaluate }: Entries): void {
  if (!isObject(metrics) || !evaluate) throw damaged('its metrics are none');
  const outputs = new Map(evaluate.outputs.map((o) => [o.name, o]));
  const named = Object.entries(metrics);
  each(
    'metrics',
    named.map(([name, metric]) => (isObject(metric) ? { ...metric, name } : metric)),
    ({ name, by, one }) => {
      const output = name === 'loss' ? undefined : outputs.get(name);
      const isOne = output && numel(output.shape as number[]) === 1;
      return (
        output !== undefined && (by === 'mean' || by === 'sum') && isFlag(one) && (!one || isOne === true)
      );
    },
  );
  const others = evaluate.outputs.filter((o) => !isOfCounts(String(o.name)));
  if (named.length !== others.length - 1) throw damaged('its metrics are not all that evaluate gives');
}

const isText = (value: unknown): value is string => typeof value === 'string' && isWellFormed(value);
const isFlag = (value: unknown): value is boolean => typeof value === 'boolean';
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;
const isSize = (value: unknown): value is number => isCount(value) && value <= MAX_MEMORY;
/** 32 bits. */
const isWord = (value: unknown): value is number => isCount(value) && value < 2 ** 32;
const isScalar = ({ shape, dtype }: Fields) => (shape as number[]).length === 0 && dtype === 'f32';

function isFile({ file, bytes, sha256 }: Fields, most: number): boolean {
  const isHash = typeof sha256 === 'string' && /^[0-9a-f]{64}$/.test(sha256);
  return isPlainName(file) && isCount(bytes) && bytes <= most && isHash;
}

const NUMBERS = new Map([
  ['constant', ['value']],
  ['uniform', ['low', 'high']],
  ['normal', ['mean', 'std']],
]);

/** Missing where a function of the user's filled it. */
function isFill({ shape }: Place, fill: unknown): boolean {
  if (fill === undefined) return true;
  if (!isObject(fill)) return false;
  const { kind, values } = fill;
  if (kind === 'values')
    return Array.isArray(values) && values.length === numel(shape) && values.every(Number.isFinite);
  return kind === 'word' || !!NUMBERS.get(kind as string)?.every((key) => Number.isFinite(fill[key]));
}

/** Base64 of all elements, or of one that stands for all. */
function isElements({ shape }: Place, data: unknown): boolean {
  if (typeof data !== 'string' || !/^[A-Za-z0-9+/]*={0,2}$/.test(data) || data.length % 4 !== 0) return false;
  const bytes = (data.length / 4) * 3 - (data.endsWith('==') ? 2 : data.endsWith('=') ? 1 : 0);
  return bytes === 4 || bytes === 4 * numel(shape);
}

/** An index's limit. */
function isBound({ bound, dtype }: Fields): boolean {
  return (
    bound === undefined || (isObject(bound) && dtype === 'i32' && isCount(bound.size) && isText(bound.what))
  );
}

function isGuard({ what, where, size, count, fault, value }: Fields, end: number): boolean {
  const isCell = (address: unknown) => isCount(address) && address % 4 === 0 && address + 4 <= end;
  return isText(what) && isText(where) && isCount(size) && isCount(count) && isCell(fault) && isCell(value);
}

/** A variable with a shape for all that it takes in memory; what lies in panels of no width is no place. */
function inMemory(variable: Fields): Fields {
  const { shape, panels } = variable;
  if (panels === undefined) return variable;
  const fits = Array.isArray(shape) && shape.every(isSize) && isWidth(panels, shape);
  return { ...variable, shape: fits ? [elementsIn({ shape, panels })] : null };
}

function isPlace({ name, shape, dtype, address }: Fields, end: number): boolean {
  return (
    isText(name) && (dtype === 'f32' || dtype === 'i32' || dtype === 'bool') && isRegion(shape, address, end)
  );
}

function damaged(what: string): DataError {
  return new DataError(`model.json is damaged: ${what}; copy it again, or compile the model again`);
}
