import { boolean, shown, unknown } from '../check.js';
import { OptionError } from '../errors.js';
import type { Variable } from '../ops/tensor.js';
import { shownName } from '../printable.js';
import type { Shape } from '../shape.js';

/**
 * Which parts of a model are trained: by the path of a layer or a variable, of which the longest that fits counts ('' is the whole
 * model), or a function of a parameter's name and shape. What is not said is trained.
 */
export type Trainable =
  | Readonly<Record<string, boolean | undefined>>
  | ((name: string, shape: Shape) => boolean);

/** The variables that stay as they are, running statistics of their layers too. */
export function frozenOf(trainable: unknown, named: ReadonlyMap<string, Variable>): Set<Variable> {
  if (trainable === undefined) return new Set();
  const isTrained = typeof trainable === 'function' ? byFunction(trainable) : byPath(trainable, named);
  const frozen = [...named].filter(([name, variable]) => !isTrained(name, variable.shape));
  const parameters = [...named.values()].filter(({ kind }) => kind === 'parameter');
  const set = new Set(frozen.map(([, variable]) => variable));
  if (parameters.length > 0 && parameters.every((variable) => set.has(variable)))
    throw new OptionError(
      `trainStep: trainable leaves nothing to train: say true for a part of the model, as in { '': false, ${quoted([...named.keys()].at(-1)!)}: true }`,
    );
  return set;
}

type Decide = (name: string, shape: Shape) => boolean;

function byFunction(decide: unknown): Decide {
  return (name, shape) => boolean(`trainStep: trainable(${quoted(name)})`, (decide as Decide)(name, shape));
}

function byPath(given: unknown, named: ReadonlyMap<string, Variable>): Decide {
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw new OptionError(
      `trainStep: trainable must say which parts of the model are trained, as in { body: false }, or be a function of a parameter's name and shape, got ${shown(given)}`,
    );
  const said = Object.entries(given).filter(([, value]) => value !== undefined);
  const fits = (path: string, name: string) => path === '' || path === name || name.startsWith(`${path}.`);
  for (const [path, value] of said) {
    boolean(`trainStep: trainable: ${shownName(path)}`, value);
    if (![...named.keys()].some((name) => fits(path, name)))
      throw new OptionError(
        `trainStep: trainable: the model has no part with variables ${unknown(path, partsOf(named))}`,
      );
  }
  // The longest comes first.
  const paths = said.sort(([a], [b]) => b.length - a.length);
  return (name) => paths.find(([path]) => fits(path, name))?.[1] ?? true;
}

/** Every path of something with variables, layers before what is in them. */
function partsOf(named: ReadonlyMap<string, Variable>): string[] {
  const all = [...named.keys()].flatMap((name) => {
    const keys = name.split('.');
    return keys.map((_, i) => keys.slice(0, i + 1).join('.'));
  });
  return [...new Set(all)];
}

const quoted = (name: string) => `'${name}'`;
