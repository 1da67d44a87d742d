import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

const SRC = fileURLToPath(new URL('../src/', import.meta.url));
const MAX_LINES = 400;

// The order of the pipeline. A folder may import from itself, from what its row names, and from nothing else of src.
// '.' stands for the files directly under src/ that everything rests on (errors, shape, source).
const FRONT = ['.', 'ops', 'graph', 'trace'];
const COMPILER = [...FRONT, 'autodiff', 'optimize', 'kernels', 'loops', 'schedule', 'plan', 'emit'];
const MODEL = ['random', 'init', 'nn', 'optim', 'data'];
const allowed: Record<string, string[]> = {
  '.': [],
  random: ['.'],
  ops: ['.', 'random'],
  graph: ['.', 'ops'],
  trace: ['.', 'ops', 'graph'],
  autodiff: FRONT,
  optimize: [...FRONT, 'autodiff'],
  kernels: FRONT,
  loops: [...FRONT, 'kernels'],
  schedule: [...FRONT, 'kernels', 'loops'],
  plan: [...FRONT, 'kernels', 'schedule'],
  emit: [...FRONT, 'optimize', 'kernels', 'loops', 'schedule', 'plan'],
  init: ['.', 'ops', 'random'],
  nn: ['.', 'ops', 'random', 'init'],
  optim: ['.', 'ops', 'init', 'nn'],
  data: ['.', 'random'],
  ngram: ['.'],
  train: [...COMPILER, ...MODEL],
  distributed: ['.', 'data'],
  tape: [...FRONT, ...MODEL, 'autodiff', 'train'],
  scalar: [...FRONT, 'autodiff', 'random', 'nn'],
  calculus: ['.', 'ops', 'autodiff', 'tape'],
  run: [...COMPILER, ...MODEL, 'train', 'tape', 'distributed'],
  onnx: [...FRONT, 'optimize', 'train', 'run'],
  artifact: ['.', 'random', 'data', 'plan', 'train', 'run'],
  aot: [...COMPILER, ...MODEL, 'train', 'run', 'artifact'],
  finder: ['.', 'train', 'tape', 'run'],
  models: ['.', 'ops', ...MODEL, 'train', 'run'],
  doctor: [...COMPILER, ...MODEL, 'train', 'tape', 'run', 'finder'],
  report: [...COMPILER, ...MODEL, 'train', 'tape', 'scalar', 'run', 'finder', 'doctor'],
  vite: [...COMPILER, ...MODEL, 'train', 'tape', 'run', 'artifact', 'aot'],
  cli: [
    ...COMPILER,
    ...MODEL,
    'ngram',
    'train',
    'tape',
    'distributed',
    'run',
    'artifact',
    'aot',
    'onnx',
    'models',
    'finder',
    'doctor',
    'report',
    'vite',
  ],
};

// These run in a page as well, so nothing of Node may reach them.
const COMPILER_FOLDERS = [
  'ops',
  'trace',
  'graph',
  'autodiff',
  'optimize',
  'kernels',
  'loops',
  'schedule',
  'plan',
  'emit',
];

// Entry points under src/ gather what users see; they may import every folder, and no folder may import them.
const isEntry = (path: string) => /^(index|compiler|tape)\.ts$/.test(path);

/** Files under src, as paths relative to it with forward slashes. */
function filesOf(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return filesOf(path);
      return /\.[cm]?[jt]s$/.test(entry.name) ? [relative(SRC, path).split(sep).join('/')] : [];
    })
    .sort();
}

/** What a file imports, types and dynamic imports too. */
function importsOf(path: string): string[] {
  const { importedFiles } = ts.preProcessFile(readFileSync(join(SRC, path), 'utf8'), true, true);
  return importedFiles.map((file) => file.fileName);
}

const folderOf = (path: string) => (path.includes('/') ? path.slice(0, path.indexOf('/')) : '.');
const files = filesOf(SRC);
const imports = files.flatMap((from) =>
  importsOf(from).map((specifier) => ({
    from,
    specifier,
    to: specifier.startsWith('.') ? join(dirname(from), specifier).split(sep).join('/') : undefined,
  })),
);

describe('architecture', () => {
  it('every folder of src has a row in the table of allowed imports', () => {
    const folders = new Set(files.filter((path) => !isEntry(path)).map(folderOf));
    expect([...folders].filter((folder) => !(folder in allowed))).toEqual([]);
  });

  it('a folder imports only from the folders that its row names', () => {
    const wrong = imports
      .filter(({ from, to }) => to !== undefined && !isEntry(from))
      .filter(({ from, to = '' }) => {
        if (isEntry(to.replace(/js$/, 'ts'))) return true;
        const [own, other] = [folderOf(from), folderOf(to)];
        return own !== other && !allowed[own]?.includes(other);
      });
    expect(wrong.map(({ from, specifier }) => `${from} imports ${specifier}`)).toEqual([]);
  });

  it('the compiler imports nothing of Node', () => {
    const wrong = imports.filter(
      ({ from, specifier }) => COMPILER_FOLDERS.includes(folderOf(from)) && specifier.startsWith('node:'),
    );
    expect(wrong.map(({ from, specifier }) => `${from} imports ${specifier}`)).toEqual([]);
  });

  it('the table has no cycle: a folder comes after all that it imports', () => {
    const order = Object.keys(allowed);
    const backwards = order.flatMap((folder, at) =>
      allowed[folder]!.filter((other) => !order.slice(0, at).includes(other)).map(
        (other) => `${folder} > ${other}`,
      ),
    );
    expect(backwards).toEqual([]);
  });

  it('the table keeps the compiler apart from what runs, reads and reports', () => {
    const outside = ['data', 'train', 'tape', 'run', 'finder', 'doctor', 'report', 'vite', 'cli'];
    const reached = COMPILER_FOLDERS.flatMap((folder) =>
      allowed[folder]!.filter((name) => outside.includes(name)),
    );
    expect(reached).toEqual([]);
  });

  it(`no file is longer than ${MAX_LINES} lines`, () => {
    const long = files
      .map((path) => ({ path, lines: readFileSync(join(SRC, path), 'utf8').trimEnd().split('\n').length }))
      .filter(({ lines }) => lines > MAX_LINES);
    expect(long.map(({ path, lines }) => `${path}: ${lines} lines`)).toEqual([]);
  });
});
