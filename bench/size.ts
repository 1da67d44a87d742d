import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

// What a page loads that trains the names model: ours as `2headgrad compile` writes it, and other engines bundled and
// minified for a page that uses the functions which bench/peers/ trains the same model with, on WebAssembly.

const ROOT = fileURLToPath(new URL('../', import.meta.url));
const PEERS = join(ROOT, 'bench/peers');
const TFJS = join(PEERS, 'node_modules/@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm');

interface Row {
  what: string;
  js: Buffer[];
  wasm: Buffer[];
}

/** A page that keeps what it names, so that nothing of it is left out. */
const JAX = `import { blockUntilReady, defaultDevice, init, jit, lax, nn, numpy, tree, valueAndGrad, vjp } from '@jax-js/jax';
globalThis.page = [blockUntilReady, defaultDevice, init, jit, lax.stopGradient, nn.logSoftmax, nn.oneHot, numpy.matmul, numpy.tanh, numpy.array, tree.ref, valueAndGrad, vjp];`;
const TF = `import * as tf from '@tensorflow/tfjs';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
const { customGrad, gather, losses, matMul, oneHot, reshape, scatterND, tanh, train, variable } = tf;
globalThis.page = [setWasmPaths, customGrad, gather, losses, matMul, oneHot, reshape, scatterND, tanh, train, variable];`;
const TF_CORE = TF.replace('@tensorflow/tfjs', '@tensorflow/tfjs-core');

async function bundle(contents: string): Promise<Buffer[]> {
  const { outputFiles, metafile } = await build({
    stdin: { contents, resolveDir: PEERS },
    ...{ bundle: true, minify: true, format: 'esm', platform: 'browser', target: 'es2022', splitting: true },
    ...{
      write: false,
      metafile: true,
      outdir: ROOT,
      logLevel: 'error',
      external: ['fs', 'path', 'crypto', 'util'],
    },
  });
  // Backends for the graphics card are chunks of their own, which a page on WebAssembly does not load.
  const left = Object.keys(metafile.outputs).filter((path) => /web(gl|gpu)-/.test(path));
  return outputFiles
    .filter(({ path }) => !left.some((chunk) => path.endsWith(chunk.split('/').at(-1)!)))
    .map(({ contents }) => Buffer.from(contents));
}

async function measure(): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), '2headgrad-size-'));
  try {
    const main = join(ROOT, 'dist/cli/main.js');
    execFileSync(process.execPath, [main, 'compile', join(ROOT, 'examples/names/model.ts'), '--out', folder]);
    const read = (file: string) => readFileSync(join(folder, file));
    return [
      { what: '2headgrad', js: [read('model.js'), read('model.json')], wasm: [read('model.wasm')] },
      { what: 'jax-js', js: await bundle(JAX), wasm: [] },
      { what: 'TensorFlow.js', js: await bundle(TF), wasm: [readFileSync(TFJS)] },
      { what: 'TensorFlow.js, core alone', js: await bundle(TF_CORE), wasm: [readFileSync(TFJS)] },
    ];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

if (!existsSync(TFJS)) {
  process.stderr.write('The other engines are missing: npm ci --prefix bench/peers\n');
  process.exit(1);
}
const kilobytes = (buffers: Buffer[], f = (b: Buffer) => b.length) =>
  (buffers.reduce((sum, b) => sum + f(b), 0) / 1000).toFixed(1);
const zipped = (b: Buffer) => gzipSync(b, { level: 9 }).length;
console.log('kB                          scripts   modules  together   gzipped');
for (const { what, js, wasm } of await measure()) {
  const cells = [
    kilobytes(js),
    kilobytes(wasm),
    kilobytes([...js, ...wasm]),
    kilobytes([...js, ...wasm], zipped),
  ];
  console.log(what.padEnd(25) + cells.map((cell) => cell.padStart(10)).join(''));
}
