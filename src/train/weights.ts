import { boolean, checkOptions, shown } from '../check.js';
import {
  decodeSafetensors,
  encodeSafetensors,
  type StoredTensor,
  storedTensor,
  type Tensors,
} from '../data/safetensors.js';
import { DataError, OptionError } from '../errors.js';
import { shownName } from '../printable.js';
import { formatShape, numel, type Shape } from '../shape.js';
import { loadFile, saveFile } from './checkpoint-file.js';
import { convert } from './columns.js';
import type { Numbers } from './engine.js';
import {
  type Source,
  type WeightMap,
  type WeightSession,
  type WeightVariable,
  wantedOf,
} from './weight-sources.js';

export type { WeightMap, WeightSession, WeightSource, WeightVariable } from './weight-sources.js';

export interface WeightOptions {
  map?: WeightMap | undefined;
  /** Names of the file that are of no use here; regular expressions too. */
  ignore?: readonly (string | RegExp)[] | undefined;
  /** By default yes: throw where a parameter is missing, or where the file has what no variable takes. */
  strict?: boolean | undefined;
}

export interface LoadedWeights {
  /** Variables that have taken their elements from the file. */
  loaded: string[];
  /** Parameters of the model that the file does not have, by their names there. */
  missing: string[];
  /** Names of the file that nothing was made of. */
  extra: string[];
}

/**
 * Takes parameters, and state that the file has (running statistics), from a safetensors file or its bytes, whatever
 * made
 * it: F32, F64, F16 or BF16; tensors that nothing is made of may be of any dtype. All of it is checked before any is
 * written. The place in the run and the optimizer's state stay:
 * for a checkpoint of one's own there is `session.load`. Throws DataError that names what is missing, extra, or of
 * another
 * shape; with `strict: false` the first two are only returned.
 *
 * @example
 * ```ts
 * import { encodeWeights, f32, loadWeights, meanSquaredError, nn, optim, trainStep } from '2headgrad';
 * const step = trainStep({
 *   model: nn.linear(2, 1),
 *   batch: { x: f32(2, 2), y: f32(2, 1) },
 *   loss: (model, { x, y }) => meanSquaredError(model(x), y),
 *   optimizer: optim.sgd(),
 * });
 * const trained = step.interpret({ seed: 1 });
 * const session = step.interpret({ seed: 2 });
 * const { loaded } = await loadWeights(session, encodeWeights(trained));
 * console.log(loaded.join(' '), session.read('weight')[0] === trained.read('weight')[0]); // weight bias true
 * ```
 */
export async function loadWeights(
  session: WeightSession,
  file: string | Uint8Array,
  options: WeightOptions = {},
): Promise<LoadedWeights> {
  return takeWeights(session, typeof file === 'string' ? await loadFile(file) : file, options);
}

/** The same from bytes, at once. */
export function takeWeights(
  session: WeightSession,
  bytes: Uint8Array,
  options: WeightOptions = {},
): LoadedWeights {
  checkOptions('loadWeights', options, ['map', 'ignore', 'strict']);
  if (!(bytes instanceof Uint8Array))
    throw new OptionError(`loadWeights: expected a path or the bytes of a file, got ${shown(bytes)}`);
  checkIgnore(options.ignore);
  if (options.strict !== undefined) boolean('loadWeights: strict', options.strict);
  const wanted = wantedOf('loadWeights', session, options.map);
  const used = new Set(wanted.flatMap(({ source }) => source.from));
  const names: string[] = [];
  const { tensors } = decodeSafetensors(bytes, (name) => {
    names.push(name);
    return used.has(name);
  });
  const [missing, loaded]: [string[], [string, Numbers][]] = [[], []];
  for (const { variable, source, said } of wanted) {
    const lost = source.from.filter((name) => !tensors.has(name));
    if (lost.length === 0) loaded.push([variable.name, checkedElements(variable, source, tensors)]);
    // State has its own beginning, unless the map says that it is in the file.
    else if (variable.role === 'parameter' || said || lost.length < source.from.length) missing.push(...lost);
  }
  const extra = names.filter((name) => !used.has(name) && !isIgnored(name, options.ignore));
  if (options.strict !== false) refuse(missing, extra);
  for (const [name, elements] of loaded) session.write(name, elements);
  return { loaded: loaded.map(([name]) => name), missing, extra };
}

/**
 * The variables of the model as a safetensors file under the names and in the layout of a map, for who reads such
 * files.
 * @example
 * ```ts
 * import { encodeWeights, f32, meanSquaredError, nn, optim, trainStep } from '2headgrad';
 * const step = trainStep({
 *   model: nn.linear(2, 1),
 *   batch: { x: f32(2, 2), y: f32(2, 1) },
 *   loss: (model, { x, y }) => meanSquaredError(model(x), y),
 *   optimizer: optim.sgd(),
 * });
 * const bytes = encodeWeights(step.interpret(), { map: { weight: 'fc.weight', bias: 'fc.bias' } });
 * console.log(bytes instanceof Uint8Array); // true
 * ```
 */
export function encodeWeights(session: WeightSession, options: Pick<WeightOptions, 'map'> = {}): Uint8Array {
  checkOptions('saveWeights', options, ['map']);
  const tensors: Tensors = new Map();
  const put = (name: string, tensor: StoredTensor, variable: string) => {
    if (tensors.has(name))
      throw new OptionError(
        `saveWeights: map: ${shownName(variable)} would be written as ${shownName(name)}, which another tensor has: give each a name of its own`,
      );
    tensors.set(name, tensor);
  };
  for (const { variable, source, said } of wantedOf('saveWeights', session, options.map)) {
    // What a map does not name would be strange to who reads the file: caches, the place in dropout's random numbers.
    if (variable.role === 'state' && options.map && !said) continue;
    const data = session.read(variable.name);
    if (data instanceof Int32Array) put(source.from[0], storedTensor(variable.shape, data), variable.name);
    else
      for (const [name, tensor] of partsOf(variable, source, Float32Array.from(data)))
        put(name, tensor, variable.name);
  }
  return encodeSafetensors(tensors, { format: 'pt' });
}

/**
 * Writes `encodeWeights` to a file, which is complete or untouched.
 * @example
 * ```ts
 * import { f32, loadWeights, meanSquaredError, nn, optim, saveWeights, trainStep } from '2headgrad';
 * const step = trainStep({
 *   model: nn.linear(2, 1),
 *   batch: { x: f32(2, 2), y: f32(2, 1) },
 *   loss: (model, { x, y }) => meanSquaredError(model(x), y),
 *   optimizer: optim.sgd(),
 * });
 * await saveWeights(step.interpret({ seed: 1 }), 'weights.safetensors');
 * const session = step.interpret({ seed: 2 });
 * console.log((await loadWeights(session, 'weights.safetensors')).missing.length); // 0
 * ```
 */
export async function saveWeights(
  session: WeightSession,
  path: string,
  options: Pick<WeightOptions, 'map'> = {},
): Promise<void> {
  await saveFile(path, () => encodeWeights(session, options));
}

function checkedElements(variable: WeightVariable, source: Source, tensors: Tensors): Numbers {
  const { name, role, dtype, shape } = variable;
  const elements = elementsOf(variable, source, tensors);
  const beside = role === 'state' ? 'infinity' : 'nothing';
  return convert(`loadWeights: ${shownName(name)}`, elements, { dtype, shape }, numel(shape), beside);
}

/** A variable's elements, row by row, from the tensors of a file. */
function elementsOf(
  { name, shape }: WeightVariable,
  { from, transpose }: Source,
  tensors: Tensors,
): ArrayLike<number> {
  const found = from.map((part) => tensors.get(part)!);
  const turned = found.map((t) => (transpose && t.shape.length === 2 ? transposed(t) : t));
  const joined = joinedShape(turned.map((t) => t.shape));
  if (joined?.join() !== shape.join()) {
    const there = from.map((part, i) => `${shownName(part)} ${formatShape(found[i].shape)}`).join(', ');
    const other = joinedShape(found.map((t) => (transpose ? t.shape : [...t.shape].reverse())));
    const mend =
      shape.length === 2 && other?.join() === shape.join()
        ? `: ${transpose ? 'it would fit as it is, without transpose' : 'it would fit transposed: give { from, transpose: true }'}`
        : filtersHint(shape, found);
    throw new DataError(
      `loadWeights: ${shownName(name)} is ${formatShape(shape)} in the model, and in the file ${there}${transpose ? ', to be transposed' : ''}${mend}`,
    );
  }
  return turned.length === 1 ? turned[0].data : sideBySide(turned);
}

/** Of filters, whose kernel comes first in the model and last in files of PyTorch. */
function filtersHint(shape: Shape, found: readonly StoredTensor[]): string {
  const [there] = found.map((tensor) => tensor.shape);
  const parts = (kernel: Shape, channels: Shape) =>
    `${kernel.join()};${[...channels].sort((a, b) => a - b).join()}`;
  const fits =
    found.length === 1 &&
    shape.length > 2 &&
    parts(shape.slice(0, -2), shape.slice(-2)) === parts(there.slice(2), there.slice(0, 2));
  return fits ? ': these are filters as PyTorch keeps them: give the layer channelsFirst: true' : '';
}

/** Of tensors put side by side along the last axis; undefined where they do not fit. */
function joinedShape(shapes: readonly Shape[]): Shape | undefined {
  const [first] = shapes;
  if (shapes.length === 1) return first;
  const before = (shape: Shape) => shape.slice(0, -1).join();
  if (first.length === 0 || shapes.some((s) => s.length !== first.length || before(s) !== before(first)))
    return undefined;
  return [...first.slice(0, -1), shapes.reduce((n, s) => n + s.at(-1)!, 0)];
}

function sideBySide(tensors: readonly StoredTensor[]): Float64Array {
  const widths = tensors.map((t) => t.shape.at(-1)!);
  const width = widths.reduce((a, b) => a + b, 0);
  const rows = tensors[0].shape.slice(0, -1).reduce((a, b) => a * b, 1);
  const out = new Float64Array(rows * width);
  let at = 0;
  tensors.forEach(({ data }, i) => {
    for (let row = 0; row < rows; row++)
      out.set(data.subarray(row * widths[i], (row + 1) * widths[i]), row * width + at);
    at += widths[i];
  });
  return out;
}

function transposed({ dtype, shape: [rows, columns], data }: StoredTensor): StoredTensor {
  const out = data.slice();
  for (let i = 0; i < rows; i++) for (let j = 0; j < columns; j++) out[j * rows + i] = data[i * columns + j];
  return { dtype, shape: [columns, rows], data: out };
}

/** The tensors of a file that a variable becomes: `elementsOf` backwards. */
function partsOf(
  { name, shape }: WeightVariable,
  { from, transpose, sizes }: Source,
  data: Float32Array,
): [string, StoredTensor][] {
  const width = shape.at(-1) ?? 1;
  const widths = sizes ?? from.map(() => width / from.length);
  if (
    widths.length !== from.length ||
    widths.reduce((a, b) => a + b, 0) !== width ||
    !widths.every(Number.isInteger)
  )
    throw new OptionError(
      `saveWeights: ${shownName(name)} has ${width} columns, which cannot be shared by ${from.length} tensors: give their sizes, as in { from, sizes: [4, 2, 2] }`,
    );
  const rows = data.length / width;
  let at = 0;
  return from.map((part, i) => {
    const n = widths[i];
    const own = new Float32Array(rows * n);
    for (let row = 0; row < rows; row++)
      own.set(data.subarray(row * width + at, row * width + at + n), row * n);
    at += n;
    const tensor = storedTensor(from.length > 1 ? [...shape.slice(0, -1), n] : shape, own);
    return [part, transpose && shape.length === 2 ? transposed(tensor) : tensor];
  });
}

function isIgnored(name: string, ignore: WeightOptions['ignore'] = []): boolean {
  return ignore.some((what) => (typeof what === 'string' ? what === name : name.search(what) >= 0));
}

function checkIgnore(ignore: unknown): void {
  const isPattern = (what: unknown) => typeof what === 'string' || what instanceof RegExp;
  if (ignore === undefined || (Array.isArray(ignore) && ignore.every(isPattern))) return;
  throw new OptionError(
    `loadWeights: ignore must be an array of names and regular expressions, got ${shown(ignore)}`,
  );
}

function refuse(missing: readonly string[], extra: readonly string[]): void {
  const told = (names: readonly string[]) => {
    const more = names.length > 8 ? ` and ${names.length - 8} more` : '';
    return names.slice(0, 8).map(shownName).join(', ') + more;
  };
  const wrong = [
    ...(missing.length ? [`the file does not have ${told(missing)}`] : []),
    ...(extra.length ? [`no variable of the model takes ${told(extra)} of it`] : []),
  ];
  if (wrong.length === 0) return;
  const ownState = missing.length === 0 && extra.every((name) => name.startsWith('optimizer.'));
  const mend = ownState
    ? "that is an optimizer's state: give ignore: [/^optimizer\\./], or take all of a checkpoint by session.load"
    : 'give a map from names of the model to names of the file, or strict: false';
  throw new DataError(`loadWeights: ${wrong.join('; ')}: ${mend}`);
}
