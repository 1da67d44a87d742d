import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseGraph } from '../../src/graph/parse.js';
import { printGraph } from '../../src/graph/print.js';
import type { Case, Settings } from './check.js';

/** Programs that have failed once, and must not again; one text file each. */
const FOLDER = fileURLToPath(new URL('./failures/', import.meta.url));

const DATA = /^# numbers from seed (\d+)$/m;
const SETTINGS = /^# settings (.*)$/m;

/** A case, and the settings under which it failed. */
export interface Kept extends Case {
  readonly name: string;
  readonly settings: Settings;
}

/** The lines of code that made a node, which say nothing about a random program. */
const WHERE = / {3}# .*$/gm;

/** The text of a case: what is said of it, how it is compiled, the seed of its numbers, the graph. */
export function printCase({ graph, data }: Case, settings: Settings, about: string): string {
  const lines = [...about.split('\n'), `settings ${JSON.stringify(settings)}`, `numbers from seed ${data}`];
  return `${lines.map((line) => `# ${line}\n`).join('')}${printGraph(graph).replaceAll(WHERE, '')}`;
}

export function parseCase(text: string): Omit<Kept, 'name'> {
  const data = DATA.exec(text);
  if (!data) throw new Error('the text says nothing of the seed of its numbers');
  const settings = JSON.parse(SETTINGS.exec(text)?.[1] ?? '{}') as Settings;
  return { graph: parseGraph(text), data: Number(data[1]), settings };
}

export function keptCases(): Kept[] {
  const names = readdirSync(FOLDER).filter((name) => name.endsWith('.graph'));
  return names.sort().map((name) => ({ name, ...parseCase(readFileSync(join(FOLDER, name), 'utf8')) }));
}

/** Keeps a case among those that the tests run; returns the path of its file. */
export function keepCase(name: string, text: string): string {
  mkdirSync(FOLDER, { recursive: true });
  const path = join(FOLDER, `${name}.graph`);
  writeFileSync(path, text);
  return path;
}
