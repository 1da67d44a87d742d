import { fileURLToPath } from 'node:url';
import { defineConfig, type Plugin } from 'vite';
// The names are read when the page is built: a page cannot read the packages that hold them.
import { loadWords } from '../../dist/data/names.js';

/**
 * The first two let a page have shared memory. The policy is for the workers, which do not share that of the page: the
 * user's model, a blob, can be loaded and nothing can be sent. public/isolation.js adds the same.
 */
export const HEADERS = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Content-Security-Policy': "script-src 'self' blob: 'wasm-unsafe-eval'; connect-src 'self' data:",
};

export const OUT = fileURLToPath(new URL('../../build/playground/', import.meta.url));

/**
 * What the page may do: load its own files and compile WebAssembly. It can send nothing to anybody. `data:` is for
 * the AssemblyScript compiler, which unpacks itself that way; styles are what the editor adds.
 */
const POLICY = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "worker-src 'self'",
  "connect-src 'self' data:",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

function names(): Plugin {
  return {
    name: 'names',
    async generateBundle() {
      const { words } = await loadWords();
      this.emitFile({ type: 'asset', fileName: 'names.txt', source: `${words.join('\n')}\n` });
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

export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  base: './',
  logLevel: 'warn',
  plugins: [names()],
  build: {
    outDir: OUT,
    emptyOutDir: true,
    target: 'es2022',
    chunkSizeWarningLimit: 20_000,
    rolldownOptions: {
      onwarn(warning, report) {
        // asc and Binaryen look for Node's modules and do without.
        if (!/externalized for browser compatibility/.test(warning.message)) report(warning);
      },
    },
  },
  worker: { format: 'es' },
  preview: { headers: HEADERS },
});
