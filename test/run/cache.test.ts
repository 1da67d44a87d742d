import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { encodeModule } from '../../src/emit/cached.js';
import { i32, nn, optim, STAGES, trainStep } from '../../src/index.js';
import { parseLayout, printLayout } from '../../src/plan/layout.js';
import { line, points } from '../train/small.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), '2headgrad-cache-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const compile = (options = {}) => line().compileModule({ cache: folder, ...options });
const onlyFile = async () => join(folder, (await readdir(folder))[0]);

test('a module that was compiled before comes out of the cache, with every stage', async () => {
  const step = line();
  const first = await step.compileModule({ cache: folder });
  const again = await step.compileModule({ cache: folder });
  expect([first.cached, again.cached]).toEqual([false, true]);
  expect(again.wasm).toEqual(first.wasm);
  expect(again.layout).toEqual(first.layout);
  for (const stage of STAGES) expect(await again.text(stage)).toBe(await first.text(stage));
});

test('a module of a model that makes indices tells the lines as they are now', async () => {
  const made = () =>
    trainStep({
      model: { table: nn.embedding(3, 1) },
      batch: { x: i32(1) },
      loss: ({ table }, { x }) => table(x.add(1)).mean(),
      optimizer: optim.sgd(),
    });
  const moved = () =>
    trainStep({
      model: { table: nn.embedding(3, 1) },
      batch: { x: i32(1) },
      loss: ({ table }, { x }) => table(x.add(1)).mean(),
      optimizer: optim.sgd(),
    });
  const lines: string[] = [];
  for (const step of [made(), moved()]) {
    const module = await step.compileModule({ cache: folder });
    expect(module.cached).toBe(lines.length > 0);
    expect(parseLayout(printLayout(module.layout))).toEqual(module.layout);
    lines.push(module.layout.entries.train.guards![0].where);
  }
  const [first, second] = lines.map((line) => Number(/^cache\.test\.ts:(\d+)$/.exec(line)?.[1]));
  expect(second - first).toBe(7);
});

test('an entry that somebody else has put there, whole and under the right key, is compiled anew', async () => {
  const { wasm, layout } = await compile();
  const file = await onlyFile();
  const key = basename(file).split('-')[0];
  const other = {
    wasm: (await line(optim.sgd({ momentum: 0.9 })).compileModule({ cache: false })).wasm,
    layout,
  };
  const secrets = [undefined, new Uint8Array(32)];
  for (const secret of secrets) {
    await writeFile(file, await encodeModule(other, key, secret && { secret: async () => secret }));
    const mended = await compile();
    expect(mended.cached).toBe(false);
    expect(mended.wasm).toEqual(wasm);
  }
  expect((await compile()).cached).toBe(true);
});

test('a session of a module from the cache trains to the same bits', async () => {
  const train = async () => {
    const session = await line().compile({ cache: folder, seed: 3 });
    session.data(points);
    const losses = Array.from({ length: 5 }, () => session.step({ lr: 0.01 }));
    await session.close();
    return losses;
  };
  expect(await train()).toEqual(await train());
});

test('constants that JSON has no words for come back as they were', async () => {
  const values = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, 0, 1.5];
  const layout = {
    ...(await compile()).layout,
    constants: [{ name: 'c', address: 0, bytes: 24, shape: [6], dtype: 'f32' as const, values }],
  };
  expect(parseLayout(printLayout(layout))).toEqual(layout);
});

test('other options and other graphs are other modules', async () => {
  await compile();
  expect((await compile({ relaxed: true })).cached).toBe(false);
  expect((await compile({ without: ['fold-transposes'] })).cached).toBe(false);
  expect((await compile({ profile: true })).cached).toBe(false);
  expect(await readdir(folder)).toHaveLength(4);
});

test.each([
  ['is empty', () => new Uint8Array()],
  ['ends early', (bytes: Uint8Array) => bytes.subarray(0, bytes.length - 1)],
  ['ends in its layout', (bytes: Uint8Array) => bytes.subarray(0, 20)],
  ['says a length beyond its end', (bytes: Uint8Array) => new Uint8Array(bytes).fill(255, 0, 4)],
  ['has a damaged layout', (bytes: Uint8Array) => new Uint8Array(bytes).fill(0, 4, 8)],
])('a file that %s is compiled anew and mended', async (_, damage) => {
  const { wasm } = await compile();
  const file = await onlyFile();
  await writeFile(file, damage(await readFile(file)));
  const mended = await compile();
  expect(mended.cached).toBe(false);
  expect(mended.wasm).toEqual(wasm);
  expect((await compile()).cached).toBe(true);
});
