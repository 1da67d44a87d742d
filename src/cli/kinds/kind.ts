import type { Option } from 'commander';
import type { Contexts } from '../../data/dataset.js';
import { OptionError } from '../../errors.js';
import type { Choice } from '../../models/choose.js';
import type { AnyTrainStep } from '../../run/train-step.js';
import { flagOf, type RunSettings, type SettingName, type Settings, settingOption } from '../settings.js';

export const PARTS = ['train', 'dev', 'test'] as const;
export type Part = (typeof PARTS)[number];

/** What a model reads and writes, one at a time. */
export interface Tokens {
  readonly size: number;
  /** As `config.json` keeps them. */
  toJSON(): unknown;
}

/** The data of a run, cut into rows. */
export interface Task<T extends Tokens = Tokens> {
  /** Where they come from, for people. */
  readonly source: string;
  /** How many units of the kind they are: words, characters or bytes. */
  readonly size: number;
  /** Of all of them in their order, so that a resumed run can tell other data. */
  readonly sha256: string;
  readonly tokens: T;
  /** The same for people, in lines. */
  readonly lines: readonly string[];
  readonly sizeOf: Readonly<Record<Part, number>>;
  /** What is trained on. */
  readonly rows: Contexts;
  /** What losses are measured on at the end, and on the way. */
  readonly measured: Readonly<Record<Part, Contexts>>;
  readonly watched: Contexts;
}

/** What samples are drawn with. */
export interface Sampling extends Choice {
  /** What each of them begins with; undefined: nothing, or a line's end. */
  prompt?: string;
  /** Tokens after the prompt, of kinds that do not end by themselves. */
  length: number;
}

/**
 * What can be trained from the command line: its settings, its data, its model, and how they are told. `S` are its
 * settings, `T` its tokens.
 */
export interface Kind<S extends RunSettings = RunSettings, T extends Tokens = Tokens> {
  readonly name: string;
  readonly title: string;
  /** Its settings with what they are unless given, null where that is computed; in the order of `config.json`. */
  readonly initial: S;
  /** Those that say what its training step is; with batch and seed a trained folder has them for good. */
  readonly model: readonly SettingName[];
  /** Samples of a finished training, and of `sample`, unless told. */
  readonly samples: { readonly train: number; readonly sample: number };
  /** What `sample` calls these, and whether they end by themselves. */
  readonly sampleNoun: string;
  readonly endless: boolean;
  /** What data are counted in. */
  unit(settings: S): string;
  /** What a loss in bits is called, where kinds of data are to be compared. */
  bits(settings: S): string | undefined;
  /** Throws OptionError where settings do not fit together. */
  check(settings: S): void;
  /** `named`: the file is one that the user named now, and not one that a run's settings name. */
  load(file: string | null, settings: S, named: boolean): Promise<Task<T>>;
  /** The tokens that `toJSON` wrote. Throws DataError. */
  tokensFrom(json: unknown, settings: S): T;
  /** The training step; shapes are not traced yet. */
  step(tokens: T, settings: S, diagnostics?: { every: number }): AnyTrainStep;
  rate(settings: S): (step: number) => number;
  rateText(settings: S): string;
  /** The model in a few words, and the curve's title. */
  modelText(settings: S): string;
  curveTitle(settings: S): string;
  /** Text after text from a trained model: sample k does not depend on how many are drawn. */
  sample(
    checkpoint: Uint8Array,
    tokens: T,
    settings: S,
    seed: number,
    how: Sampling,
  ): Generator<string, never>;
  /** Samples for a terminal, and for a page. */
  samplesText(samples: readonly string[]): string[];
  samplesHtml(samples: readonly string[]): string;
}

/** Settings from a command line, where those that are not given are the initial ones. */
export function settingsFrom<S extends RunSettings>({ initial }: { initial: S }, given: Settings): S {
  const names = Object.keys(initial) as SettingName[];
  return Object.fromEntries(
    names.map((name) => [name, given[name] ?? (initial as Settings)[name]]),
  ) as unknown as S;
}

/** Throws OptionError if a setting is given that a kind does not have. */
export function refuseOthers(kind: Kind, given: Settings, kinds: readonly Kind[]): void {
  for (const { initial } of kinds)
    for (const name of Object.keys(initial) as SettingName[])
      if (given[name] !== undefined && !(name in kind.initial)) {
        const owners = kinds.filter((other) => name in other.initial).map((other) => other.name);
        throw new OptionError(`${flagOf(name)} is an option of ${owners.join(' and ')}, not of ${kind.name}`);
      }
}

/** The options that give these settings; `changed`: without those that stand for what they are anyway. */
export function flagsOf({ initial }: Kind, settings: Settings, { changed = false } = {}): string[] {
  return (Object.keys(initial) as SettingName[])
    .filter((name) => isSaid(settings[name]) && !(changed && settings[name] === (initial as Settings)[name]))
    .map((name) => (settings[name] === true ? flagOf(name) : `${flagOf(name)} ${settings[name]}`));
}

const isSaid = (value: unknown) => value !== undefined && value !== null && value !== false;

/** The options of the settings that some kinds have of a list, those of one kind under a heading of their own. */
export function settingOptions(
  kinds: readonly Kind[],
  wanted: (kind: Kind) => readonly SettingName[],
): Option[] {
  const names = [...new Set(kinds.flatMap(wanted))];
  return names.map((name) => {
    const having = kinds.filter((kind) => wanted(kind).includes(name));
    const option = settingOption(name, defaultText(having, name));
    return having.length === kinds.length ? option : option.helpGroup(`Options of ${having[0].name}:`);
  });
}

/** What a setting is unless given: ` (default: 3; text: 64)`. */
function defaultText([first, ...rest]: readonly Kind[], name: SettingName): string {
  const initial = (kind: Kind) => (kind.initial as Settings)[name];
  if (!isSaid(initial(first))) return '';
  const others = rest.filter((kind) => initial(kind) !== initial(first));
  return ` (default: ${[initial(first), ...others.map((kind) => `${kind.name}: ${initial(kind)}`)].join('; ')})`;
}
