import { mkdir, mkdtemp, readFile, rm, rmdir, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { reason, writeFileAtomic } from '../data/files.js';
import { isObject } from '../data/json.js';
import { decodeSafetensors } from '../data/safetensors.js';
import { Vocabulary } from '../data/vocabulary.js';
import { DataError } from '../errors.js';
import { RUN_SETTINGS, type RunSettings, SETTINGS } from './settings.js';

export const CONFIG = 'config.json';
export const MODEL = 'model.safetensors';
export const WASM = 'model.wasm';
export const CURVE = 'loss.svg';
export const REPORT = 'report.html';
const LOSSES = 'losses.json';
const FORMAT = '2headgrad names';
const VERSION = 1;

/** What a run was started with: all that `sample` and a resumed run need beside the checkpoint. */
export interface Config {
  settings: RunSettings;
  /** `file` is null for the names that come with the program. */
  data: { file: string | null; words: number; sha256: string };
  vocabulary: Vocabulary;
}

/** The losses so far: of every step (NaN where they are lost), and on the dev words now and then. */
export interface Curve {
  train: number[];
  dev: { step: number; loss: number }[];
}

/** Finds out whether a run can be written into a folder, and leaves no trace. */
export async function checkWritable(folder: string): Promise<void> {
  let made: string | undefined;
  try {
    made = await makeFolder(folder);
    await rm(await mkdtemp(join(folder, '.probe-')), { recursive: true });
  } catch (error) {
    throw new DataError(`cannot write into the folder ${JSON.stringify(folder)}: ${folderReason(error)}`);
  } finally {
    if (made) await rm(made, { recursive: true, force: true });
  }
}

/** Makes a folder and those above it; returns the first that was not there. Node's own recursion never ends in /proc. */
async function makeFolder(folder: string): Promise<string | undefined> {
  const missing: string[] = [];
  for (let path = resolve(folder); !(await stat(path).catch(absent)); path = dirname(path))
    missing.unshift(path);
  try {
    for (const path of missing) await mkdir(path);
  } catch (error) {
    for (const path of missing.reverse()) await rmdir(path).catch(() => {});
    throw error;
  }
  return missing[0];
}

function absent(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT') return null;
  throw error;
}

function folderReason(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ENOTDIR') return 'it, or a part of its path, is a file; give a folder';
  // What /proc answers, and a folder that was deleted while a shell stands in it.
  return code === 'ENOENT' ? 'nothing can be made there; choose another place' : reason(error);
}

/** Whether a folder holds a checkpoint. */
export async function holdsRun(folder: string): Promise<boolean> {
  return (await stat(join(folder, MODEL)).catch(() => null))?.isFile() ?? false;
}

/** Makes a folder unless it is there. */
export async function ensureFolder(folder: string): Promise<void> {
  try {
    await makeFolder(folder);
  } catch (error) {
    throw new DataError(`cannot make the folder ${JSON.stringify(folder)}: ${folderReason(error)}`);
  }
}

/** The checkpoint is written last: it never is ahead of the files that explain it. */
export async function saveRun(
  folder: string,
  config: Config,
  curve: Curve,
  checkpoint: Uint8Array,
): Promise<void> {
  await ensureFolder(folder);
  await writeFileAtomic(join(folder, CONFIG), formatConfig(config));
  await writeFileAtomic(join(folder, LOSSES), formatCurve(curve));
  await writeFileAtomic(join(folder, MODEL), checkpoint);
}

/** Takes away what describes the run that a folder held before. */
export async function removeResults(folder: string): Promise<void> {
  for (const name of [WASM, CURVE, REPORT]) await rm(join(folder, name), { force: true });
}

function formatConfig({ settings, data, vocabulary }: Config): string {
  return `${JSON.stringify({ format: FORMAT, version: VERSION, ...settings, data, vocabulary }, null, 2)}\n`;
}

function formatCurve({ train, dev }: Curve): string {
  const short = (loss: number) => (Number.isFinite(loss) ? Number(loss.toPrecision(6)) : null);
  // A thousand a line: an editor would choke on one line of all of them.
  const rows: string[] = [];
  for (let i = 0; i < train.length; i += 1000) {
    rows.push(JSON.stringify(train.slice(i, i + 1000).map(short)).slice(1, -1));
  }
  return `{"dev":${JSON.stringify(dev.map(({ step, loss }) => [step, short(loss)]))},\n"train":[${rows.join(',\n')}]}\n`;
}

async function read(path: string): Promise<Buffer> {
  return readFile(path).catch((error: unknown) => {
    throw new DataError(`cannot read ${JSON.stringify(path)}: ${reason(error)}`);
  });
}

async function readJson(path: string): Promise<Record<string, unknown>> {
  const text = (await read(path)).toString('utf8');
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new DataError(`${JSON.stringify(path)} is not valid JSON; the file is damaged`);
  }
  if (isObject(value)) return value;
  throw new DataError(`${JSON.stringify(path)} is not a JSON object; the file is damaged`);
}

export async function readConfig(folder: string): Promise<Config> {
  const found = await stat(folder).catch((error: unknown) => {
    throw new DataError(`cannot read the folder ${JSON.stringify(folder)}: ${reason(error)}`);
  });
  if (!found.isDirectory())
    throw new DataError(`${JSON.stringify(folder)} is a file; give the folder of a trained model`);
  const path = join(folder, CONFIG);
  const json = await readJson(path);
  const damaged = (what: string) => new DataError(`${JSON.stringify(path)}: ${what}`);
  if (json.format !== FORMAT) throw damaged(`format is ${JSON.stringify(json.format)}, not "${FORMAT}"`);
  if (json.version !== VERSION) {
    throw damaged(
      `version ${JSON.stringify(json.version)} is not ${VERSION}, which this program reads; train again`,
    );
  }
  for (const name of RUN_SETTINGS) {
    const problem = SETTINGS[name].problem(json[name]);
    if (problem) throw damaged(`${name} is ${JSON.stringify(json[name])}: ${problem}`);
  }
  const settings = Object.fromEntries(
    RUN_SETTINGS.map((name) => [name, json[name]]),
  ) as unknown as RunSettings;
  const { file, words, sha256 } = (json.data ?? {}) as Config['data'];
  if (
    !(file === null || typeof file === 'string') ||
    !Number.isInteger(words) ||
    typeof sha256 !== 'string'
  ) {
    throw damaged('data does not say which words were trained on; the file is damaged');
  }
  try {
    return { settings, data: { file, words, sha256 }, vocabulary: Vocabulary.fromJSON(json.vocabulary) };
  } catch (error) {
    throw error instanceof DataError ? damaged(error.message) : error;
  }
}

/** The bytes of a run's checkpoint, checked to be one of this run. */
export async function readModel(
  folder: string,
  { settings }: Config,
): Promise<{ bytes: Uint8Array; at: number }> {
  const path = join(folder, MODEL);
  const bytes = await read(path);
  try {
    const { metadata } = decodeSafetensors(bytes);
    const at = Number(metadata.step);
    if (!/^\d+$/.test(metadata.step) || !Number.isSafeInteger(at))
      throw new DataError('it does not say its step');
    if (Number(metadata.seed) !== settings.seed) {
      throw new DataError(`it was trained with seed ${metadata.seed}, ${CONFIG} says ${settings.seed}`);
    }
    return { bytes, at };
  } catch (error) {
    throw error instanceof DataError ? new DataError(`${JSON.stringify(path)}: ${error.message}`) : error;
  }
}

/** The losses of the first `at` steps. A run is worth going on with even if its curve is lost: then there is a gap. */
export async function readCurve(folder: string, at: number): Promise<Curve> {
  const path = join(folder, LOSSES);
  const exists = await stat(path).catch(() => null);
  const { train = [], dev = [] } = exists ? await readJson(path) : {};
  const isLoss = (loss: unknown) => loss === null || typeof loss === 'number';
  const isPoint = (point: unknown) => Array.isArray(point) && Number.isInteger(point[0]) && isLoss(point[1]);
  if (!Array.isArray(train) || !train.every(isLoss) || !Array.isArray(dev) || !dev.every(isPoint)) {
    throw new DataError(
      `${JSON.stringify(path)} does not hold losses; it is damaged: delete it to go on without`,
    );
  }
  const curve: Curve = { train: train.map((loss) => loss ?? Number.NaN), dev: [] };
  for (const [step, loss] of dev) if (step <= at) curve.dev.push({ step, loss: loss ?? Number.NaN });
  trimCurve(curve, at);
  return curve;
}

/** Makes the curve as long as the run, after a step back or a loss of losses. */
export function trimCurve(curve: Curve, at: number): void {
  while (curve.train.length < at) curve.train.push(Number.NaN);
  curve.train.length = at;
  curve.dev = curve.dev.filter(({ step }) => step <= at);
}

/** The path as `config.json` keeps it: from anywhere the same. */
export const absolute = (file: string | undefined): string | null =>
  file === undefined ? null : resolve(file);
