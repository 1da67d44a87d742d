import { mkdir, readdir, readFile, rm, rmdir, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { reason } from '../data/files.js';
import { folderReason, makeFolder } from '../data/folders.js';
import { DataError, OptionError } from '../errors.js';
import { version } from '../package-version.js';
import { escapeText } from '../report/escape.js';
import { Output, plural } from './output.js';
import { nameLike, nameProblem } from './package-name.js';
import { shellWord } from './shell.js';

export interface NewOptions {
  name?: string;
  json?: boolean;
}

const TEMPLATE = fileURLToPath(new URL('../../template/', import.meta.url));
/** npm packs no file of the name that these are to have. */
const RENAMED: Readonly<Record<string, string>> = { gitignore: '.gitignore' };
/** What may be in a folder that passes for empty. */
const NOTHING = ['.git', '.DS_Store'];

/** Writes a project to begin with into a folder. Returns the exit code. */
export async function newProject(folder: string, { name: given, json = false }: NewOptions): Promise<number> {
  const name = given ?? basename(resolve(folder));
  checkName(folder, name, given === undefined);
  await checkEmpty(folder);
  const files = await projectFiles(name);
  await writeProject(folder, files);
  const output = new Output(json);
  const commands = nextCommands(folder);
  output.line(`${name}: ${plural(files.size, 'file')} in ${folder}. What is next:`);
  output.line();
  for (const command of commands) output.line(`  ${command}`);
  output.line();
  output.line('Its README.md has the rest: the page, and what 2headgrad can tell of the model.');
  output.result({ name, out: folder, files: [...files.keys()], commands });
  return 0;
}

function checkName(folder: string, name: string, isOfFolder: boolean): void {
  const problem = nameProblem(name);
  if (problem === undefined) return;
  const like = nameLike(name);
  const mend = isOfFolder
    ? `give one: 2headgrad new ${shellWord(folder)} --name ${like}`
    : `give another, such as ${like}`;
  throw new OptionError(`${JSON.stringify(name)} cannot be the name of a package: ${problem}; ${mend}`);
}

async function checkEmpty(folder: string): Promise<void> {
  const where = JSON.stringify(folder);
  const found = await stat(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw new DataError(`cannot make the folder ${where}: ${folderReason(error)}`);
  });
  if (!found) return;
  if (!found.isDirectory()) throw new OptionError(`${where} is a file: give a folder for the project`);
  const names = await readdir(folder).catch((error: unknown) => {
    throw new DataError(`cannot read the folder ${where}: ${reason(error)}`);
  });
  const [first, ...rest] = names.filter((name) => !NOTHING.includes(name)).sort();
  if (first === undefined) return;
  const more = rest.length > 0 ? ` and ${plural(rest.length, 'other')}` : '';
  throw new OptionError(
    `the folder ${where} is not empty (${JSON.stringify(first)}${more}): give one that is, or that is not there yet`,
  );
}

/** The files of a project by their paths. The name goes into them as data, whatever it is. */
async function projectFiles(name: string): Promise<Map<string, string>> {
  const entries = await readdir(TEMPLATE, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(TEMPLATE, join(entry.parentPath, entry.name)).replaceAll('\\', '/'));
  const files = new Map<string, string>();
  for (const path of paths.sort()) {
    const text = await readFile(join(TEMPLATE, path), 'utf8');
    files.set(RENAMED[path] ?? path, filled(path, text, name));
  }
  return files;
}

function filled(path: string, text: string, name: string): string {
  if (path === 'package.json') {
    const { name: _, ...rest } = JSON.parse(text);
    const dependencies = { ...rest.dependencies, '2headgrad': `^${version()}` };
    return `${JSON.stringify({ name, ...rest, dependencies }, null, 2)}\n`;
  }
  const shown = path.endsWith('.html') ? escapeText(name) : name;
  return text.replaceAll('PROJECT_NAME', () => shown);
}

/** Writes all files or, as far as a file system allows, none. */
async function writeProject(folder: string, files: ReadonlyMap<string, string>): Promise<void> {
  let made: string[];
  try {
    made = await makeFolder(folder);
  } catch (error) {
    throw new DataError(`cannot make the folder ${JSON.stringify(folder)}: ${folderReason(error)}`);
  }
  const written: string[] = [];
  const folders: string[] = [];
  try {
    for (const [path, text] of files) {
      const target = join(folder, path);
      const first = await mkdir(dirname(target), { recursive: true });
      if (first !== undefined) folders.push(first);
      await writeFile(target, text, { flag: 'wx' });
      written.push(target);
    }
  } catch (error) {
    for (const path of written) await rm(path, { force: true });
    for (const path of [...made, ...folders].reverse()) await rmdir(path).catch(() => {});
    throw new DataError(`cannot write into ${JSON.stringify(folder)}: ${reason(error)}`);
  }
}

/** For the package manager that runs this, where one does. */
function nextCommands(folder: string): string[] {
  const manager = /^(pnpm|yarn|bun)\//.exec(process.env.npm_config_user_agent ?? '')?.[1] ?? 'npm';
  const here = resolve(folder) === process.cwd();
  const first = here ? [] : [`cd ${shellWord(folder)}`];
  const rest = [`${manager} install`, `${manager} run train`, `${manager} run dev`];
  return [...first, ...rest].slice(0, 3);
}
