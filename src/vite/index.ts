/**
 * A plugin for Vite that compiles model files as they are imported: `import grad from '2headgrad/vite'`.
 *
 * @module 2headgrad/vite
 */

import { createHash } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { normalizePath, type Plugin, runnerImport } from 'vite';
import { type AheadOptions, compileAhead } from '../aot/compile.js';
import { kindOf } from '../brand.js';
import { checkOptions } from '../check.js';
import { writeFileAtomic } from '../data/files.js';
import { moduleCache, readLibrary } from '../run/node.js';
import { type AnyTrainStep, TrainStep } from '../run/train-step.js';

export interface PluginOptions extends Pick<AheadOptions, 'entries' | 'threads' | 'relaxed'> {
  /** Which files are models; by default those whose name ends in `.grad.ts` (or .js, .mts, .mjs). */
  include?: RegExp | undefined;
}

const MODELS = /\.grad\.m?[jt]s$/;
const PACKAGE = '2headgrad';

/**
 * Compiles model files as they are imported: `import { names } from './names.grad.ts'` gives, in the page, the step
 * `names` with its `compile({ seed, threads })` alone, served by a module that was compiled before. TypeScript sees
 * the file itself, and in Node, where nothing replaces it, the same import compiles when it runs.
 */
export default function twoHeadGrad(options: PluginOptions = {}): Plugin {
  checkOptions(PACKAGE, options, ['include', 'entries', 'threads', 'relaxed']);
  const { include = MODELS, ...ahead } = options;
  let cacheDir = '';
  return {
    name: PACKAGE,
    enforce: 'pre',
    config: () => ({
      // Bundled before, the runtime would lose the file beside it that threads are made of.
      optimizeDeps: { exclude: [PACKAGE, `${PACKAGE}/runtime`] },
      worker: { format: 'es', plugins: () => [twoHeadGrad(options)] },
    }),
    configResolved(config) {
      cacheDir = join(config.cacheDir, PACKAGE);
    },
    async load(id, { ssr } = {}) {
      const file = id.split('?')[0];
      // What runs in Node can compile for itself.
      if (ssr || !include.test(file) || id.includes('?')) return null;
      this.addWatchFile(file);
      // So that an error names the line that the user has written.
      process.setSourceMapsEnabled(true);
      try {
        const { module, dependencies } = await runnerImport<Record<string, unknown>>(file, {
          configFile: false,
          logLevel: 'silent',
        });
        for (const dependency of dependencies) this.addWatchFile(dependency);
        return await replace(module, file, cacheDir, ahead);
      } catch (error) {
        return this.error(await located(error, file));
      }
    },
  };
}

/** The module that takes a model file's place. */
async function replace(
  exports: Record<string, unknown>,
  file: string,
  cacheDir: string,
  options: PluginOptions,
): Promise<string> {
  const steps = Object.entries(exports).filter(([, value]) => kindOf(value) === 'train step');
  if (steps.length === 0) {
    throw new Error(`it exports no training step: export what trainStep({ ... }) returns`);
  }
  const library = await readLibrary();
  const lines = [`import { precompiled } from '${PACKAGE}/runtime';`];
  const folder = join(cacheDir, createHash('sha256').update(file).digest('hex').slice(0, 16));
  await mkdir(folder, { recursive: true });
  let count = 0;
  for (const [name, step] of steps) {
    if (!(step instanceof TrainStep))
      throw new Error(
        `its export ${name} was made by another copy of ${PACKAGE} than the plugin's: install one only`,
      );
    const { manifest, files } = await compileAhead(step as unknown as AnyTrainStep, {
      ...options,
      library,
      cache: moduleCache(),
      runtime: '',
      generator: PACKAGE,
    });
    const assets = [...manifest.modules, ...(manifest.weights ? [manifest.weights] : [])];
    const places: string[] = [];
    for (const { file: asset } of assets) {
      const path = join(folder, `${name}.${asset}`);
      await writeFileAtomic(path, files.get(asset)!);
      const url = `url${count++}`;
      lines.push(`import ${url} from ${JSON.stringify(`${normalizePath(path)}?url&no-inline`)};`);
      places.push(`${JSON.stringify(asset)}: ${url}`);
    }
    const urls = `{ ${places.join(', ')} }`;
    lines.push(
      `export ${name === 'default' ? 'default' : `const ${name} =`} /* @__PURE__ */ precompiled(`,
      `  ${JSON.stringify(manifest)},`,
      `  (file) => new URL(${urls}[file], import.meta.url));`,
    );
  }
  // Values that stand beside a model, such as the length of its context.
  for (const [name, value] of Object.entries(exports)) {
    if (['number', 'string', 'boolean'].includes(typeof value) && name !== 'default')
      lines.push(`export const ${name} = ${JSON.stringify(value)};`);
  }
  return `${lines.join('\n')}\n`;
}

/** An error as the overlay shows it: with the user's line. */
async function located(error: unknown, file: string) {
  const { message, stack = '' } = error instanceof Error ? error : new Error(String(error));
  const plain = stripVTControlCharacters(message);
  const name = file.slice(file.lastIndexOf('/') + 1);
  // Our own messages end with the line, a parser's have it inside, others in their stack.
  const place = new RegExp(`${name.replaceAll('.', '\\.')}:(\\d+)(?::(\\d+))?`);
  const found = place.exec(plain) ?? place.exec(stack);
  const line = Number(found?.[1] ?? 0);
  const text = await readFile(file, 'utf8').catch(() => '');
  const lines = text.split('\n');
  return {
    message: `${name}: ${plain}`,
    id: file,
    ...(line > 0 && { loc: { file, line, column: Number(found?.[2] ?? 0) } }),
    ...(line > 0 && line <= lines.length && { frame: frameOf(lines, line) }),
  };
}

/** A line with its neighbours, marked, in the form that the overlay looks for: every line ends. */
function frameOf(lines: readonly string[], line: number): string {
  const first = Math.max(1, line - 2);
  const width = String(line + 2).length;
  const shown = lines.slice(first - 1, line + 2).map((text, i) => {
    const number = `${String(first + i).padStart(width)} | `;
    if (first + i !== line) return `${number}${text}\n`;
    const indent = text.length - text.trimStart().length;
    const mark = ' '.repeat(indent) + '^'.repeat(Math.max(1, text.trim().length));
    return `${number}${text}\n${' '.repeat(width)} | ${mark}\n`;
  });
  return shown.join('');
}
