import { createHash } from 'node:crypto';
import { GradError } from '../../errors.js';
import { version } from '../../package-version.js';
import { settingsDigest } from '../folder.js';
import { type Kind, settingsFrom } from '../kinds/kind.js';
import { note } from '../output.js';
import { valuesOf } from '../own-settings.js';
import type { Configuration } from './draw.js';
import type { Trial } from './outcome.js';
import { sourcesDigest } from './sources.js';
import { apart } from './space.js';

/** What all trainings of a sweep have in common: hosts that differ in it would give other results. */
export interface SweepIdentity {
  /** The kind's format: `names`, `file`. */
  readonly kind: string;
  /** SHA-256 of the training step, where it is not said by the settings. */
  readonly model: string | null;
  /** SHA-256 of the data. */
  readonly data: string;
  readonly version: string;
}

/** One of those of a kind, or undefined where it has none. */
type Corpus = string | undefined;

/** Loads what a sweep is about, and says what it is. `corpora`: those that it trains on where no file is named. */
export async function identify(kind: Kind, data: string | null, corpora: readonly Corpus[] = [undefined]) {
  const found = [];
  for (const corpus of data === null ? corpora : [undefined]) found.push(await loaded(kind, data, corpus));
  return { identity: joined(found.map(({ identity }) => identity)), task: found[0].task };
}

/** The identities of all sweeps that can be trained for here: over each of the corpora that are here, and over several. */
export async function servedBy(kind: Kind, data: string | null): Promise<SweepIdentity[]> {
  const found: SweepIdentity[] = [];
  const missing: GradError[] = [];
  for (const corpus of (data === null && kind.corpora) || [undefined])
    await loaded(kind, data, corpus).then(
      ({ identity }) => void found.push(identity),
      (error: unknown) => {
        if (!(error instanceof GradError)) throw error;
        missing.push(error);
      },
    );
  if (found.length === 0) throw missing[0];
  for (const { message } of missing) note(`A part of ${kind.name} is not served: ${message}`);
  return subsets(found).map(joined);
}

async function loaded(kind: Kind, data: string | null, corpus: Corpus) {
  // A pipe could be read once, and trainings read the data again.
  const task = await kind.load(data, settingsFrom(kind, { corpus }), false);
  const { sha256 } = task.kept;
  // What it computes by default is not all that settings make of it.
  const sources = kind.own && kind.own.size > 0 ? [await sourcesDigest(kind.name)] : [];
  const model = sha256 === undefined ? null : digestOf([sha256, kind.order ?? null, ...sources]);
  const identity: SweepIdentity = { kind: kind.format, model, data: task.sha256, version: version() };
  return { identity, task };
}

/** The identity over several corpora, in the order of the kind. */
function joined(all: readonly SweepIdentity[]): SweepIdentity {
  if (all.length === 1) return all[0];
  const [model, data] = [all.map(({ model }) => model), all.map(({ data }) => data)];
  return { ...all[0], model: digestOf(model), data: digestOf(data) };
}

/** All but the empty one, each in the order of the list. */
function subsets<T>([first, ...rest]: readonly T[]): T[][] {
  const others = rest.length > 0 ? subsets(rest) : [];
  return [[first], ...others.map((some) => [first, ...some]), ...others];
}

/** The SHA-256 that each training has of its data; undefined where they follow from its settings. */
export const dataDigestOf = (kind: Kind, data: string | null, identity: SweepIdentity): string | undefined =>
  (kind.own?.size ?? 0) > 0 || (data === null && kind.corpora) ? undefined : identity.data;

/** What differs between two identities, in words, or null. */
export function identityDifference(before: SweepIdentity, now: SweepIdentity): string | null {
  if (before.kind !== now.kind) return `it was one of ${before.kind} and is one of ${now.kind}`;
  if (before.version !== now.version) return `2headgrad was ${before.version} and is ${now.version}`;
  if (before.model !== now.model) return 'the training step is another one, or its file was changed';
  return before.data !== now.data ? 'the data are others' : null;
}

/** A short name of an identity, which hosts must agree on. */
export const identityName = (identity: SweepIdentity): string =>
  digestOf([identity.kind, identity.model, identity.data, identity.version]).slice(0, 16);

/** Names a training by all that its result depends on: the same configuration has the same name anywhere. */
export function trialOf(kind: Kind, identity: SweepIdentity, configuration: Configuration): Trial {
  const { settings: given, set: own } = apart(kind, configuration);
  const settings = settingsFrom(kind, given);
  const set = { ...valuesOf(kind.own), ...own };
  // A rate that is a function of the step is no setting: some of its values stand for it.
  const { lr, steps } = settings;
  const isFunction = lr === null && kind.keeps === 'model';
  const at = (i: number) => kind.rate(settings)(Math.floor((i * steps) / RATES));
  const rates = isFunction ? Array.from({ length: RATES }, (_, i) => at(i)) : null;
  const said = [identityName(identity), settingsDigest({ kind, settings, set }), settings.engine, rates];
  return { name: digestOf(said).slice(0, 32), settings: configuration };
}

const RATES = 32;

const digestOf = (value: unknown) => createHash('sha256').update(JSON.stringify(value)).digest('hex');
