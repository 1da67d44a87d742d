import type { Option } from 'commander';
import { OptionError } from '../../errors.js';
import type { Choice } from '../../models/choose.js';
import type { AnyTrainStep } from '../../run/train-step.js';
import type { DataOptions } from '../../train/dataset.js';
import type { Columns } from '../../train/engine.js';
import type { Evaluated } from '../../train/metrics.js';
import type { Session } from '../../train/session.js';
import { type OwnSettings, type SettingValues, setFlags, valuesOf } from '../own-settings.js';
import { flagOf, type RunSettings, type SettingName, type Settings, settingOption } from '../settings.js';

export const PARTS = ['train', 'dev', 'test'] as const;
export type Part = (typeof PARTS)[number];

/** Of what a training step is made beside its settings (a vocabulary, a model file), as `config.json` keeps it. */
export interface Kept {
  /** Of the training step, where it is not said by the settings. */
  readonly sha256?: string;
  toJSON(): unknown;
}

/** Rows of data: each part of the batch with its rows one after the other. */
export interface Rows {
  readonly columns: Columns;
  readonly rows: number;
}

/** The data of a run, cut into rows. */
export interface Task<T extends Kept = Kept> {
  /** Where they come from, for people. */
  readonly source: string;
  /** How many units of the kind they are: words, characters, bytes or rows. */
  readonly size: number;
  /** Of all of them in their order, so that a resumed run can tell other data. */
  readonly sha256: string;
  readonly kept: T;
  /** The same for people, in lines. */
  readonly lines: readonly string[];
  /** Parts that are not held out are missing. */
  readonly sizeOf: Readonly<Partial<Record<Part, number>>>;
  /** What is trained on. */
  readonly rows: Rows;
  /** What losses are measured on at the end, and on the way. */
  readonly measured: Readonly<Partial<Record<Part, Rows>>>;
  readonly watched: Rows | null;
  /** What others make of the same data, beside a trained model; it takes a while. */
  compare?(session: Session): Promise<Comparison>;
}

/** A table of this model and others. */
export interface Comparison {
  readonly heading: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** Lines that say what stands in it. */
  readonly notes: readonly string[];
  /** The same for machines, by a name. */
  readonly json: Readonly<Record<string, unknown>>;
}

/** What samples are drawn with. */
export interface Sampling extends Choice {
  /** What each of them begins with; undefined: nothing, or a line's end. */
  prompt?: string;
  /** Tokens after the prompt, of kinds that do not end by themselves. */
  length: number;
}

/** How a kind makes up something by what it has learned. */
export interface Sampler<S extends RunSettings = RunSettings, T extends Kept = Kept> {
  /** Samples of a finished training, and of `sample`, unless told. */
  readonly counts: { readonly train: number; readonly sample: number };
  /** What `sample` calls these, and whether they end by themselves. */
  readonly noun: string;
  readonly endless: boolean;
  /** One after the other from a trained model: sample k does not depend on how many are drawn. */
  draw(checkpoint: Uint8Array, kept: T, settings: S, seed: number, how: Sampling): Generator<string, never>;
  /** Samples for a terminal, and for a page. */
  text(samples: readonly string[]): string[];
  html(samples: readonly string[]): string;
}

/** A loss to compare with: that of whoever knows nothing. */
export interface Baseline {
  readonly loss: number;
  /** As in `ln(27): every character as likely as any other`. */
  readonly why: string;
}

/** The settings of a kind, which make options of the command line. */
export interface Choices<S extends RunSettings = RunSettings> {
  /** What a user gives for it: `names`. */
  readonly name: string;
  /** What they are unless given, null where that is computed; in the order of `config.json`. */
  readonly initial: S;
  /** Those that say what the training step is; with batch and seed a trained folder has them for good. */
  readonly model: readonly SettingName[];
  /** What a model file asks for by `setting`, beside these. */
  readonly own?: OwnSettings;
}

/**
 * What can be trained from the command line: its settings, its data, its model, and how they are told. `S` are its
 * settings, `T` is what it keeps beside them.
 */
export interface Kind<S extends RunSettings = RunSettings, T extends Kept = Kept> extends Choices<S> {
  /** By which a `config.json` is known; one for all model files. */
  readonly format: string;
  /** What is typed behind `train`, and the folder where nothing is said. */
  readonly command: string;
  readonly folder: string;
  readonly title: string;
  /** What `config.json` calls what is kept. */
  readonly keeps: 'vocabulary' | 'model';
  /** What the part that is watched on the way is called. */
  readonly dev: 'dev' | 'validation';
  /** What data are counted in. */
  unit(settings: S): string;
  /** What a loss in bits is called, where kinds of data are to be compared. */
  bits(settings: S): string | undefined;
  /** How a run comes to its batches, where the file says so. */
  readonly order?: DataOptions['order'];
  /** Rows in one step. */
  batch(settings: S): number;
  /** What may have happened where a run's data are others than when it was begun. */
  readonly otherData: string;
  /** Of which one, by the setting `corpus`, is loaded where no file is named. */
  readonly corpora?: readonly string[];
  /** False: there are none but those that the user names. */
  readonly hasData?: boolean;
  /** Throws OptionError where settings do not fit together. */
  check(settings: S): void;
  /** `named`: the file is one that the user named now, and not one that a run's settings name. */
  load(file: string | null, settings: S, named: boolean): Promise<Task<T>>;
  /** What `toJSON` wrote. Throws DataError. */
  keptFrom(json: unknown, settings: S): T;
  /** What is kept where it does not come with the data. */
  keptNow?(): T;
  /** Throws DataError where a run that goes on would be one of another model than it was begun with. */
  checkSame?(before: T, folder: string): void;
  /** The training step; shapes are not traced yet. */
  step(kept: T, settings: S, diagnostics?: { every: number }): AnyTrainStep;
  /** A step of the same model that predicts, where the training step does not: for who takes the model elsewhere. */
  use?(kept: T, settings: S): AnyTrainStep;
  rate(settings: S): (step: number) => number;
  rateText(settings: S): string;
  /** Steps from one loss on held-out data to the next, where it is the user's choice or the kind's. */
  every?(settings: S, task: Task<T>): number | null;
  /** Of kinds that keep the best model by these losses: so many looks without a better one end the run. */
  patience?(settings: S): number;
  /** How losses are measured, where it is not by the entry `evaluate` in batches. */
  measure?(session: Session, rows: Rows): Promise<Evaluated>;
  /** Seconds from one checkpoint to the next; some unless given. */
  readonly saveSeconds?: number;
  /** Settings that follow from the data. `given` is what the command line says. Throws GradError where they do not fit them. */
  settled?(settings: S, given: Settings, task: Task<T>): S;
  baseline(kept: T): Baseline | null;
  /** How large what is kept is, for the result of a training. */
  facts(kept: T): Record<string, unknown>;
  /** The model in a few words, and the curve's title. */
  modelText(settings: S): string;
  curveTitle(settings: S): string;
  readonly sampler: Sampler<S, T> | null;
}

/** Settings from a command line, where those that are not given are the initial ones. */
export function settingsFrom<S extends RunSettings>({ initial }: { initial: S }, given: Settings): S {
  const names = Object.keys(initial) as SettingName[];
  // The tape has one thread, whatever is usual.
  const usual: Settings = given.engine === 'tape' ? { ...initial, threads: 1 } : initial;
  return Object.fromEntries(names.map((name) => [name, given[name] ?? usual[name]])) as unknown as S;
}

/** Throws OptionError if a setting is given that a kind does not have. */
export function refuseOthers(kind: Choices, given: Settings, kinds: readonly Choices[]): void {
  for (const { initial } of kinds)
    for (const name of Object.keys(initial) as SettingName[])
      if (given[name] !== undefined && !(name in kind.initial)) {
        const owners = kinds.filter((other) => name in other.initial).map((other) => other.name);
        const own = kind.own?.has(name)
          ? `, which has a setting of that name: --set ${name}=${given[name]}`
          : '';
        throw new OptionError(
          `${flagOf(name)} is an option of ${owners.join(' and ')}, not of ${kind.name}${own}`,
        );
      }
}

/**
 * The options that give these settings, and `set`, those of a file; `changed`: without those that stand for what they are
 * anyway.
 */
export function flagsOf(
  { initial, own = new Map() }: Choices,
  settings: Settings,
  { changed = false, set = valuesOf(own) }: { changed?: boolean; set?: SettingValues } = {},
): string[] {
  const flags = (Object.keys(initial) as SettingName[])
    .filter((name) => isSaid(settings[name]) && !(changed && settings[name] === (initial as Settings)[name]))
    .map((name) => (settings[name] === true ? flagOf(name) : `${flagOf(name)} ${settings[name]}`));
  return [...flags, ...setFlags(own, set, { changed })];
}

const isSaid = (value: unknown) => value !== undefined && value !== null && value !== false;

/** The options of the settings that some kinds have of a list, those that not all have under a heading of their own. */
export function settingOptions(
  kinds: readonly Choices[],
  wanted: (kind: Choices) => readonly SettingName[],
): Option[] {
  const has = (kind: Choices, name: SettingName) => name in kind.initial && wanted(kind).includes(name);
  const names = [...new Set(kinds.flatMap(wanted))];
  return names.flatMap((name) => {
    const having = kinds.filter((kind) => has(kind, name));
    if (having.length === 0) return [];
    const option = settingOption(name, defaultText(having, name));
    if (having.length === kinds.length) return [option];
    return [option.helpGroup(`Options of ${having.map((kind) => kind.name).join(' and ')}:`)];
  });
}

/** What a setting is unless given: ` (default: 3; text: 64)`. */
function defaultText(kinds: readonly Choices[], name: SettingName): string {
  const initial = (kind: Choices) => (kind.initial as Settings)[name];
  const [first, ...rest] = kinds.filter((kind) => isSaid(initial(kind)));
  if (!first) return '';
  const others = rest.filter((kind) => initial(kind) !== initial(first));
  return ` (default: ${[initial(first), ...others.map((kind) => `${kind.name}: ${initial(kind)}`)].join('; ')})`;
}

/** The parts of a task, and what they are called. */
export const partsOf = ({ dev }: Pick<Kind, 'dev'>, { measured }: Pick<Task, 'measured'>) =>
  PARTS.filter((part) => measured[part]).map((part) => ({
    part,
    name: part === 'dev' ? dev : part,
    rows: measured[part]!,
  }));
