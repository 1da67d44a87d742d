import { createHash } from 'node:crypto';
import { version } from '../../package-version.js';
import { settingsDigest } from '../folder.js';
import { type Kind, settingsFrom } from '../kinds/kind.js';
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

/** Loads what a sweep is about, and says what it is. */
export async function identify(kind: Kind, data: string | null) {
  const settings = settingsFrom(kind, {});
  // A pipe could be read once, and trainings read the data again.
  const task = await kind.load(data, settings, false);
  const { sha256 } = task.kept;
  // What it computes by default is not all that settings make of it.
  const sources = kind.own && kind.own.size > 0 ? [await sourcesDigest(kind.name)] : [];
  const model = sha256 === undefined ? null : digestOf([sha256, kind.order ?? null, ...sources]);
  const identity: SweepIdentity = { kind: kind.format, model, data: task.sha256, version: version() };
  return { identity, task };
}

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
