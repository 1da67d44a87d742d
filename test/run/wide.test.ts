import { execFile } from 'node:child_process';
import { appendFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { compileFunction, f32, i32, nn, OptionError, optim, trace, trainStep } from '../../src/index.js';
import { moduleCache } from '../../src/run/node.js';
import { FLAG } from '../../src/run/wide/compile.js';
import { here, obstacle, type Place } from '../../src/run/wide/place.js';
import type { Candidate } from '../../src/run/wide/request.js';
import { tryWide } from '../../src/run/wide/try.js';
import { initialValues } from '../../src/train/initial.js';
import { classifier, line, rows, variables } from '../train/small.js';

/** Whether this Node can have wide vectors. */
const able = obstacle(here()) === null;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), '2headgrad-wide-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

type Step = ReturnType<typeof line> | ReturnType<typeof classifier>;

/** What a session of a step would begin with. */
async function candidateOf(step: Step, more: Partial<Candidate> = {}): Promise<Candidate> {
  const { wasm, layout, options } = await step.compileModule();
  const { shared } = options;
  const initial = initialValues(step.program.variables, 7);
  return { wasm, layout, entries: step.description.entries, initial, seed: 7, shared, threads: 1, ...more };
}

/** A script that takes the place of the one that tries modules. */
async function script(name: string, text: string): Promise<URL> {
  const path = join(folder, `${name}.mjs`);
  await writeFile(path, text);
  return pathToFileURL(path);
}

const node = { node: '24.9.0', v8: '13.6.233.10-node.27' };
const good: Place = { versions: node, arch: 'x64', sealed: false, features: 'fpu avx avx2 fma' };

it.each<[string, Partial<Place>, RegExp | null]>([
  ['Node.js 24 on x64 with AVX2', {}, null],
  ['a system that does not tell the features of its processor', { features: undefined }, null],
  [
    'Node.js 20',
    { versions: { node: '20.20.2', v8: '11.3.244.8-node.33' } },
    /Node\.js 24 and later .* this is Node\.js 20\.20\.2$/,
  ],
  ['Deno', { versions: { ...node, deno: '2.9.6' } }, /this is Deno 2\.9\.6$/],
  ['Bun', { versions: { ...node, bun: '1.4.5' } }, /this is Bun 1\.4\.5$/],
  ['Electron', { versions: { ...node, electron: '40.0.0' } }, /this is Electron 40\.0\.0$/],
  ['a page', { versions: undefined }, /this is not Node\.js$/],
  ['ARM', { arch: 'arm64' }, /this processor is arm64$/],
  ['a processor without AVX2', { features: 'fpu avx avx512' }, /AVX2, which this processor lacks$/],
  ['a program of one file', { sealed: true }, /a program of one file cannot start$/],
])('%s is told why it has no wide vectors, if it has none', (_, place, reason) => {
  const found = obstacle({ ...good, ...place });
  if (reason) expect(found).toMatch(reason);
  else expect(found).toBeNull();
});

const SAYS = (answer: object) => `console.log(${JSON.stringify(JSON.stringify(answer))})`;
const FATAL = '#\\n# Fatal error in , line 0\\n# unreachable code\\n#\\n';

it.each<[string, string, RegExp, boolean]>([
  [
    'crashes',
    `console.error('${FATAL}'); process.kill(process.pid, 'SIGTRAP'); setInterval(() => {}, 9)`,
    /ended its process: SIGTRAP, "unreachable code"$/,
    true,
  ],
  [
    'meets an instruction that the processor lacks',
    `process.kill(process.pid, 'SIGILL'); setInterval(() => {}, 9)`,
    /ended its process: SIGILL$/,
    true,
  ],
  ['hangs', 'setInterval(() => {}, 1000)', /did not go on for 0\.7 s$/, true],
  ['never yields', 'for (;;);', /did not go on for 0\.7 s$/, true],
  [
    'gives other bits',
    SAYS({ differs: 'embedding.weight' }),
    /other bits, first in embedding\.weight$/,
    true,
  ],
  [
    'traps',
    SAYS({ trap: 'memory access out of bounds' }),
    /ended by its module: memory access out of bounds$/,
    true,
  ],
  ['is slower', SAYS({ ratio: 0.97 }), /no faster in a trial: 0\.97 times/, true],
  ['is hardly faster', SAYS({ ratio: 1.01 }), /no faster in a trial: 1\.01 times/, true],
  ['says nothing', '', /ended without an answer: code 0$/, false],
  ['says nonsense', 'console.log("{ratio")', /ended without an answer: code 0$/, false],
  ['throws', 'throw new Error("no memory")', /ended without an answer: code 1, Error: no memory$/, false],
  [
    'is killed by somebody',
    'process.kill(process.pid, "SIGKILL"); setInterval(() => {}, 9)',
    /without an answer: SIGKILL$/,
    false,
  ],
])('a trial that %s refuses wide vectors, and says why', async (name, text, reason, lasting) => {
  const url = await script(name.replaceAll(' ', '-'), text);
  const patience = /did not go on/.test(reason.source) ? 700 : undefined;
  const verdict = await tryWide(await candidateOf(line()), { script: url, patience });
  expect(verdict).toMatchObject({ used: false, lasting });
  expect(verdict.reason).toMatch(reason);
});

it('a trial that gives the same bits faster, and shows on the way that it lives, allows them', async () => {
  const url = await script(
    'faster',
    `let n = 0; setInterval(() => { console.log(); if (++n > 40) { ${SAYS({ ratio: 1.5 })}; process.exit(); } }, 100);`,
  );
  const verdict = await tryWide(await candidateOf(line()), { script: url, patience: 3000 });
  const reason = 'a trial gave the same bits and 1.50 times as many steps a second';
  expect(verdict).toEqual({ used: true, reason, ratio: 1.5, lasting: true });
});

it('a Node.js without the option says so, and a program that is not there as well', async () => {
  const candidate = await candidateOf(line());
  const url = await script(
    'unknown',
    `console.error('Error: unrecognized flag --x'); ${SAYS({ ratio: 1.5 })}`,
  );
  const reason = `this Node.js does not know --${FLAG}`;
  expect(await tryWide(candidate, { script: url })).toMatchObject({ used: false, lasting: true, reason });
  const { execPath } = process;
  process.execPath = join(folder, 'gone');
  try {
    const verdict = await tryWide(candidate);
    expect(verdict).toMatchObject({ used: false, lasting: false });
    expect(verdict.reason).toMatch(/^a trial could not be started: .*ENOENT/);
  } finally {
    process.execPath = execPath;
  }
});

/** The same model and memory as `line`, with a loss, or gradients, that are computed otherwise. */
const rivals: Record<string, ReturnType<typeof line>> = {
  'another gradient': trainStep({
    name: 'line',
    model: nn.linear(2, 1),
    batch: { x: f32(3, 2), y: f32(3, 1) },
    loss: (model, { x, y }) => model(x).sub(y).square().mean(),
    optimizer: optim.sgd({ weightDecay: 1e-5 }),
  }),
};

it('a real trial compares every bit: that of another module is refused by the name of what differs', async () => {
  const { wasm } = await rivals['another gradient'].compileModule();
  const verdict = await tryWide(await candidateOf(line(), { rival: wasm }), {});
  expect(verdict).toMatchObject({ used: false, lasting: true });
  expect(verdict.reason).toMatch(/other bits, first in (weight|bias|loss)$/);
});

it('a real trial of the same module twice finds the same bits, with threads too', async () => {
  for (const threads of [1, 2]) {
    const candidate = await candidateOf(classifier(), { threads });
    const verdict = await tryWide({ ...candidate, rival: candidate.wasm }, {});
    expect(verdict.reason).toMatch(able ? /times as many steps a second$|unreachable code/ : /does not know/);
  }
});

/** As `widen`, in a process that has just begun. */
async function freshWiden() {
  vi.resetModules();
  return (await import('../../src/run/wide/try.js')).widen;
}

it('a verdict is kept in the cache by module and threads, and a damaged or planted one is not believed', async () => {
  const log = join(folder, 'log');
  const kept = join(folder, 'kept');
  const url = await script(
    'counting',
    `import { appendFileSync } from 'node:fs'; appendFileSync(${JSON.stringify(log)}, 'x'); ${SAYS({ ratio: 0.5 })}`,
  );
  const candidate = await candidateOf(line());
  const cache = moduleCache(kept);
  const options = { script: url };
  const tried = async (given = candidate) => {
    const { wide, wasm } = await (await freshWiden())(given, cache, options);
    expect(wide).toEqual({
      used: false,
      ratio: 0.5,
      reason: expect.stringMatching(/^no faster in a trial: 0\.50/),
    });
    expect(wasm).toBe(given.wasm);
    return (await readFile(log, 'utf8')).length;
  };
  expect(await tried()).toBe(1);
  expect(await tried()).toBe(1);
  expect(await tried({ ...candidate, threads: 2 })).toBe(2);
  expect(await tried(await candidateOf(classifier()))).toBe(3);
  for (const name of await readdir(kept)) await appendFile(join(kept, name), ' ');
  expect(await tried()).toBe(4);
  const files = (await readdir(kept)).map((name) => join(kept, name));
  const contents = await Promise.all(files.map((file) => readFile(file)));
  for (const [i, file] of files.entries()) await writeFile(file, contents[(i + 1) % files.length]);
  expect(await tried()).toBe(5);
  expect(await tried()).toBe(5);
});

it('sessions of one process try a module once, and what may be otherwise next time is not kept', async () => {
  const log = join(folder, 'log-of-failures');
  const url = await script(
    'failing',
    `import { appendFileSync } from 'node:fs'; appendFileSync(${JSON.stringify(log)}, 'x'); process.exit(3)`,
  );
  const widen = await freshWiden();
  const candidate = await candidateOf(line());
  const kept = join(folder, 'kept-nothing');
  const all = () => widen(candidate, moduleCache(kept), { script: url });
  await Promise.all([all(), all(), all()]);
  expect(await readFile(log, 'utf8')).toBe('x');
  await all();
  expect(await readFile(log, 'utf8')).toBe('xx');
  expect(await readdir(kept).catch(() => [])).toEqual([]);
});

it('a session that asks for wide vectors tells what came of it, and trains to the same bits', async () => {
  const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
  const train = async (wide: boolean, threads: number) => {
    const session = await classifier().compile({ wide, threads, seed: 3, cache: folder });
    session.data(rows);
    const run = await session.run({ steps: 50, lr: 0.1, every: 1 });
    const found = { loss: run!.loss, values: variables(session) };
    await session.close();
    return { found, told: session.wide };
  };
  const plain = await train(false, 1);
  expect(plain.told).toBeNull();
  for (const threads of [1, 2]) {
    const { found, told } = await train(true, threads);
    expect(found).toEqual(plain.found);
    expect(told!.reason).toMatch(able ? /trial/ : /Node\.js 24/);
    if (!able) expect(told).toMatchObject({ used: false, ratio: null });
  }
  const texts = warn.mock.calls.map(([text]) => String(text)).filter((text) => text.includes('wide vectors'));
  expect(new Set(texts).size).toBe(texts.length);
  if (!able) expect(texts).toHaveLength(1);
  warn.mockRestore();
});

it('a function asks in the same way', async () => {
  const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
  const graph = trace('product', { a: f32(9, 8), b: f32(8, 24) }, ({ a, b }) => ({ c: a.matmul(b) }));
  const inputs = {
    a: Float32Array.from({ length: 72 }, (_, i) => Math.sin(i)),
    b: Float32Array.from({ length: 192 }, (_, i) => Math.cos(i)),
  };
  const results = [];
  for (const wide of [false, true]) {
    const product = await compileFunction(graph, { wide });
    expect(product.wide === null).toBe(!wide);
    results.push(product.call(inputs));
    await product.close();
  }
  expect(results[1]).toEqual(results[0]);
  warn.mockRestore();
});

it('the option is true or false, and where there is none it is said what has it', async () => {
  const wrong = { wide: 'yes' } as unknown as { wide: boolean };
  await expect(line().compile(wrong)).rejects.toThrow(OptionError);
  await expect(line().compile(wrong)).rejects.toThrow('compile: wide must be true or false, got "yes"');
  expect(() => line().interpret({ wide: true } as object)).toThrow(/wide: the tape has no vectors/);
});

it.runIf(able)('integers, gathers and batch norm keep their bits where they are joined', async () => {
  const step = trainStep({
    model: nn.sequential(
      nn.embedding(27, 10),
      nn.flatten(),
      nn.linear(30, 64),
      nn.batchNorm1d(64),
      nn.tanh(),
      nn.linear(64, 27),
    ),
    batch: { x: i32(32, 3), y: i32(32) },
    loss: (model, { x }) => model(x).square().mean(),
    optimizer: optim.adam(),
  });
  const verdict = await tryWide(await candidateOf(step as unknown as Step, { threads: 2 }));
  expect(verdict.reason).not.toMatch(/other bits|by its module|did not go on|without an answer/);
});

/** A function that multiplies two neighbouring vectors. */
const PAIR =
  '0061736d0100000001050160017f0002120103656e76066d656d6f727902010180800403020100070501016600000a3b013901037b418004fd090200210320032000fd000410fde601210220032000fd000400fde601210120002002fd0b04900820002001fd0b0480080b';

it.runIf(able)('no other module of the process is joined, not even the same one compiled later', async () => {
  const text = `
    import { compileWide } from ${JSON.stringify(new URL('../../src/run/wide/compile.js', import.meta.url).href)};
    const wasm = new Uint8Array(Buffer.from('${PAIR}', 'hex'));
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 65536 });
    for (const module of [compileWide(wasm), new WebAssembly.Module(wasm)]) {
      const { exports } = new WebAssembly.Instance(module, { env: { memory } });
      // Often enough for V8 to optimise it.
      for (let i = 0; i < 3e6; i++) exports.f(1024);
    }`;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--trace-wasm-revectorize', '--input-type=module', '-e', text],
    { maxBuffer: 1e7 },
  );
  expect(stdout.match(/^Begin revec function/gm)).toHaveLength(1);
});

it('no vector is a global: V8 14 ends the process over one that it meets where it joins', async () => {
  const graph = trace('math', { x: f32(2, 8), y: f32(2, 8) }, ({ x, y }) => {
    const bounded = x.tanh().mul(0.5);
    const parts = [x.exp(), x.square().add(1).log(), x.sigmoid(), x.erf(), x.sin(), x.cos(), x.expm1()];
    return {
      z: parts
        .reduce((sum, part) => sum.add(part), bounded.log1p())
        .add(x.abs().add(1).pow(y))
        .add(x.softplus()),
    };
  });
  const { module, close } = await compileFunction(graph).then((f) => ({
    module: f.module,
    close: () => f.close(),
  }));
  const globals = (await module.text('wat')).split('\n').filter((text) => /^\s*\(global /.test(text));
  expect(globals.length).toBeGreaterThan(0);
  expect(globals.filter((text) => text.includes('v128'))).toEqual([]);
  await close();
});
