import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { installed } from '../../bench/installed.js';
import { compiled, source, TRAIN } from '../aot/model.js';
import { tsc } from '../aot/tsc.js';
import { npm, type Packed, pack, ROOT, run } from './npm.js';

// The package that only runs compiled models, as it is packed and installed.

let folder = '';
let packed: Packed;
const path = (...parts: string[]) => join(folder, ...parts);
const node = async (...args: string[]) => (await run(process.execPath, args, { cwd: folder })).stdout;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), '2headgrad-runtime-'));
  await run(process.execPath, [join(ROOT, 'scripts/runtime.mjs')]);
  packed = await pack('./build/runtime', '--pack-destination', folder);
  await writeFile(path('package.json'), '{ "name": "app", "private": true, "type": "module" }');
  // It needs nobody else, so that there is nothing to ask a registry for.
  await npm(folder, 'install', '--offline', `./${packed.filename}`);
  await writeFile(path('classifier.ts'), source());
  await node(join(ROOT, 'dist/cli/main.js'), 'compile', 'classifier.ts', '--threads', '--out', 'compiled');
});
afterAll(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));

it('is one package of less than half a megabyte, with the version of the other', async () => {
  const { paths, bytes } = installed(folder, '2headgrad-runtime');
  expect(paths).toEqual(['node_modules/2headgrad-runtime']);
  expect(bytes).toBeLessThan(500_000);
  expect(packed.unpackedSize).toBe(bytes);
  const { version, engines } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
  const about = JSON.parse(await readFile(path('node_modules/2headgrad-runtime/package.json'), 'utf8'));
  expect([about.version, about.engines, about.dependencies]).toEqual([version, engines, undefined]);
  const names = packed.files.map(({ path }) => path).filter((name) => !name.startsWith('types/'));
  expect(names).toEqual(
    expect.arrayContaining(['LICENSE', 'README.md', 'index.js', 'package.json', 'thread.js']),
  );
});

it('trains a compiled model to the bits of the compiler, on one thread and on two', async () => {
  await writeFile(
    path('train.js'),
    `import { readFileSync } from 'node:fs';
import { precompiled } from '2headgrad-runtime';
const folder = new URL('./compiled/', import.meta.url);
const manifest = JSON.parse(readFileSync(new URL('model.json', folder), 'utf8'));
const start = (options) => precompiled(manifest, (file) => new URL(file, folder)).compile(options);
${TRAIN}
console.log(JSON.stringify([await train(start), await train(start, { threads: 2 })]));`,
  );
  const [one, two] = JSON.parse(await node('train.js'));
  const result = await compiled(42);
  expect(one.result).toEqual(result);
  expect(two.result).toEqual({ ...result, threads: 2 });
});

it('has types that hold without any other package', async () => {
  const use = (
    model: string,
  ) => `import { type Manifest, type ModelSession, precompiled } from '2headgrad-runtime';
export async function loss(manifest: Manifest): Promise<number> {
  const session: ModelSession = await precompiled(manifest, (file) => new URL(file, 'https://example.org/')).compile({ ${model}: 1 });
  return session.step({ lr: 0.1 });
}`;
  await writeFile(path('right.ts'), use('seed'));
  await writeFile(path('wrong.ts'), use('sead'));
  const errors = tsc(folder, 'right.ts', 'wrong.ts')
    .split('\n')
    .filter((line) => line.includes('error'));
  expect(errors).toEqual([expect.stringMatching(/^wrong\.ts\(3,\d+\): error TS\d+: .*sead/)]);
});
