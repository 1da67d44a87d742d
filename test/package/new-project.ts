import { access, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { ROOT, run } from './npm.js';

/** Tests of what `2headgrad new` writes, beside the packages that its package.json asks for. */
export function newProject(path: (...parts: string[]) => string): void {
  const made = (...parts: string[]) => path('made', ...parts);
  const node = async (cwd: string, ...args: string[]) => {
    // A cache of its own shows that modules are kept where nothing but the package is.
    const env = { ...process.env, XDG_CACHE_HOME: path('cache') };
    return (await run(process.execPath, args, { cwd, env })).stdout;
  };
  const bin = () => path('node_modules/2headgrad/dist/cli/main.js');
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');

  beforeAll(async () => {
    await node(path(), bin(), 'new', 'made');
  });

  it('has types that hold under strict checks, and wrong code does not pass them', async () => {
    await node(made(), tsc);
    const { compilerOptions } = JSON.parse(await readFile(made('tsconfig.json'), 'utf8'));
    expect(compilerOptions).toMatchObject({ strict: true, noEmit: true });
  });

  it('trains until nearly all points that it has not seen are right, and keeps the weights for its page', async () => {
    const printed = await node(made(), join(ROOT, 'node_modules/tsx/dist/cli.mjs'), 'src/train.ts');
    const right = [...printed.matchAll(/^step \d+: loss \d\.\d{4}, (\d+\.\d) % of the points/gm)].map(
      ([, digits]) => Number(digits),
    );
    expect(right).toHaveLength(5);
    expect(right[4]).toBeGreaterThan(95);
    await access(made('public/weights.safetensors'));
  });

  it('builds a page with the compiled model and the weights, without the compiler', async () => {
    await node(made(), path('node_modules/vite/bin/vite.js'), 'build', '--logLevel', 'warn');
    expect((await readdir(made('dist'))).sort()).toEqual([
      'assets',
      'favicon.svg',
      'index.html',
      'weights.safetensors',
    ]);
    const assets = await readdir(made('dist/assets'));
    expect(assets.filter((name) => name.endsWith('.wasm'))).toHaveLength(1);
    const scripts = assets.filter((name) => name.endsWith('.js'));
    const texts = await Promise.all(scripts.map((name) => readFile(made('dist/assets', name), 'utf8')));
    expect(texts.join('').length).toBeLessThan(90_000);
  });

  it('is taken by the command line as it is: compiled into a folder, trained with a report', async () => {
    await node(made(), bin(), 'compile', 'src/model.grad.ts', '--out', 'compiled');
    await access(made('compiled/model.wasm'));
    const told = await node(made(), bin(), 'train', 'src/model.grad.ts', '--steps', '50', '--json');
    expect(JSON.parse(told)).toMatchObject({ steps: 50, out: 'runs/model' });
    expect(JSON.parse(told).metrics.validation.accuracy).toBeGreaterThan(0.3);
    await access(made('runs/model/report.html'));
    expect(JSON.parse(await node(made(), bin(), 'cache', '--json')).modules).toBeGreaterThan(1);
  });
}
