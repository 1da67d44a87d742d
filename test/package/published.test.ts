import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path/posix';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { direct, LICENCES, PACKAGES, vendored } from '../../scripts/vendor.mjs';
import { npm, type Packed, ROOT } from './npm.js';

// What goes to npm, before anybody installs it; no network is needed.

const read = (path: string) => readFile(join(ROOT, path), 'utf8');
let packed: Packed;
let paths: Set<string>;
let complaints = '';
let version = '';
beforeAll(async () => {
  // A registry that is not there: nothing may be asked of it.
  const nowhere = ['--registry=http://127.0.0.1:9/', '--fetch-retries=0'];
  const args = ['publish', '--dry-run', '--ignore-scripts', '--json', ...nowhere];
  const { stdout, stderr } = await npm(ROOT, ...args);
  const said = JSON.parse(stdout);
  // Npm 11 says it by the package's name.
  packed = said['2headgrad'] ?? said;
  complaints = stderr;
  paths = new Set(packed.files.map(({ path }) => path));
  ({ version } = JSON.parse(await read('package.json')));
});

describe('the tarball', () => {
  it('has what its texts link to', async () => {
    const texts = [...paths].filter((path) => path.endsWith('.md') && !path.startsWith('dist/'));
    expect(texts.length).toBeGreaterThan(20);
    const missing: string[] = [];
    for (const path of texts)
      for (const [, target] of (await read(path)).matchAll(/\]\(([^)\s]+)\)|<img src="[^"]+"/g)) {
        const to = target?.replace(/#.*/, '') ?? '';
        if (to === '' || /^[a-z]+:/.test(to) || path.startsWith('template/')) continue;
        const place = join(dirname(path), to).replace(/\/$/, '');
        if (!paths.has(place) && ![...paths].some((other) => other.startsWith(`${place}/`)))
          missing.push(`${path}: ${to}`);
      }
    expect(missing).toEqual([]);
  });

  it('has the whole template of new projects, and nothing that was made in passing', () => {
    for (const path of ['package.json', 'gitignore', 'src/model.grad.ts', 'public/favicon.svg'])
      expect(paths).toContain(`template/${path}`);
    const odd = [...paths].filter((path) =>
      /(^|\/)(node_modules|runs|build|\.stamp\.json|compiled|test)(\/|$)/.test(path),
    );
    expect(odd).toEqual([]);
  });

  it('is what npm would publish, without a complaint', () => {
    expect(complaints).not.toMatch(/auto-?correct|normalized|invalid|err/i);
    expect(packed.id).toBe(`2headgrad@${version}`);
  });

  it('has a version that the changelog tells of', async () => {
    const told = [...(await read('CHANGELOG.md')).matchAll(/^## \[(.*?)\]/gm)].map(([, name]) => name);
    expect(told).toContain(version);
  });
});

describe('what is handed on of others', () => {
  interface About {
    name: string;
    version: string;
    license: string;
  }
  let listed: About[];
  let folder = '';
  beforeAll(async () => {
    listed = JSON.parse(await read(`dist/${PACKAGES}`));
    folder = await mkdtemp(join(tmpdir(), '2headgrad-vendor-'));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('is all listed, each package with the text of its licence', async () => {
    // Whatever the packages import, bundled here for itself.
    const { metafile } = await build({
      ...{
        absWorkingDir: ROOT,
        bundle: true,
        write: false,
        metafile: true,
        outdir: folder,
        logLevel: 'error',
      },
      ...{ platform: 'node', format: 'esm', external: ['canvas'], mainFields: ['module', 'main'] },
      stdin: {
        contents: direct()
          .filter((name) => !name.startsWith('@stdlib/'))
          .map(
            (name, i) =>
              `import * as _${i} from '${name === 'assemblyscript' ? 'assemblyscript/asc' : name}'; console.log(_${i});`,
          )
          .join('\n'),
        resolveDir: ROOT,
      },
    });
    const names = Object.keys(metafile.inputs).flatMap((path) => {
      const found = /^.*\bnode_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path);
      return found ? [found[1]] : [];
    });
    expect(new Set(listed.map(({ name }) => name))).toEqual(new Set([...names, ...direct()]));
    const text = await read(`dist/${LICENCES}`);
    for (const { name, version, license } of listed) {
      expect(text).toContain(`| ${name} | ${version} | ${license} |`);
      const [, about] = text.split(`\n## ${name} ${version} (${license})\n`);
      expect([name, about.split('\n## ')[0].length > 500]).toEqual([name, true]);
    }
  });

  it('has licences under which it may be handed on', () => {
    const known = ['Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'ISC', 'MIT'];
    expect(listed.filter(({ license }) => !known.includes(license))).toEqual([]);
  });

  it('is in the tarball, and nothing of it has a package of its own beside', async () => {
    for (const path of vendored()) expect(paths).toContain(`dist/${path}`);
    const { dependencies, optionalDependencies } = JSON.parse(await read('package.json'));
    expect([dependencies, optionalDependencies]).toEqual([undefined, undefined]);
  });

  it('is all that the package imports, but for what users choose', async () => {
    const { exports } = JSON.parse(await read('package.json'));
    const entries = Object.values<{ default?: string }>(exports).flatMap((entry) => entry.default ?? []);
    const { metafile } = await build({
      ...{ absWorkingDir: ROOT, bundle: true, write: false, metafile: true, outdir: folder, splitting: true },
      ...{ platform: 'node', format: 'esm', packages: 'external', logLevel: 'error' },
      entryPoints: [...entries, 'dist/cli/main.js', 'dist/run/asc-worker.js', 'dist/run/node-worker.js'],
    });
    const outside = Object.values(metafile.outputs).flatMap(({ imports }) =>
      imports.filter(({ path, external }) => external && !/^(node:|\.)/.test(path)).map(({ path }) => path),
    );
    const { peerDependencies } = JSON.parse(await read('package.json'));
    const builtin = ['fs', 'module', 'path', 'url'];
    const allowed = [...Object.keys(peerDependencies), 'tsx/esm/api', ...builtin];
    expect([...new Set(outside)].filter((path) => !allowed.includes(path))).toEqual([]);
  });

  it('has no types that only a package of others would explain', async () => {
    const { exports } = JSON.parse(await read('package.json'));
    const found = new Set(
      Object.values<{ types?: string }>(exports).flatMap(({ types }) => (types ? [types.slice(2)] : [])),
    );
    const outside: string[] = [];
    // The set grows while it is walked.
    for (const path of found)
      for (const [, target] of (await read(path))
        .replace(/\/\*[\s\S]*?\*\//g, '')
        .matchAll(/\b(?:from|import\()\s*'([^']+)'/g)) {
        if (target.startsWith('.')) found.add(join(dirname(path), target).replace(/\.js$/, '.d.ts'));
        else outside.push(`${path}: ${target}`);
      }
    expect(outside).toEqual(['dist/vite/index.d.ts: vite']);
  });
});
