import { unknown } from '../../check.js';
import { reason } from '../../data/files.js';
import { isObject, parseJson, quoted } from '../../data/json.js';
import { MOST, readRegularOrPipe } from '../../data/read.js';
import { DataError } from '../../errors.js';
import type { Choices } from '../kinds/kind.js';
import { SETTINGS, type SettingName } from '../settings.js';

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
export type Space = ReadonlyMap<SettingName, Domain>;

const RANGE = ['min', 'max', 'log', 'integer', 'count'];
const MOST_VALUES = 10_000;
/** They change how fast a training is and not what comes of it. */
const NOT_VARIED: readonly SettingName[] = ['threads', 'engine'];

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
  const known = Object.keys(kind.initial);
  const entries = Object.entries(json);
  if (entries.length === 0)
    throw new DataError(`${where} names no setting: give at least one, such as "lr": [0.1, 0.01]`);
  const space = new Map<SettingName, Domain>();
  for (const [name, said] of entries) {
    if (!known.includes(name))
      throw new DataError(`${where}: ${kind.name} has no setting ${unknown(name, known)}`);
    const domain = domainFrom(said, name as SettingName, `${where}: ${name}`);
    if (NOT_VARIED.includes(name as SettingName) && !isConstant(domain))
      throw new DataError(`${where}: ${name} changes no result, only the speed: give one value for it`);
    space.set(name as SettingName, domain);
  }
  return space;
}

/** Whether a setting has one value alone. */
export const isConstant = (domain: Domain): boolean => 'values' in domain && domain.values.length === 1;

/** The settings of a space that have several values. */
export const variedIn = (space: Space): SettingName[] =>
  [...space].filter(([, domain]) => !isConstant(domain)).map(([name]) => name);

/** The value of a setting that is a constant of the space; undefined where it is not named. */
export function constantIn(space: Space, name: SettingName): Value | undefined {
  const domain = space.get(name);
  return domain && 'values' in domain && domain.values.length === 1 ? domain.values[0] : undefined;
}

function domainFrom(said: unknown, name: SettingName, where: string): Domain {
  if (Array.isArray(said)) return { values: listFrom(said, name, where) };
  if (isObject(said)) return { range: rangeFrom(said, name, where) };
  return { values: [valueFrom(said, name, where)] };
}

function listFrom(list: readonly unknown[], name: SettingName, where: string): Value[] {
  if (list.length === 0) throw new DataError(`${where} is an empty list: give at least one value`);
  if (list.length > MOST_VALUES)
    throw new DataError(`${where} has ${list.length} values; at most ${MOST_VALUES} are possible`);
  const values = list.map((value, i) => valueFrom(value, name, `${where}[${i}]`));
  const twice = values.findIndex((value, i) => values.indexOf(value) !== i);
  if (twice >= 0) throw new DataError(`${where} has ${quoted(values[twice])} twice`);
  return values;
}

function valueFrom(value: unknown, name: SettingName, where: string): Value {
  const problem = SETTINGS[name].problem(value);
  if (problem) throw new DataError(`${where} is ${quoted(value)}: ${problem}`);
  return value as Value;
}

function rangeFrom(said: Record<string, unknown>, name: SettingName, where: string): Range {
  for (const key of Object.keys(said))
    if (!RANGE.includes(key)) throw new DataError(`${where}: a range has no ${unknown(key, RANGE)}`);
  if (!SETTINGS[name].parse)
    throw new DataError(`${where} is no number, so it has no range: give a list of values`);
  const { log = false, integer = false, count } = said;
  for (const key of ['log', 'integer'] as const)
    if (said[key] !== undefined && typeof said[key] !== 'boolean')
      throw new DataError(`${where}: ${key} is ${quoted(said[key])}: expected true or false`);
  const end = (key: 'min' | 'max'): number => {
    const value = said[key];
    if (typeof value !== 'number' || !Number.isFinite(value))
      throw new DataError(`${where}: ${key} is ${quoted(value)}: expected a number`);
    return valueFrom(value, name, `${where}: ${key}`) as number;
  };
  const [min, max] = [end('min'), end('max')];
  // Said by what the setting takes: 2.5 hidden units are none.
  const whole = integer === true || SETTINGS[name].problem(min + (max - min) / Math.E) !== undefined;
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
export function configurationFrom(
  json: unknown,
  kind: Choices,
  where: string,
): Partial<Record<SettingName, Value>> {
  const space = spaceFrom(json, kind, where);
  const entries = [...space.keys()].map((name) => [name, constantIn(space, name)] as const);
  const several = entries.find(([, value]) => value === undefined);
  if (several) throw new DataError(`${where}: ${several[0]} has several values`);
  return Object.fromEntries(entries);
}
