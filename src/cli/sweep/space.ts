import { unknown } from '../../check.js';
import { reason } from '../../data/files.js';
import { isObject, parseJson, quoted } from '../../data/json.js';
import { MOST, readRegularOrPipe } from '../../data/read.js';
import { DataError, OptionError } from '../../errors.js';
import type { Choices } from '../kinds/kind.js';
import {
  type GivenSettings,
  givenValue,
  noSuchSetting,
  problemOf,
  type SettingValues,
  withMeant,
} from '../own-settings.js';
import { SETTINGS, type SettingName, type Settings } from '../settings.js';

export type Value = string | number | boolean | null;

/** Numbers from `min` to `max`, both included. */
export interface Range {
  readonly min: number;
  readonly max: number;
  /** Factors are as likely as each other, and not differences. */
  readonly log: boolean;
  readonly integer: boolean;
  /** Points of it in a grid. */
  readonly count?: number;
}

/** What a setting may be: one of some values (a constant is the only one), or a number of a range. */
export type Domain = { readonly values: readonly Value[] } | { readonly range: Range };

/** Of each setting that is said what it may be, in the order of the file. */
export type Space = ReadonlyMap<string, Domain>;

const RANGE = ['min', 'max', 'log', 'integer', 'count'];
const MOST_VALUES = 10_000;
/** They change how fast a training is and not what comes of it. */
const NOT_VARIED: readonly string[] = ['threads', 'engine'];

/** Reads the JSON of a space of settings of a kind. Throws DataError that names the file and what is wrong in it. */
export async function readSpace(path: string, kind: Choices): Promise<Record<string, unknown>> {
  const named = JSON.stringify(path);
  const bytes = await readRegularOrPipe(path, MOST.json).catch((error: unknown) => {
    throw new DataError(`cannot read the space ${named}: ${reason(error)}`);
  });
  let json: unknown;
  try {
    json = parseJson(new TextDecoder().decode(bytes));
  } catch (error) {
    throw error instanceof DataError ? new DataError(`the space ${named} ${error.message}`) : error;
  }
  spaceFrom(json, kind, path);
  return json as Record<string, unknown>;
}

/** A space from the value of its JSON. `where`: what errors begin with. */
export function spaceFrom(json: unknown, kind: Choices, where: string): Space {
  if (!isObject(json))
    throw new DataError(`${where}: expected an object with what each setting may be, got ${quoted(json)}`);
  const entries = Object.entries(json);
  if (entries.length === 0)
    throw new DataError(`${where} names no setting: give at least one, such as "lr": [0.1, 0.01]`);
  const space = new Map<string, Domain>();
  for (const [name, said] of entries) {
    const rules = rulesOf(name, kind, where);
    const domain = domainFrom(said, rules, `${where}: ${name}`);
    if (NOT_VARIED.includes(name) && !isConstant(domain))
      throw new DataError(`${where}: ${name} changes no result, only the speed: give one value for it`);
    space.set(name, domain);
  }
  return space;
}

/** What values a setting has. */
interface Rules {
  /** What is wrong with a value, or undefined. */
  problem(value: unknown): string | undefined;
  readonly isNumber: boolean;
  readonly isChoice?: boolean;
}

/** Those of an option, or of what a model file asks for. Throws DataError where there is no such setting. */
function rulesOf(name: string, { name: task, initial, own }: Choices, where: string): Rules {
  const options = Object.keys(initial);
  if (options.includes(name)) {
    const { problem, parse } = SETTINGS[name as SettingName];
    return { problem, isNumber: parse !== undefined };
  }
  const setting = own?.get(name);
  if (setting) {
    const isNumber = typeof setting.initial === 'number';
    const isChoice = setting.limits.choices !== undefined;
    return { problem: (value) => problemOf(setting, value), isNumber, isChoice };
  }
  if (!own) throw new DataError(`${where}: ${task} has no setting ${unknown(name, options)}`);
  const asked = [...own.keys()];
  const list = asked.length > 0 ? asked.join(', ') : "nothing, and would by setting('width', 64)";
  throw new DataError(
    `${where}: ${task} has no setting ${withMeant(name, [...options, ...asked])} Its options are ${options.join(', ')}; it asks for ${list}`,
  );
}

/** Settings of a training apart: options, and what the model file asks for. */
export function apart(
  { own }: Choices,
  configuration: Readonly<Record<string, Value | undefined>>,
): { settings: Settings; set: SettingValues } {
  const entries = Object.entries(configuration);
  const isOwn = ([name]: [string, unknown]) => own?.has(name) === true;
  return {
    settings: Object.fromEntries(entries.filter((entry) => !isOwn(entry))),
    set: Object.fromEntries(entries.filter(isOwn)) as SettingValues,
  };
}

/** A space with what the command line fixes of a model file's settings. Throws OptionError where that cannot be. */
export function withFixed(
  json: Record<string, unknown>,
  given: GivenSettings,
  { name: file, own = new Map() }: Choices,
): Record<string, unknown> {
  const space = { ...json };
  for (const [name, one] of given) {
    const setting = own.get(name);
    if (!setting) throw new OptionError(`${one.told}: ${noSuchSetting(file, name, [...own.keys()])}`);
    const value = givenValue(setting, one);
    if (Object.hasOwn(json, name) && json[name] !== value)
      throw new OptionError(`${one.told}: the space says what ${name} may be: leave one of them out`);
    space[name] = value;
  }
  return space;
}

/** Whether a setting has one value alone. */
export const isConstant = (domain: Domain): boolean => 'values' in domain && domain.values.length === 1;

/** The settings of a space that have several values. */
export const variedIn = (space: Space): string[] =>
  [...space].filter(([, domain]) => !isConstant(domain)).map(([name]) => name);

/** The value of a setting that is a constant of the space; undefined where it is not named. */
export function constantIn(space: Space, name: string): Value | undefined {
  const domain = space.get(name);
  return domain && 'values' in domain && domain.values.length === 1 ? domain.values[0] : undefined;
}

function domainFrom(said: unknown, rules: Rules, where: string): Domain {
  if (Array.isArray(said)) return { values: listFrom(said, rules, where) };
  if (isObject(said)) return { range: rangeFrom(said, rules, where) };
  return { values: [valueFrom(said, rules, where)] };
}

function listFrom(list: readonly unknown[], rules: Rules, where: string): Value[] {
  if (list.length === 0) throw new DataError(`${where} is an empty list: give at least one value`);
  if (list.length > MOST_VALUES)
    throw new DataError(`${where} has ${list.length} values; at most ${MOST_VALUES} are possible`);
  const values = list.map((value, i) => valueFrom(value, rules, `${where}[${i}]`));
  const twice = values.findIndex((value, i) => values.indexOf(value) !== i);
  if (twice >= 0) throw new DataError(`${where} has ${quoted(values[twice])} twice`);
  return values;
}

function valueFrom(value: unknown, rules: Rules, where: string): Value {
  const problem = rules.problem(value);
  if (problem) throw new DataError(`${where} is ${quoted(value)}: ${problem}`);
  return value as Value;
}

function rangeFrom(said: Record<string, unknown>, rules: Rules, where: string): Range {
  for (const key of Object.keys(said))
    if (!RANGE.includes(key)) throw new DataError(`${where}: a range has no ${unknown(key, RANGE)}`);
  if (!rules.isNumber)
    throw new DataError(`${where} is no number, so it has no range: give a list of values`);
  if (rules.isChoice)
    throw new DataError(`${where} is one of some values, so it has no range: give a list of them`);
  const { log = false, integer = false, count } = said;
  for (const key of ['log', 'integer'] as const)
    if (said[key] !== undefined && typeof said[key] !== 'boolean')
      throw new DataError(`${where}: ${key} is ${quoted(said[key])}: expected true or false`);
  const end = (key: 'min' | 'max'): number => {
    const value = said[key];
    if (typeof value !== 'number' || !Number.isFinite(value))
      throw new DataError(`${where}: ${key} is ${quoted(value)}: expected a number`);
    return valueFrom(value, rules, `${where}: ${key}`) as number;
  };
  const [min, max] = [end('min'), end('max')];
  // Said by what the setting takes: 2.5 hidden units are none.
  const whole = integer === true || rules.problem(min + (max - min) / Math.E) !== undefined;
  if (min > max) throw new DataError(`${where}: min, ${min}, is above max, ${max}`);
  if (min === max)
    throw new DataError(`${where}: min and max are both ${min}: give the number itself, without a range`);
  if (log === true && min <= 0)
    throw new DataError(`${where}: min is ${min}: with log it must be above 0, which has no logarithm`);
  if (whole && !(Number.isInteger(min) && Number.isInteger(max)))
    throw new DataError(
      `${where}: min and max are ${min} and ${max}: with integer they must be whole numbers`,
    );
  if (count !== undefined && !(Number.isInteger(count) && Number(count) >= 2 && Number(count) <= MOST_VALUES))
    throw new DataError(
      `${where}: count is ${quoted(count)}: expected a whole number from 2 to ${MOST_VALUES}`,
    );
  const common = { min, max, log: log === true, integer: whole };
  return count === undefined ? common : { ...common, count: Number(count) };
}

/** The settings of one training, as somebody else says them. Throws DataError where they are none of the kind. */
export function configurationFrom(json: unknown, kind: Choices, where: string): Record<string, Value> {
  const space = spaceFrom(json, kind, where);
  const entries = [...space.keys()].map((name) => [name, constantIn(space, name)] as const);
  const several = entries.find(([, value]) => value === undefined);
  if (several) throw new DataError(`${where}: ${several[0]} has several values`);
  return Object.fromEntries(entries) as Record<string, Value>;
}
