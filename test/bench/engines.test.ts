import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Engine, engines, select } from '../../bench/engines/find.js';
import { type Outcome, table, verdict } from '../../bench/engines/outcome.js';
import { prepare, train } from '../../bench/engines/train.js';

const outcome = (engine: string, ...hashes: string[]): Outcome => ({
  engine,
  version: '1.2',
  results: hashes.map((hash, i) => ({ threads: i + 1, hash, speed: 1234.56 })),
  notes: [],
});

describe('the table of engines', () => {
  it('has a row for each number of threads, without a speed where the clock stands still', () => {
    const still = { threads: 1, hash: 'ab', speed: null };
    const text = table([outcome('A', 'ab', 'ab'), { ...outcome('B'), results: [still] }, outcome('C')]);
    expect(text.split('\n')).toEqual([
      '| engine | version | threads | hash | steps/s |',
      '| --- | --- | --- | --- | --- |',
      '| A | 1.2 | 1 | ab | 1,230 |',
      '| A | 1.2 | 2 | ab | 1,230 |',
      '| B | 1.2 | 1 | ab |  |',
    ]);
  });

  it('one hash is success, and what is missing is named with what installs it', () => {
    const missing = { engine: 'C', results: [], notes: [], missing: 'install it' };
    expect(verdict([outcome('A', 'ab', 'ab'), outcome('B', 'ab'), missing])).toEqual({
      text: 'C is missing: install it\nAll results have the hash ab.',
      code: 0,
    });
  });

  it('another hash anywhere is a failure that says who differs', () => {
    expect(verdict([outcome('A', 'ab', 'ab'), outcome('B', 'ab', 'cd')])).toEqual({
      text: 'The engines differ:\n  ab  A, B\n  cd  B',
      code: 1,
    });
  });

  it('an engine that gives nothing is a failure too, and so is no engine at all', () => {
    const failed = { ...outcome('B'), notes: ['it fell over'] };
    expect(verdict([outcome('A', 'ab'), failed])).toEqual({
      text: 'B: it fell over\nB gave no result.\nAll results have the hash ab.',
      code: 1,
    });
    expect(verdict([])).toEqual({ text: 'No engine gave a result.', code: 1 });
  });
});

describe('engines', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await prepare();
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('that are nowhere are missing, but for this Node', async () => {
    const all = engines('/nowhere', '/nowhere');
    expect(all[0]).toMatchObject({ id: 'node', path: process.execPath });
    const missing = await train(all.find(({ id }) => id === 'deno')!, folder, [1]);
    expect(missing).toMatchObject({ results: [], missing: 'npm run engines -- --install' });
  });

  it('are found where npm installs them, and on the path', async () => {
    const place = await mkdtemp(join(tmpdir(), 'engines-test-'));
    const program = async (...parts: string[]) => {
      await mkdir(join(place, ...parts.slice(0, -1)), { recursive: true });
      await writeFile(join(place, ...parts), '');
      await chmod(join(place, ...parts), 0o755);
    };
    await program('npm', 'node_modules', '.bin', 'deno');
    await program('path', 'deno');
    await program('path', 'firefox');
    const found = engines(join(place, 'npm'), join(place, 'path'));
    const pathOf = (id: string) => found.find((engine) => engine.id === id)?.path;
    expect(pathOf('deno')).toBe(join(place, 'npm', 'node_modules', '.bin', 'deno'));
    expect(pathOf('firefox')).toBe(join(place, 'path', 'firefox'));
    await rm(place, { recursive: true });
  });

  it('are chosen by their ids, all of Node by one', () => {
    const all = ['node', 'node-22', 'deno'].map((id) => ({ id }) as Engine);
    const ids = (only?: string[]) => select(all, only).map(({ id }) => id);
    expect(ids()).toEqual(['node', 'node-22', 'deno']);
    expect(ids(['nodes'])).toEqual(['node', 'node-22']);
    expect(ids(['deno', 'node'])).toEqual(['node', 'deno']);
    expect(() => ids(['opera'])).toThrow('--only: there is no opera; there are nodes, node, node-22, deno');
  });

  it('train: this Node gives one hash with one thread, two and three', async () => {
    const [node] = engines();
    const trained = await train(node, folder, [1, 2, 3]);
    expect(trained).toMatchObject({ engine: 'Node', version: process.versions.node, notes: [] });
    expect(trained.results.map(({ threads }) => threads)).toEqual([1, 2, 3]);
    expect(trained.results[0].hash).toMatch(/^[0-9a-f]{16}$/);
    expect(verdict([trained]).code).toBe(0);
  });

  it('that fail say why', async () => {
    const [node] = engines();
    const trained = await train(
      { ...node, path: process.platform === 'win32' ? 'false.exe' : '/bin/false' },
      folder,
      [1],
    );
    expect(trained).toMatchObject({ results: [], notes: [expect.stringMatching(/^exit code 1/)] });
  });
});
