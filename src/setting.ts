import { boolean, checkOptions, finite, shown } from './check.js';
import { OptionError } from './errors.js';
import { located, userLocation } from './source.js';

/** What a setting of a model file is: a number, a text, or yes or no. */
export type SettingValue = number | string | boolean;

/** What a setting that is a number may be. */
export interface NumberLimits {
  /** The least; it may be this. */
  min?: number;
  /** The most; it may be this. */
  max?: number;
  /** Whole numbers alone. */
  integer?: boolean;
}

/** The values of which a setting is one. */
export interface SettingChoices<T> {
  choices: readonly T[];
}

/** What a setting may be, whichever kind it is of. */
export type SettingLimits = NumberLimits & Partial<SettingChoices<number | string>>;

/** Who gives settings their values: what the command line puts here while it runs a model file. */
export type AskedFor = (
  name: string,
  initial: SettingValue,
  limits: SettingLimits,
  /** `model.ts:3`, or '' where no stack says so. */
  where: string,
) => SettingValue;

/**
 * Where `setting` looks for who gives values: on the global object, since what a model file imports may be another copy of
 * this package than the one whose command line runs it.
 */
export const SETTINGS_OF_FILE = Symbol.for('2headgrad.settings');

/** Letters first: no name is a number, whose place in an object would be another, nor `__proto__`. */
const NAME = /^[A-Za-z][\w.-]{0,99}$/;

/** Whether a text can be the name of a setting. */
export const isSettingName = (name: unknown): name is string => typeof name === 'string' && NAME.test(name);

/** What is wrong with a value of a setting, as `expected a whole number from 1`, or undefined. */
export function settingProblem(
  initial: SettingValue,
  { min, max, integer = false, choices }: SettingLimits,
  value: unknown,
): string | undefined {
  if (choices)
    return (choices as readonly unknown[]).includes(value)
      ? undefined
      : `expected one of ${choices.join(', ')}`;
  if (typeof initial === 'boolean') return typeof value === 'boolean' ? undefined : 'expected true or false';
  if (typeof initial === 'string') return typeof value === 'string' ? undefined : 'expected a text';
  const fits =
    Number.isFinite(value) &&
    (!integer || Number.isInteger(value)) &&
    Number(value) >= (min ?? Number.NEGATIVE_INFINITY) &&
    Number(value) <= (max ?? Number.POSITIVE_INFINITY);
  if (fits) return undefined;
  const bounds = [...(min === undefined ? [] : [`from ${min}`]), ...(max === undefined ? [] : [`to ${max}`])];
  return ['expected a', ...(integer ? ['whole'] : []), 'number', ...bounds].join(' ');
}

/**
 * A setting of a model file: what the command line gives it (`2headgrad train model.ts --set hidden=128`), or a sweep, and
 * `initial` everywhere else, in programs and pages. Its type follows from `initial`. It is asked for while the file runs, at
 * its top, and not within a loss or in `data()`, which run too late to learn what settings there are.
 * @param name a letter, then letters, digits, `.`, `_` and `-`; the same name may be asked for again with the same arguments
 * @param initial what it is unless given
 * @param limits of a number `min`, `max` (it may be either) and `integer`; of numbers and texts `choices`
 * @returns the value, which is within the limits
 * @throws OptionError for a name, a default or limits that are none; from the command line also for a value that is not
 * within the limits, and DataError for a name that is asked for with two defaults
 * @example
 * ```ts
 * import { crossEntropy, f32, i32, nn, optim, setting, trainStep } from '2headgrad';
 * const hidden = setting('hidden', 64, { min: 1, integer: true });
 * const activation = setting('activation', 'tanh', { choices: ['relu', 'tanh'] });
 * const layer = { relu: nn.relu, tanh: nn.tanh }[activation];
 * export const step = trainStep({
 *   model: nn.sequential(nn.linear(2, hidden), layer(), nn.linear(hidden, 3)),
 *   batch: { x: f32(setting('batch', 32), 2), y: i32(setting('batch', 32)) },
 *   loss: (model, { x, y }) => crossEntropy(model(x), y),
 *   optimizer: optim.adamW({ weightDecay: setting('weightDecay', 0.01, { min: 0 }) }),
 * });
 * console.log(hidden, activation, step.definition.batchSize); // 64 tanh 32
 * ```
 */
export function setting<const T extends number | string>(
  name: string,
  initial: NoInfer<T>,
  limits: SettingChoices<T>,
): T;
export function setting(name: string, initial: number, limits?: NumberLimits): number;
export function setting(name: string, initial: string): string;
export function setting(name: string, initial: boolean): boolean;
export function setting(name: string, initial: SettingValue, limits: SettingLimits = {}): SettingValue {
  if (!isSettingName(name))
    throw new OptionError(
      located(
        `setting: expected a name of letters, digits, ".", "_" and "-" that begins with a letter, got ${shown(name)}`,
      ),
    );
  checkInitial(name, initial, limits);
  const ask = (globalThis as { [SETTINGS_OF_FILE]?: AskedFor })[SETTINGS_OF_FILE];
  return withoutMinusZero(ask ? ask(name, initial, limits, userLocation()) : initial);
}

/** -0 is 0 in a run's config.json, and so it is from the beginning. */
const withoutMinusZero = (value: SettingValue): SettingValue => (value === 0 ? 0 : value);

const KNOWN: Record<'number' | 'string' | 'boolean', readonly (keyof SettingLimits)[]> = {
  number: ['min', 'max', 'integer', 'choices'],
  string: ['choices'],
  boolean: [],
};

function checkInitial(name: string, initial: SettingValue, limits: SettingLimits): void {
  const what = `setting ${name}`;
  const kind = typeof initial;
  if (kind !== 'number' && kind !== 'string' && kind !== 'boolean')
    throw new OptionError(
      located(`${what}: the default must be a number, a text, or true or false, got ${shown(initial)}`),
    );
  checkOptions(what, limits, KNOWN[kind]);
  const { min, max, integer, choices } = limits;
  if (min !== undefined) finite(`${what}: min`, min);
  if (max !== undefined) finite(`${what}: max`, max);
  if (integer !== undefined) boolean(`${what}: integer`, integer);
  if (choices !== undefined) checkChoices(what, kind, limits);
  const problem = settingProblem(initial, limits, initial);
  if (problem) throw new OptionError(located(`${what}: the default is ${shown(initial)}: ${problem}`));
}

function checkChoices(what: string, kind: string, { choices, ...others }: SettingLimits): void {
  if (!Array.isArray(choices) || choices.length === 0)
    throw new OptionError(located(`${what}: choices must be a list of values, got ${shown(choices)}`));
  if (Object.keys(others).length > 0)
    throw new OptionError(located(`${what}: choices say all that it may be: leave out the other limits`));
  // A run's config.json is JSON, which has no other numbers.
  const fits = (choice: unknown) =>
    typeof choice === kind && (typeof choice !== 'number' || Number.isFinite(choice));
  const wrong = choices.findIndex((choice) => !fits(choice));
  if (wrong < 0) return;
  const wanted = kind === 'number' ? 'a finite number' : 'a text';
  throw new OptionError(
    located(`${what}: choices[${wrong}] is ${shown(choices[wrong])}: expected ${wanted}, as the default is`),
  );
}
