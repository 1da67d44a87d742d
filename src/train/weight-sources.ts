import { boolean, checkOptions, shown, wholeNumber } from '../check.js';
import { OptionError } from '../errors.js';
import { shownName } from '../printable.js';
import { formatShape } from '../shape.js';
import type { VariableDescription } from './description.js';
import type { Numbers } from './engine.js';

// Which variables weights are taken for, and where they are in a file: the map of loadWeights and saveWeights, checked.

/**
 * Where the elements of a variable are in a file: under a name, or under several that are put side by side along the last
 * axis, such as the matrices of queries, keys and values.
 */
export type WeightSource =
  | string
  | {
      readonly from: string | readonly string[];
      /** The file has rows and columns of the matrix exchanged, as PyTorch's Linear: [outputs, inputs]. */
      readonly transpose?: boolean;
      /** Columns of each of several; needed to write them, unless all have as many. */
      readonly sizes?: readonly number[];
    };

/** For a variable of the model: where it is in the file; undefined: under its own name; null: nowhere, it stays as it is. */
export type WeightMap =
  | Readonly<Record<string, WeightSource | null>>
  | ((name: string) => WeightSource | null | undefined);

/** What weights need of a variable. */
export type WeightVariable = Pick<VariableDescription, 'name' | 'role' | 'shape' | 'dtype'>;

/** What weights need of a session: one of this package's, or of a compiled model's model.js. */
export interface WeightSession {
  readonly program: { readonly variables: readonly WeightVariable[] };
  read(name: string): Numbers;
  write(name: string, values: ArrayLike<number>): void;
}

export interface Source {
  from: readonly string[];
  transpose: boolean;
  sizes: readonly number[] | undefined;
}

export interface Wanted {
  variable: WeightVariable;
  source: Source;
  /** Whether the map says so, and not the variable's own name. */
  said: boolean;
}

/** Which variables are taken, and from where; the optimizer's state is nobody else's. `what` names the function in errors. */
export function wantedOf(what: string, { program }: WeightSession, map: WeightMap = {}): Wanted[] {
  const variables = program.variables.filter(
    ({ name, role }) => role === 'parameter' || !name.startsWith('optimizer.'),
  );
  const find = finder(what, variables, map);
  return variables.flatMap((variable): Wanted[] => {
    const found = find(variable.name);
    if (found === null) return [];
    return [
      { variable, source: sourceOf(what, variable, found ?? variable.name), said: found !== undefined },
    ];
  });
}

function finder(what: string, variables: readonly WeightVariable[], map: WeightMap) {
  if (typeof map === 'function') return map;
  if (typeof map !== 'object' || map === null || Array.isArray(map))
    throw new OptionError(
      `${what}: map must be an object from names of the model to names of the file, or a function, got ${shown(map)}`,
    );
  const wrong = Object.keys(map).find((name) => !variables.some((v) => v.name === name));
  if (wrong !== undefined)
    throw new OptionError(
      `${what}: map: the model has no variable ${shownName(wrong)}, only ${variables.map((v) => shownName(v.name)).join(', ')}`,
    );
  // Its own names alone: a variable may be called toString.
  return (name: string) => (Object.hasOwn(map, name) ? map[name] : undefined);
}

function sourceOf(what: string, { name, shape }: WeightVariable, source: unknown): Source {
  const where = `${what}: map: ${shownName(name)}`;
  if (typeof source === 'string') return { from: [source], transpose: false, sizes: undefined };
  if (typeof source !== 'object' || source === null || Array.isArray(source) || source instanceof Promise)
    throw new OptionError(
      `${where} must be a name of the file, { from: name } or { from: [names] }, or null, got ${shown(source)}`,
    );
  checkOptions(where, source as Partial<Source>, ['from', 'transpose', 'sizes']);
  const { from, transpose = false, sizes } = source as Partial<Source>;
  const names: unknown = typeof from === 'string' ? [from] : from;
  if (!Array.isArray(names) || names.length === 0 || !names.every((n) => typeof n === 'string'))
    throw new OptionError(
      `${where}: from must be a name of the file, or an array of at least one, got ${shown(from)}`,
    );
  if (sizes !== undefined && !Array.isArray(sizes))
    throw new OptionError(`${where}: sizes must be an array of numbers of columns, got ${shown(sizes)}`);
  for (const size of sizes ?? []) wholeNumber(`${where}: sizes`, size);
  if (boolean(`${where}: transpose`, transpose) && shape.length > 2)
    throw new OptionError(
      `${where}: transpose is for matrices, and this is ${formatShape(shape)}: filters as PyTorch keeps them fit a layer with channelsFirst: true`,
    );
  return { from: names, transpose, sizes };
}
