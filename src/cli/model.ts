import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import Module from 'node:module';
import { basename, extname, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { kindOf } from '../brand.js';
import { reason } from '../data/files.js';
import { DataError, GradError, OptionError } from '../errors.js';
import type { Graph } from '../graph/graph.js';
import { type AnyTrainStep, TrainStep } from '../run/train-step.js';
import { locationIn } from '../source.js';
import type { Columns } from '../train/engine.js';
import { type GivenSettings, type OwnSettings, SettingsTable } from './own-settings.js';
import { readTypeScript } from './typescript.js';

export const EXTENSIONS = ['.ts', '.mts', '.js', '.mjs'];

/** What a model file exports that this package knows. */
export interface ModelFile {
  /** As it was given. */
  readonly path: string;
  /** Training steps by the name of their export. */
  readonly steps: ReadonlyMap<string, AnyTrainStep>;
  /** Graphs made by `trace`, by the name of their export. */
  readonly graphs: ReadonlyMap<string, Graph>;
  /** What it has asked for by `setting`, with the values that it got. */
  readonly settings: OwnSettings;
  /** All that it exports. */
  readonly exports: Readonly<Record<string, unknown>>;
  /** Its export `data`, or what that function returns: the dataset for its step, unchecked. */
  data(): Promise<Columns | undefined>;
}

/**
 * Runs a user's file (TypeScript or JavaScript) and takes what it exports. Its imports of this package are this
 * very copy; `given`: what its settings are to be. Throws DataError, in one line, if the file cannot be read or parsed,
 * throws, or exports nothing of use, and OptionError for settings of the command line that it does not have.
 */
export async function loadModel(path: string, given: GivenSettings = new Map()): Promise<ModelFile> {
  await checkFile(path);
  const table = new SettingsTable(path, given);
  table.open();
  const namespace = await importFile(path, table);
  const settings = table.complete();
  const steps = new Map<string, AnyTrainStep>();
  const graphs = new Map<string, Graph>();
  for (const [name, value] of Object.entries(namespace)) {
    const kind = kindOf(value);
    if (kind === 'graph') graphs.set(name, value as Graph);
    if (kind !== 'train step') continue;
    if (!(value instanceof TrainStep)) {
      throw new DataError(
        `${path}: its export ${name} was made by another copy of 2headgrad than this command's: run the one that is installed beside the model (npx 2headgrad in its project)`,
      );
    }
    steps.set(name, value as unknown as AnyTrainStep);
  }
  if (steps.size + graphs.size === 0) throw new DataError(`${path}: ${nothingOfUse(namespace)}`);
  return { path, steps, graphs, settings, exports: namespace, data: () => dataOf(path, namespace.data) };
}

/** The step of a model file: the only one, or that of a name. */
export function chooseStep(
  { path, steps, graphs }: ModelFile,
  name?: string,
): { name: string; step: AnyTrainStep } {
  const names = [...steps.keys()].join(', ');
  if (name !== undefined) {
    const step = steps.get(name);
    if (step) return { name, step };
    throw new OptionError(`${path} exports no training step ${name}: there ${there(steps.size, names)}`);
  }
  const [first] = steps;
  if (!first) {
    const traced = [...graphs.keys()].join(', ');
    throw new DataError(
      `${path} exports no training step, only what trace(...) made (${traced}): export what trainStep({ ... }) returns, with such a function as its predict, or run it by compileFunction(${[...graphs.keys()][0]})`,
    );
  }
  if (steps.size > 1)
    throw new OptionError(`${path} exports several training steps: choose one of ${names} by --export`);
  return { name: first[0], step: first[1] };
}

/** Where a file exports something, as ` (model.ts:12)`, or '' where no line says so. */
export function whereIs({ path }: Pick<ModelFile, 'path'>, name: 'data' | 'training'): string {
  const exported = new RegExp(`^\\s*export\\b.*\\b${name}\\b`);
  const at = readFileSync(path, 'utf8')
    .split('\n')
    .findIndex((line) => exported.test(line));
  return at < 0 ? '' : ` (${basename(path)}:${at + 1})`;
}

const there = (count: number, names: string) =>
  count === 0 ? 'is none' : `${count === 1 ? 'is' : 'are'} ${names}`;

async function checkFile(path: string): Promise<void> {
  const found = await stat(path).catch((error: unknown) => {
    throw new DataError(`cannot read the model ${JSON.stringify(path)}: ${reason(error)}`);
  });
  if (!found.isFile()) {
    const what = found.isDirectory() ? 'a folder' : 'a pipe or a device';
    throw new DataError(`cannot read the model ${JSON.stringify(path)}: it is ${what}; give a file`);
  }
  if (!EXTENSIONS.includes(extname(path))) {
    throw new DataError(
      `cannot read the model ${JSON.stringify(path)}: expected a file that ends in ${EXTENSIONS.join(', ')}`,
    );
  }
}

/**
 * Runs what imports a user's files: while it does, TypeScript is understood, and this package is found from everywhere.
 * No longer than that, since tsx reads and rewrites whatever is imported, the compiler's megabytes too.
 */
async function importing<T>(run: () => Promise<T>): Promise<T> {
  // These stay: a model's lines are asked for when it is traced.
  process.setSourceMapsEnabled(true);
  const stop = await readTypeScript();
  // That uses what there is too, and the hook that is registered last has the first word.
  const { registerHooks } = Module as { registerHooks?: (hooks: object) => { deregister(): void } };
  if (!registerHooks) Module.register('./model-hooks.js', import.meta.url);
  const own = registerHooks?.({ resolve: (await import('./model-hooks.js')).resolveSync });
  try {
    return await run();
  } finally {
    own?.deregister();
    await stop();
  }
}

/** How often this process has imported a model file. */
let imports = 0;

async function importFile(path: string, table: SettingsTable): Promise<Record<string, unknown>> {
  const url = pathToFileURL(resolve(path));
  // Under another address it runs anew, with what it imports, and asks for its settings again; see model-hooks.js.
  if (imports++ > 0) url.searchParams.set('import', String(imports));
  try {
    return await importing(() => import(url.href));
  } catch (error) {
    if (error instanceof OptionError) table.check();
    throw new DataError(await explain(path, error));
  }
}

/** One line: which file, where in it, and what is wrong. */
async function explain(path: string, error: unknown): Promise<string> {
  if (!(error instanceof Error)) return `${path} threw while loading: ${JSON.stringify(error) ?? error}`;
  const { message, stack = '' } = error;
  // Of what esbuild says about TypeScript: `/folder/model.ts:3:17: ERROR: Unexpected "="`.
  const transform = /^Transform failed[^\n]*\n(.*):(\d+):\d+: ERROR: (.*)$/m.exec(message);
  if (transform) return `${path}: ${transform[3]} (${nameOf(transform[1])}:${transform[2]})`;
  // And sucrase: `Error transforming /folder/model.ts: Unexpected token (3:17)`.
  const parsed = /^Error transforming (.*?): (.*) \((\d+):\d+\)$/m.exec(message);
  if (parsed) return `${path}: ${parsed[2]} (${nameOf(parsed[1])}:${parsed[3]})`;
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND') {
    return `${path}: ${message.split('\n')[0].replace(/ imported from .*[\\/]/, ' imported from ')}: install it, or mend the import`;
  }
  if (error instanceof SyntaxError) {
    // `/folder/model.ts:3`, which Node puts before the stack of what it could not link.
    const line = /^(?:file:\/\/)?(.*):(\d+)\n/.exec(stack);
    const where = line ? `${nameOf(line[1])}:${line[2]}` : await whereInScript(path);
    return `${path}: ${message}${where ? ` (${where})` : ''}`;
  }
  if (error instanceof GradError) return `${path}: ${message}`;
  const where = locationIn(stack);
  return `${path} threw while loading: ${error.name}: ${message.split('\n')[0]}${where ? ` (${where})` : ''}`;
}

/** Of a path that errors tell, which may have the query of its address. */
const nameOf = (path: string) => basename(path.replace(/\?.*$/, ''));

/** Of a JavaScript file that does not parse: Node says the line only when asked to check it. */
async function whereInScript(path: string): Promise<string | undefined> {
  const input = await readFile(path);
  const { stderr } = spawnSync(process.execPath, ['--check', '--input-type=module', '-'], { input });
  const line = /^\[stdin\]:(\d+)/m.exec(String(stderr));
  return line ? `${basename(path)}:${line[1]}` : undefined;
}

function nothingOfUse(namespace: Record<string, unknown>): string {
  const names = Object.keys(namespace);
  const list = names.map((name) => `${name} (${describe(namespace[name])})`).join(', ');
  const what = names.length === 0 ? 'it exports nothing' : `it exports ${list}, none of which is a model`;
  return `${what}: export what trainStep({ ... }) or trace(...) returns`;
}

function describe(value: unknown): string {
  if (value === null) return 'null';
  if (typeof value !== 'object') return typeof value === 'undefined' ? 'undefined' : `a ${typeof value}`;
  return value.constructor?.name && value.constructor !== Object ? value.constructor.name : 'an object';
}

async function dataOf(path: string, data: unknown): Promise<Columns | undefined> {
  if (data === undefined) return undefined;
  let columns: unknown;
  try {
    // It may import too.
    columns = typeof data === 'function' ? await importing(async () => data()) : await data;
  } catch (error) {
    if (error instanceof GradError) throw error;
    const { name, message, stack = '' } = error instanceof Error ? error : new Error(String(error));
    const where = locationIn(stack);
    throw new DataError(`${path}: data() threw ${name}: ${message}${where ? ` (${where})` : ''}`);
  }
  if (columns === null || typeof columns !== 'object' || Array.isArray(columns)) {
    throw new DataError(
      `${path}: data must be an object with an array for each input, or a function that returns one`,
    );
  }
  return columns as Columns;
}
