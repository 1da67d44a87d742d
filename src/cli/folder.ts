import { createHash } from 'node:crypto';
import { lstat, realpath, rm, stat } from 'node:fs/promises';
import { join, relative, resolve, sep } from 'node:path';
import { reason, writeInFolder } from '../data/files.js';
import { ensureFolder } from '../data/folders.js';
import { isObject, parseJson, quoted } from '../data/json.js';
import { MOST, readRegular } from '../data/read.js';
import { decodeSafetensors } from '../data/safetensors.js';
import { DataError, OptionError } from '../errors.js';
import { GENERATOR } from '../report/page.js';
import { type Curve, curveFrom, formatCurve } from './curve.js';
import { KINDS, MODEL_FILE } from './kinds/index.js';
import type { Kept, Kind } from './kinds/kind.js';
import { type SettingValues, settingValuesFrom, valuesOf } from './own-settings.js';
import { BEST, CONFIG, CURVE, LOSSES, MODEL, PICTURE, REPORT, WASM } from './run-files.js';
import { type RunSettings, SETTINGS, type SettingName } from './settings.js';
import { shellWord } from './shell.js';

export { BEST, CONFIG, CURVE, MODEL, PICTURE, REPORT, WASM } from './run-files.js';

const VERSION = 1;
/** `2headgrad names`, by which a config.json is known. */
const formatOf = ({ format }: Pick<Kind, 'format'>) => `2headgrad ${format}`;

/** What a run was started with: all that `sample` and a resumed run need beside the checkpoint. */
export interface Config {
  kind: Kind;
  settings: RunSettings;
  /** What a model file has asked for beside them. */
  set?: SettingValues;
  /** `file` is null for the data that come with the program; `size` is in units of the kind. */
  data: { file: string | null; size: number; sha256: string };
  kept: Kept;
  /** Of a run that goes on with other settings: which settings the weights that it began with are of. */
  before?: string;
}

/** Whether a folder holds a checkpoint. */
export async function holdsRun(folder: string): Promise<boolean> {
  return (await stat(join(folder, MODEL)).catch(() => null))?.isFile() ?? false;
}

/**
 * The settings first, then the checkpoint that says which settings it is of: what is cut off in between is refused, and not
 * used with settings of another run. A run that goes on with others says of which its weights are until they are replaced.
 */
export async function saveRun(
  folder: string,
  config: Config,
  curve: Curve,
  checkpoint: Uint8Array,
  best?: Uint8Array,
): Promise<void> {
  await ensureFolder(folder);
  await writeInFolder(folder, CONFIG, formatConfig(config));
  // The model first: it is worth keeping where the disk has no room for its curve.
  await writeInFolder(folder, MODEL, checkpoint);
  // After the run itself: what is cut off in between has a model to go on from that is at least as far.
  if (best) await writeInFolder(folder, BEST, best);
  if (config.before !== undefined) {
    config.before = undefined;
    await writeInFolder(folder, CONFIG, formatConfig(config));
  }
  await writeInFolder(folder, LOSSES, formatCurve(curve));
}

/**
 * Throws OptionError if a folder has files under the names of ours that no command of ours wrote: they would be written
 * over. The files of a run are known by its config.json, those of lr-find by their report.
 */
export async function checkForeign(folder: string): Promise<void> {
  const mine = await readJson(folder, CONFIG).then(
    ({ format }) => [...KINDS, MODEL_FILE].some((kind) => formatOf(kind) === format),
    () => false,
  );
  if (mine) return;
  const report = await read(folder, REPORT, MOST.text).catch(() => new Uint8Array());
  const searched = new TextDecoder().decode(report).includes(GENERATOR) ? [REPORT, PICTURE] : [];
  for (const name of [CONFIG, MODEL, BEST, LOSSES, CURVE, WASM, REPORT, PICTURE]) {
    const found = await lstat(join(folder, name)).catch(() => null);
    if (found?.isFile() && !searched.includes(name))
      throw new OptionError(
        `--out ${folder}: ${name} there was not written by 2headgrad: choose another folder, or move it away`,
      );
  }
}

/** Takes away what describes the run that a folder held before. */
export const removeResults = (folder: string): Promise<void> => removeFiles(folder, [WASM, CURVE, REPORT]);

/** Takes away the best model of a run that is replaced; before a new one begins, so that none takes it for its own. */
export const removeBest = (folder: string): Promise<void> => removeFiles(folder, [BEST]);

async function removeFiles(folder: string, names: readonly string[]): Promise<void> {
  for (const name of names) {
    const path = join(folder, name);
    await rm(path, { force: true }).catch((error: unknown) => {
      throw new DataError(`cannot remove ${JSON.stringify(path)}: ${reason(error)}`);
    });
  }
}

/** What data are counted in, as a key. */
const unitsOf = ({ kind, settings }: Pick<Config, 'kind' | 'settings'>) => `${kind.unit(settings)}s`;

/** What a checkpoint says of the data that it was trained on, and of the model. */
export const aboutData = (config: Config): Record<string, string> => {
  const { sha256 } = config.kept;
  const data = { [unitsOf(config)]: config.data.sha256, ...(sha256 !== undefined && { model: sha256 }) };
  return { ...data, settings: settingsDigest(config) };
};

/** Settings that there were not at first, and what was in their place: runs of before do not say them. */
const LATER: Readonly<Record<string, unknown>> = { shards: 1, counted: 'all', marks: false };

/** Of all settings that weights depend on: not of what runs the steps, which gives the same bits. */
export const settingsDigest = (config: Pick<Config, 'kind' | 'settings' | 'set'>): string =>
  digestWithout(config, ['shards']);

/** `unsaid`: settings that it does not say where they are as they were before there was a choice. */
function digestWithout(
  { kind, settings, set = {} }: Pick<Config, 'kind' | 'settings' | 'set'>,
  unsaid: readonly string[],
): string {
  const has = settings as unknown as Record<string, unknown>;
  const isSaid = (name: string) => !unsaid.includes(name) || has[name] !== LATER[name];
  const names = Object.keys(kind.initial).filter(
    (name) => name !== 'threads' && name !== 'engine' && isSaid(name),
  );
  const own = Object.entries(set).sort(([a], [b]) => (a < b ? -1 : 1));
  // In a list of their own: one that has the name of an option is another.
  const said = [
    ...[kind.format, ...names.map((name) => [name, has[name] ?? null])],
    ...(own.length > 0 ? [own] : []),
  ];
  return createHash('sha256').update(JSON.stringify(said)).digest('hex');
}

function formatConfig(config: Config): string {
  const { kind, settings, set = {}, data, kept, before } = config;
  const own = Object.keys(set).length > 0 ? { set } : {};
  const { file, size, sha256 } = data;
  const said = { file, [unitsOf(config)]: size, sha256 };
  return `${JSON.stringify({ format: formatOf(kind), version: VERSION, ...settings, ...own, data: said, [kind.keeps]: kept, before }, null, 2)}\n`;
}

/** How the files of a run come to whoever reads them: from its folder, or from the process that does. */
export type Reader = (folder: string, name: string, most: number) => Promise<Uint8Array>;

/**
 * The bytes of a file of a run, which may come from a stranger. A link that leads out of the folder is refused: what is
 * read here is written into the folder again, which would carry a private file of the user's with it.
 */
export async function read(folder: string, name: string, most: number): Promise<Uint8Array> {
  const path = join(folder, name);
  try {
    const [inside, target] = await Promise.all([realpath(folder), realpath(path)]);
    if (!target.startsWith(inside.endsWith(sep) ? inside : inside + sep))
      throw new DataError('it is a link that leads out of the folder; copy the file there instead');
    return await readRegular(target, most);
  } catch (error) {
    throw new DataError(`cannot read ${JSON.stringify(path)}: ${reason(error)}`);
  }
}

export async function readJson(
  folder: string,
  name: string,
  reader: Reader = read,
): Promise<Record<string, unknown>> {
  const path = JSON.stringify(join(folder, name));
  const bytes = await reader(folder, name, MOST.json);
  let value: unknown;
  try {
    value = parseJson(new TextDecoder().decode(bytes));
  } catch (error) {
    // Without what the parser quotes, should it be another file after all.
    throw new DataError(`${path} ${(error as Error).message.replace(/ \(.*\)$/s, '')}; the file is damaged`);
  }
  if (isObject(value)) return value;
  throw new DataError(`${path} is not a JSON object; the file is damaged`);
}

/** Throws unless there is a folder. */
export async function checkFolder(folder: string): Promise<void> {
  const found = await stat(folder).catch((error: unknown) => {
    throw new DataError(`cannot read the folder ${JSON.stringify(folder)}: ${reason(error)}`);
  });
  if (!found.isDirectory())
    throw new DataError(`${JSON.stringify(folder)} is a file; give the folder of a trained model`);
}

/**
 * What the run in a folder was started with. `own`: the kind of a model file, where one was named; `mend`: what to do where
 * there must be one.
 */
export async function readConfig(
  folder: string,
  own?: Kind,
  mend = (file: string) => `2headgrad train ${shellWord(file)} --resume --out ${shellWord(folder)}`,
  reader: Reader = read,
): Promise<Config> {
  if (reader === read) await checkFolder(folder);
  const path = join(folder, CONFIG);
  const json = { ...LATER, ...(await readJson(folder, CONFIG, reader)) } as Record<string, unknown>;
  const damaged = (what: string) => new DataError(`${JSON.stringify(path)}: ${what}`);
  const kind = [...KINDS, ...(own ? [own] : [])].find((kind) => formatOf(kind) === json.format);
  if (!kind && json.format === formatOf(MODEL_FILE)) throw ofModelFile(folder, json.model, mend);
  if (!kind) {
    const formats = KINDS.map((kind) => JSON.stringify(formatOf(kind))).join(' or ');
    throw damaged(`format is ${quoted(json.format)}, not ${formats}`);
  }
  if (json.version !== VERSION) {
    throw damaged(`version ${quoted(json.version)} is not ${VERSION}, which this program reads; train again`);
  }
  const settings = readSettings(kind, json, damaged);
  const { file, sha256, ...rest } = (json.data ?? {}) as Record<string, unknown>;
  const units = unitsOf({ kind, settings });
  const size = rest[units];
  if (
    !(file === null || typeof file === 'string') ||
    !Number.isSafeInteger(size) ||
    typeof sha256 !== 'string' ||
    !/^[0-9a-f]{64}$/.test(sha256)
  ) {
    throw damaged(`data does not say which ${units} were trained on; the file is damaged`);
  }
  try {
    const set = settingsIn(json, kind);
    const kept = kind.keptFrom(json[kind.keeps], settings);
    const before = typeof json.before === 'string' ? json.before : undefined;
    return { kind, settings, set, data: { file, size: size as number, sha256 }, kept, before };
  } catch (error) {
    throw error instanceof DataError ? damaged(error.message) : error;
  }
}

/** What a model file had been given, which was run with the same. Throws DataError. */
function settingsIn({ set: json = {} }: Record<string, unknown>, { own = new Map() }: Kind): SettingValues {
  const set = settingValuesFrom(json);
  if (!set)
    throw new DataError('set does not say what the settings of its model file are; the file is damaged');
  for (const [name, value] of Object.entries(valuesOf(own)))
    if (Object.hasOwn(set, name) && set[name] !== value)
      throw new DataError(
        `${name} is ${quoted(set[name])}, and the model file was run with ${value}: name the folder`,
      );
  return set;
}

/** The error of a command that needs the file itself, which no folder may have run: it can come from a stranger. */
function ofModelFile(folder: string, model: unknown, mend: (file: string) => string): OptionError {
  const { file } = isObject(model) ? model : {};
  const named = typeof file === 'string' ? relative('', file) : 'FILE';
  return new OptionError(
    `the run in ${folder} is one of a model file, and not of ${KINDS.map(({ name }) => name).join(' or ')}: ${mend(named)}`,
  );
}

function readSettings(
  kind: Kind,
  json: Record<string, unknown>,
  damaged: (what: string) => DataError,
): RunSettings {
  const names = Object.keys(kind.initial) as SettingName[];
  for (const name of names) {
    // A model file may have a function in its place, and others a rate that follows from other settings.
    const computed = kind.initial.lr === null || kind.format === MODEL_FILE.format;
    if (name === 'lr' && json[name] === null && computed) continue;
    const problem = SETTINGS[name].problem(json[name]);
    if (problem) throw damaged(`${name} is ${quoted(json[name])}: ${problem}`);
  }
  const settings = Object.fromEntries(names.map((name) => [name, json[name]])) as unknown as RunSettings;
  try {
    kind.check(settings);
  } catch (error) {
    throw error instanceof OptionError ? damaged(error.message) : error;
  }
  return settings;
}

export interface Saved {
  bytes: Uint8Array;
  at: number;
  /** The digest of the settings that it is of; older ones do not say it. */
  settings?: string;
  /** Of the best model: its loss on what is held out. */
  best?: number;
}

/** Throws DataError where a checkpoint is of other settings than those beside it. */
export function checkTogether(folder: string, config: Config, { settings }: Saved): void {
  const known = [settingsDigest(config), digestWithout(config, Object.keys(LATER)), config.before];
  if (settings === undefined || known.includes(settings)) return;
  throw new DataError(
    `${JSON.stringify(join(folder, MODEL))} and ${CONFIG} do not belong together: a run over another was cut off, or settings were changed by hand; train again, or put the other ${CONFIG} back`,
  );
}

/** The bytes of a run's checkpoint, checked to be one of this run. */
export async function readModel(
  folder: string,
  config: Config,
  name: string = MODEL,
  reader: Reader = read,
): Promise<Saved> {
  const { settings, data, kind } = config;
  const units = unitsOf(config);
  const path = join(folder, name);
  const bytes = await reader(folder, name, MOST.weights);
  try {
    const { metadata } = decodeSafetensors(bytes);
    const at = Number(metadata.step);
    if (!/^\d+$/.test(metadata.step) || !Number.isSafeInteger(at))
      throw new DataError('it does not say its step');
    if (Number(metadata.seed) !== settings.seed) {
      throw new DataError(
        `it was trained with seed ${quoted(metadata.seed)}, ${CONFIG} says ${settings.seed}`,
      );
    }
    if (metadata[units] !== undefined && metadata[units] !== data.sha256)
      throw new DataError(
        `it was trained on other ${units} than ${CONFIG} says: a run over another was cut off`,
      );
    if (metadata.model !== undefined && metadata.model !== config.kept.sha256)
      throw new DataError(
        `it is of another ${kind.keeps} than ${CONFIG} says: a run over another was cut off`,
      );
    const best = Number(metadata.best ?? Number.NaN);
    return { bytes, at, settings: metadata.settings, ...(Number.isFinite(best) && { best }) };
  } catch (error) {
    throw error instanceof DataError ? new DataError(`${JSON.stringify(path)}: ${error.message}`) : error;
  }
}

/** The best model of a run by its loss on what is held out, where it keeps one and has had a look. */
export async function readBest(folder: string, config: Config): Promise<Saved | null> {
  const exists = config.kind.patience && (await lstat(join(folder, BEST)).catch(() => null));
  return exists ? readModel(folder, config, BEST) : null;
}

/** What a run is used by: its best model, or else the one that it ended with. */
export async function readTrained(folder: string, config: Config): Promise<Saved> {
  const last = await readModel(folder, config);
  checkTogether(folder, config, last);
  return (await readBest(folder, config)) ?? last;
}

/** The losses of the first `at` steps. A run is worth going on with even if its curve is lost: then there is a gap. */
export async function readCurve(folder: string, at: number): Promise<Curve> {
  const path = join(folder, LOSSES);
  const exists = await lstat(path).catch(() => null);
  const json = exists ? await readJson(folder, LOSSES) : {};
  try {
    return curveFrom(json, at);
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    throw new DataError(
      `${JSON.stringify(path)} ${error.message}; it is damaged: delete it to go on without`,
    );
  }
}

/** The path as `config.json` keeps it: from anywhere the same. */
export const absolute = (file: string | undefined): string | null =>
  file === undefined ? null : resolve(file);
