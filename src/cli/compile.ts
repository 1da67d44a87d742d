import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type Artifact, compileAhead, MANIFEST, RUNTIME, TYPES, WEIGHTS } from '../aot/compile.js';
import { readBytes, reason, writeFileAtomic } from '../data/files.js';
import { DataError } from '../errors.js';
import { moduleCache, readLibrary } from '../run/node.js';
import { chooseStep, loadModel } from './model.js';
import { count, Output } from './output.js';

export const TARGETS = ['both', 'node', 'web'] as const;

export interface CompileModelOptions {
  out: string;
  export?: string;
  entry?: string[];
  target: (typeof TARGETS)[number];
  threads?: boolean;
  relaxed?: boolean;
  seed: number;
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

/** Compiles a model file into a folder that needs nothing else. */
export async function compile(path: string, options: CompileModelOptions): Promise<number> {
  const output = new Output(options.json ?? false);
  const { step } = chooseStep(await loadModel(path), options.export);
  const { weights } = options;
  const artifact = await compileAhead(step, {
    library: await readLibrary(),
    cache: moduleCache(),
    runtime: await runtimeFor(options.target),
    generator: `2headgrad ${await version()}`,
    entries: options.entry,
    threads: options.threads,
    relaxed: options.relaxed,
    seed: options.seed,
    weights: weights === undefined || weights === 'initial' ? weights : await readBytes(weights),
  });
  const files = new Map(artifact.files);
  const [best] = artifact.modules;
  if (options.wat) files.set(WAT, `${(await best.text('wat')).trimEnd()}\n`);
  if (options.assemblyscript) files.set(SOURCE, best.source.text);
  const sizes = [...files].map(([file, content]) => sizeOf(file, content));
  if (options.report) {
    const { compileReport } = await import('./compile-report.js');
    files.set(REPORT, await compileReport(artifact, sizes));
  }
  await writeFolder(options.out, files);
  describe(output, options.out, artifact, sizes);
  return 0;
}

async function runtimeFor(target: string): Promise<string> {
  const bundle = new URL(`../artifact/model.${target}.bundle.js`, import.meta.url);
  return Buffer.from(await readBytes(decodeURIComponent(bundle.pathname))).toString();
}

async function version(): Promise<string> {
  const url = new URL('../../package.json', import.meta.url);
  return JSON.parse(Buffer.from(await readBytes(decodeURIComponent(url.pathname))).toString()).version;
}

function sizeOf(file: string, content: Uint8Array | string): FileSize {
  const bytes = Buffer.from(content);
  return { file, bytes: bytes.length, gzipped: gzipSync(bytes, { level: 9 }).length };
}

/** Files of an earlier compilation that this one does not write would not match it. */
async function writeFolder(folder: string, files: ReadonlyMap<string, Uint8Array | string>): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why = code === 'EEXIST' ? 'it is a file; give a folder' : reason(error);
    throw new DataError(`cannot write into ${JSON.stringify(folder)}: ${why}`);
  }
  const { readdir } = await import('node:fs/promises');
  const stale = (await readdir(folder)).filter((f) => (OWN.includes(f) || MODULE.test(f)) && !files.has(f));
  for (const [file, content] of files) await writeFileAtomic(join(folder, file), content);
  await Promise.all(stale.map((file) => rm(join(folder, file), { force: true })));
}

function describe(output: Output, folder: string, { manifest, notes }: Artifact, sizes: FileSize[]): void {
  const entries = Object.keys(manifest.entries);
  output.line(`${manifest.name}: ${entries.join(', ')}`);
  const width = Math.max(...sizes.map(({ file }) => file.length));
  output.line(`${'file'.padEnd(width)} ${'bytes'.padStart(10)} ${'gzipped'.padStart(10)}`);
  for (const { file, bytes, gzipped } of sizes)
    output.line(`${file.padEnd(width)} ${count(bytes).padStart(10)} ${count(gzipped).padStart(10)}`);
  const shipped = sizes.filter(({ file }) => file === RUNTIME || file === manifest.modules[0].file);
  const total = shipped.reduce((sum, { gzipped }) => sum + gzipped, 0);
  output.line(
    `${shipped.map(({ file }) => file).join(' and ')} together: ${(total / 1000).toFixed(1)} kB gzipped`,
  );
  for (const note of notes) output.line(`Note: ${note}.`);
  output.line(`Compiled into ${folder}`);
  output.result({ name: manifest.name, out: folder, entries, files: sizes, gzipped: total, notes });
}
