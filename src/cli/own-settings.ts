import { unknown } from '../check.js';
import { DataError, OptionError } from '../errors.js';
import { clipped, shownName } from '../printable.js';
import {
  type AskedFor,
  isSettingName,
  SETTINGS_OF_FILE,
  type SettingLimits,
  type SettingValue,
  settingProblem,
} from '../setting.js';
import { toNumber } from './settings.js';
import { shellWord } from './shell.js';

// Settings that a model file asks for by `setting(name, default)`: where their values come from, and what is said of wrong ones.

/** Values by name, as files and messages keep them. */
export type SettingValues = Readonly<Record<string, SettingValue>>;

/** A value for a setting, before it is known whether a file asks for that. */
export interface GivenSetting {
  /** A text of the command line may stand for a number. */
  readonly value: SettingValue;
  /** What gives it, as errors begin: `--set hidden=128`. */
  readonly told: string;
  /** Whether the command line gives it now, and no run of before. */
  readonly isOption: boolean;
}

export type GivenSettings = ReadonlyMap<string, GivenSetting>;

/** A setting of a file. */
export interface OwnSetting {
  readonly initial: SettingValue;
  readonly limits: SettingLimits;
  /** What it is now. */
  readonly value: SettingValue;
  /** `model.ts:3`, or ''. */
  readonly where: string;
}

export type OwnSettings = ReadonlyMap<string, OwnSetting>;

/** What `--set` gives, as a map. */
export const optionSettings = (set: SettingValues = {}): GivenSettings =>
  new Map(
    Object.entries(set).map(([name, value]) => [
      name,
      { value, told: `--set ${name}=${clipped(String(value))}`, isOption: true },
    ]),
  );

/** What settings are now. */
export const valuesOf = (settings: OwnSettings = new Map()): SettingValues =>
  Object.fromEntries([...settings].map(([name, { value }]) => [name, value]));

/** What is wrong with a value of a setting, or undefined. */
export const problemOf = ({ initial, limits }: OwnSetting, value: unknown): string | undefined =>
  settingProblem(initial, limits, value);

/** A given value as one of a setting's type. Throws where it is none, or not within the limits. */
export function givenValue(setting: Omit<OwnSetting, 'value'>, given: GivenSetting): SettingValue {
  // A file says of what type a value is.
  const value = given.isOption ? typedAs(setting.initial, given.value) : given.value;
  const problem = settingProblem(setting.initial, setting.limits, value);
  if (problem === undefined) return value;
  const message = `${given.told}: ${problem}${setting.where && ` (${setting.where})`}`;
  throw given.isOption ? new OptionError(message) : new DataError(message);
}

/** A text of the command line as what a setting is. */
function typedAs(initial: SettingValue, value: SettingValue): SettingValue {
  if (typeof value !== 'string' || typeof initial === 'string') return value;
  if (typeof initial === 'number') return toNumber(value);
  return value === 'true' || (value === 'false' ? false : value);
}

/** Whether a given value stands for one that is known, such as `1e2` for 100. */
export const isSameValue = (known: SettingValue, given: SettingValue): boolean =>
  typedAs(known, given) === known;

/** The options that give these values; `changed`: without those that are the file's own. */
export function setFlags(settings: OwnSettings, values: SettingValues, { changed = false } = {}): string[] {
  return Object.entries(values)
    .filter(([name, value]) => !(changed && settings.get(name)?.initial === value))
    .map(([name, value]) => `--set ${shellWord(`${name}=${value}`)}`);
}

/** `hidden 128, act relu`. */
export const settingsText = (values: SettingValues): string =>
  Object.entries(values)
    .map(([name, value]) => `${name} ${clipped(String(value), 40)}`)
    .join(', ');

/** A name that a file asks for no setting of, with those that there are. */
export function noSuchSetting(file: string, name: string, known: readonly string[]): string {
  if (known.length === 0)
    return `${file} asks for no settings; one is asked for by: const ${isIdentifier(name) ? name : 'x'} = setting('${name}', DEFAULT)`;
  return `${file} has no setting ${withMeant(name, known)} It has ${known.join(', ')}`;
}

/** A name that is none, with the one that is probably meant; a sentence may follow. */
export function withMeant(name: string, known: readonly string[]): string {
  const [, meant] = /(: did you mean .*\?)$/.exec(unknown(name, known)) ?? [];
  return `${shownName(name)}${meant ?? '.'}`;
}

const isIdentifier = (name: string) => /^\w+$/.test(name);

/** Values by name that a file or a message holds, or undefined where it holds something else. */
export function settingValuesFrom(json: unknown): SettingValues | undefined {
  if (json === null || typeof json !== 'object' || Array.isArray(json)) return undefined;
  const fits = Object.entries(json).every(
    ([name, value]) =>
      isSettingName(name) &&
      (typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value)),
  );
  return fits ? (json as SettingValues) : undefined;
}

/** Gives the settings of a file their values while it runs, and learns which there are. */
export class SettingsTable {
  private readonly asked = new Map<string, OwnSetting>();
  private isComplete = false;
  /** A file may catch what is thrown at it; it is told all the same. */
  private problem: unknown;

  constructor(
    private readonly path: string,
    private readonly given: GivenSettings,
  ) {}

  /** From here on it is this table's file that asks, also when its functions run later. */
  open(): void {
    const ask: AskedFor = (name, initial, limits, where) => {
      try {
        return this.ask(name, { initial, limits, where });
      } catch (error) {
        this.problem ??= error;
        throw error;
      }
    };
    (globalThis as { [SETTINGS_OF_FILE]?: AskedFor })[SETTINGS_OF_FILE] = ask;
  }

  /** Throws what a value that was given is wrong by, whatever became of it in the file. */
  check(): void {
    if (this.problem !== undefined) throw this.problem;
  }

  /** The settings of the file, which has run. Throws where others were given. */
  complete(): OwnSettings {
    this.check();
    this.isComplete = true;
    const known = [...this.asked.keys()];
    for (const [name, { told, isOption }] of this.given) {
      if (this.asked.has(name)) continue;
      const message = `${told}: ${noSuchSetting(this.path, name, known)}`;
      throw isOption ? new OptionError(message) : new DataError(message);
    }
    return this.asked;
  }

  private ask(name: string, setting: Omit<OwnSetting, 'value'>): SettingValue {
    const before = this.asked.get(name);
    if (before) {
      checkSame(name, before, setting);
      return before.value;
    }
    if (this.isComplete)
      throw new DataError(
        `the setting ${name} is asked for when the file has run, so that nobody knows of it before${at(setting)}: ask for it at the top of the file`,
      );
    const given = this.given.get(name);
    const value = given ? givenValue(setting, given) : setting.initial;
    this.asked.set(name, { ...setting, value });
    return value;
  }
}

/** Limits in one order, those that are the usual ones left out. */
const limitsText = ({ min, max, integer = false, choices }: SettingLimits) =>
  JSON.stringify([min, max, integer, choices]);

const at = ({ where }: Pick<OwnSetting, 'where'>) => where && ` (${where})`;

function checkSame(name: string, before: OwnSetting, now: Omit<OwnSetting, 'value'>): void {
  const mend = 'ask for it once, and pass on what you get';
  if (before.initial !== now.initial)
    throw new DataError(
      `the setting ${name} is asked for with two defaults, ${JSON.stringify(before.initial)}${at(before)} and ${JSON.stringify(now.initial)}${at(now)}: ${mend}`,
    );
  if (limitsText(before.limits) !== limitsText(now.limits))
    throw new DataError(
      `the setting ${name} is asked for with two limits, ${JSON.stringify(before.limits)}${at(before)} and ${JSON.stringify(now.limits)}${at(now)}: ${mend}`,
    );
}
