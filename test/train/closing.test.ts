import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { beforeAll, describe, expect, it } from 'vitest';
import { closing } from '../../src/closing.js';
import { workspace } from '../cli/command.js';

const DIST = fileURLToPath(new URL('../../dist/', import.meta.url));
const { path } = workspace();

/** A script with all of the package in it, for an engine that lacks these symbols as WebKit does. */
async function withoutDispose(name: string, contents: string): Promise<string> {
  await build({
    stdin: { contents, resolveDir: DIST },
    outfile: path(name),
    ...{ bundle: true, format: 'esm', platform: 'node', logLevel: 'error' },
    external: ['../vendor/*', 'vite', 'esbuild'],
    define: { 'Symbol.asyncDispose': 'undefined', 'Symbol.dispose': 'undefined' },
  });
  return execFileSync(process.execPath, [path(name)], { encoding: 'utf8' });
}

const STEP = `import { diagnose, f32, findLearningRate, meanSquaredError, nn, optim, trainStep } from './index.js';
const step = trainStep({ model: nn.linear(2, 1), batch: { x: f32(4, 2), y: f32(4, 1) },
  loss: (model, { x, y }) => meanSquaredError(model(x), y), optimizer: optim.sgd() });
const data = { x: [1, 2, -1, 0.5, 3, -2, 0, 1], y: [4, 1, 18, 3] };`;

describe('without Symbol.asyncDispose', () => {
  let printed: unknown;
  beforeAll(async () => {
    const text = await withoutDispose(
      'all.mjs',
      `${STEP}
const search = await findLearningRate(step, { data, seed: 1, engine: 'tape', steps: 60 });
const { findings, notChecked } = await diagnose(step, { data, lr: 0.01 });
const session = step.interpret({ seed: 1 });
const dispose = session[Symbol.for('Symbol.asyncDispose')];
await dispose.call(session);
let closed = false;
try { session.step({ lr: 0.1 }) } catch { closed = true }
console.log(JSON.stringify({ rate: search.suggestion, findings, notChecked, closed,
  names: Object.getOwnPropertyNames(Object.getPrototypeOf(session)).filter((name) => name === 'undefined') }));`,
    );
    printed = JSON.parse(text);
  });

  it('a learning rate is found, and the doctor tries one', () => {
    expect(printed).toMatchObject({ rate: expect.any(Number) });
    expect(JSON.stringify(printed)).not.toContain('cannot be tried');
  });

  it('a session ends by the symbol that compilers put in its place', () => {
    expect(printed).toMatchObject({ closed: true, names: [] });
  });

  it('is how all of the package runs: nothing in it asks for the symbol but one place', () => {
    const files = readdirSync(DIST, { recursive: true, encoding: 'utf8' }).filter((f) => f.endsWith('.js'));
    const asking = files.filter((file) =>
      /addDisposableResource|Symbol\.(async)?[dD]ispose\b|await using/.test(
        readFileSync(join(DIST, file), 'utf8'),
      ),
    );
    const own = asking
      .map((file) => file.replaceAll('\\', '/'))
      .filter((file) => !file.endsWith('.bundle.js') && !file.startsWith('vendor/'));
    expect(own).toEqual(['closing.js']);
  });
});

describe('closing', () => {
  const opened = (closed: string[], name: string, fails = false) => ({
    async close() {
      closed.push(name);
      if (fails) throw new Error(`${name} does not close`);
    },
  });

  it('closes what was opened when the work ends, the last first, and gives its result', async () => {
    const closed: string[] = [];
    const result = await closing(async (use) => {
      use(opened(closed, 'a'));
      use(opened(closed, 'b'));
      expect(closed).toEqual([]);
      return 7;
    });
    expect([result, closed]).toEqual([7, ['b', 'a']]);
  });

  it('closes it too when the work fails, whose error comes first', async () => {
    const closed: string[] = [];
    const work = closing(async (use) => {
      use(opened(closed, 'a', true));
      throw new Error('the work');
    });
    await expect(work).rejects.toThrow('the work');
    expect(closed).toEqual(['a']);
    await expect(closing(async (use) => use(opened([], 'a', true)))).rejects.toThrow('a does not close');
  });
});
