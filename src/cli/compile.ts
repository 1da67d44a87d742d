import { lstat, mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type Artifact, compileAhead, MANIFEST, PACKAGE, RUNTIME, TYPES, WEIGHTS } from '../aot/compile.js';
import { draftIn, removeDrafts } from '../data/drafts.js';
import { readBytes, reason, writeFileAtomic } from '../data/files.js';
import { MOST, readRegular } from '../data/read.js';
import { DataError, OptionError } from '../errors.js';
import { version } from '../package-version.js';
import { moduleCache, readLibrary } from '../run/node.js';
import { compileProgress } from './compile-progress.js';
import { memoryLines } from './describe.js';
import { absolute } from './folder.js';
import { KINDS, kindNamed, kindOf, MODEL_FILE } from './kinds/index.js';
import { refuseOthers, settingsFrom } from './kinds/kind.js';
import { chooseStep, loadModel } from './model.js';
import { count, Output } from './output.js';
import { optionSettings, type SettingValues } from './own-settings.js';
import type { Settings } from './settings.js';
import { buildStep, loadTask } from './task.js';

export const TARGETS = ['both', 'node', 'web'] as const;

export interface CompileModelOptions extends Omit<Settings, 'seed' | 'threads'> {
  out: string;
  export?: string;
  set?: SettingValues;
  data?: string;
  entry?: string[];
  target: (typeof TARGETS)[number];
  threads?: boolean;
  relaxed?: boolean;
  seed: number;
  memory?: number;
  weights?: string;
  wat?: boolean;
  assemblyscript?: boolean;
  report?: boolean;
  json?: boolean;
}

export const WAT = 'model.wat';
export const SOURCE = 'model.assemblyscript.txt';
export const REPORT = 'report.html';
const MODULE = /^model(\.[a-z-]+)?\.wasm$/;
const OWN = [MANIFEST, RUNTIME, TYPES, WEIGHTS, WAT, SOURCE, REPORT];

export interface FileSize {
  readonly file: string;
  readonly bytes: number;
  readonly gzipped: number;
}

/** Compiles a model file, or a kind of model, into a folder that needs nothing else. */
export async function compile(path: string, options: CompileModelOptions): Promise<number> {
  const output = new Output(options.json ?? false);
  const step = await stepOf(path, options);
  const { weights } = options;
  const artifact = await compileAhead(step, {
    library: await readLibrary(),
    cache: moduleCache(),
    progress: compileProgress(),
    runtime: await runtimeFor(options.target),
    generator: `2headgrad ${version()}`,
    entries: options.entry,
    threads: options.threads,
    relaxed: options.relaxed,
    seed: options.seed,
    memory: options.memory,
    weights: weights === undefined || weights === 'initial' ? weights : await readBytes(weights),
  });
  const files = new Map(artifact.files);
  await checkTargets(path, options.out, [...files.keys(), ...(options.report ? [REPORT] : [])]);
  const notes = [...artifact.notes, ...(await keepForeign(options.out, files))];
  const [best] = artifact.modules;
  if (options.wat) files.set(WAT, `${(await best.text('wat')).trimEnd()}\n`);
  if (options.assemblyscript) files.set(SOURCE, best.source.text);
  const sizes = [...files].map(([file, content]) => sizeOf(file, content));
  if (options.report) {
    const { compileReport } = await import('./compile-report.js');
    files.set(REPORT, await compileReport(artifact, sizes));
  }
  await writeFolder(options.out, files);
  describe(output, options.out, { ...artifact, notes }, sizes, options.memory);
  return 0;
}

/** The step of a model file, or of one of the kinds, whose vocabulary comes from data. */
async function stepOf(what: string, { export: exported, data, set, ...given }: CompileModelOptions) {
  const own = optionSettings(set);
  if (!kindNamed(what)) {
    refuseOthers({ ...MODEL_FILE, name: what }, given, KINDS);
    if (data !== undefined)
      throw new OptionError(`--data ${data}: the step of a model file is compiled without data`);
    return chooseStep(await loadModel(what, own), exported).step;
  }
  const kind = await kindOf(what, exported, own);
  refuseOthers(kind, given, KINDS);
  const { threads: _, ...chosen } = given;
  const settings = settingsFrom(kind, chosen);
  kind.check(settings);
  const { kept } = await loadTask(kind, absolute(data), settings);
  return buildStep(kind, kept, settings);
}

/** Refuses to write over the model's own source, or over files of these names that no earlier compilation wrote. */
async function checkTargets(source: string, folder: string, files: readonly string[]): Promise<void> {
  const mend = 'choose another folder with --out';
  if (files.some((file) => join(resolve(folder), file) === resolve(source)))
    throw new OptionError(`--out: ${source} is the model itself, and would be written over: ${mend}`);
  const present = await presentFiles(folder);
  const text = present.has(MANIFEST)
    ? new TextDecoder().decode(await readRegular(join(folder, MANIFEST), MOST.json))
    : '';
  // What lies beside a manifest of ours is of an earlier compilation.
  if (text.includes('"generator":"2headgrad')) return;
  const foreign = files.find((file) => file !== PACKAGE && present.has(file));
  if (foreign !== undefined)
    throw new OptionError(
      `--out: ${foreign} there was not written by 2headgrad compile: ${mend}, or move it away`,
    );
}

/** Regular files of a folder: a link is replaced, not what it leads to. */
async function presentFiles(folder: string): Promise<Set<string>> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return new Set(entries.filter((entry) => entry.isFile()).map((entry) => entry.name));
}

/** A package.json that is there already and not ours belongs to the user's project: it stays. */
async function keepForeign(folder: string, files: Map<string, Uint8Array | string>): Promise<string[]> {
  const path = join(folder, PACKAGE);
  if (!(await lstat(path).catch(() => undefined))) return [];
  // What cannot be read is not ours.
  const bytes = await readRegular(path, MOST.json).catch(() => new Uint8Array());
  const present = new TextDecoder().decode(bytes);
  if (present === files.get(PACKAGE)) return [];
  files.delete(PACKAGE);
  const isModule = /"type"\s*:\s*"module"/.test(present);
  return isModule ? [] : [`${PACKAGE} there is not ours and stays; Node wants "type": "module" in it`];
}

async function runtimeFor(target: string): Promise<string> {
  const bundle = new URL(`../artifact/model.${target}.bundle.js`, import.meta.url);
  return Buffer.from(await readBytes(decodeURIComponent(bundle.pathname))).toString();
}

function sizeOf(file: string, content: Uint8Array | string): FileSize {
  const bytes = Buffer.from(content);
  return { file, bytes: bytes.length, gzipped: gzipSync(bytes, { level: 9 }).length };
}

/**
 * Writes all files or, as far as a file system allows, none: they are written beside the folder and then moved, and the
 * manifest last. Files of an earlier compilation that this one does not write would not match it, and go.
 */
async function writeFolder(out: string, files: ReadonlyMap<string, Uint8Array | string>): Promise<void> {
  const folder = resolve(out);
  let draft: string | undefined;
  try {
    const found = await stat(folder).catch(() => undefined);
    if (found && !found.isDirectory()) throw Object.assign(new Error(), { code: 'EEXIST' });
    await mkdir(dirname(folder), { recursive: true });
    // In the folder if there is one: the folder above may be another file system, or not ours.
    const place = found ? folder : dirname(folder);
    await removeDrafts(place);
    draft = await draftIn(place);
    await mkdir(draft);
    for (const [file, content] of files) await writeFileAtomic(join(draft, file), content);
    if (!found) return await rename(draft, folder);
    const isOurs = found && (await presentFiles(folder)).has(MANIFEST);
    const old = isOurs ? await readdir(folder) : [];
    const stale = old.filter((f) => (OWN.includes(f) || MODULE.test(f)) && !files.has(f));
    const order = [...files.keys()].sort((a, b) => Number(a === MANIFEST) - Number(b === MANIFEST));
    for (const file of order) await rename(join(draft, file), join(folder, file));
    for (const file of stale) await rm(join(folder, file), { force: true });
  } catch (error) {
    if (error instanceof DataError) throw error;
    const { code, dest = '' } = error as NodeJS.ErrnoException & { dest?: string };
    const why = code === 'EEXIST' ? 'it is a file; give a folder' : reason(error);
    const where = code === 'EISDIR' ? join(out, basename(dest)) : out;
    throw new DataError(`cannot write into ${JSON.stringify(where)}: ${why}`);
  } finally {
    if (draft) await rm(draft, { recursive: true, force: true });
  }
}

/** Gzipped: the loader and the best module, which are what a page loads beside the manifest. */
export function shippedBytes(sizes: readonly FileSize[], { modules }: Artifact['manifest']): number {
  const shipped = sizes.filter(({ file }) => file === RUNTIME || file === modules[0].file);
  return shipped.reduce((sum, { gzipped }) => sum + gzipped, 0);
}

function describe(
  output: Output,
  folder: string,
  { manifest, modules, notes }: Artifact,
  sizes: FileSize[],
  budget: number | undefined,
): void {
  const entries = Object.keys(manifest.entries);
  output.line(`${manifest.name}: ${entries.join(', ')}`);
  const width = Math.max(...sizes.map(({ file }) => file.length));
  output.line(`${'file'.padEnd(width)} ${'bytes'.padStart(10)} ${'gzipped'.padStart(10)}`);
  for (const { file, bytes, gzipped } of sizes)
    output.line(`${file.padEnd(width)} ${count(bytes).padStart(10)} ${count(gzipped).padStart(10)}`);
  const total = shippedBytes(sizes, manifest);
  output.line(`${manifest.modules[0].file} and ${RUNTIME} together: ${(total / 1000).toFixed(1)} kB gzipped`);
  const [{ memory }] = modules;
  if (budget !== undefined) for (const line of memoryLines({ memory }, budget)) output.line(line);
  for (const note of notes) output.line(`Note: ${note}.`);
  output.line(`Compiled into ${folder}`);
  output.result({ name: manifest.name, out: folder, entries, files: sizes, gzipped: total, memory, notes });
}
