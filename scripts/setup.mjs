// Brings a clone into a state in which its commands run: installs the dependencies if they are missing or older than
// the lock file, then builds src/ to dist/ if a source changed. Does nothing, quickly, when there is nothing to do.
// Everything it says goes to stderr, so that commands behind it own stdout. Uses nothing but Node itself.
//
//   node scripts/setup.mjs [--quiet] [--no-build]

import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { constants } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { bundlePath, bundleRuntime, TARGETS } from './bundle.mjs';
import { isSupported, WANTED } from './node-version.mjs';
import { vendor, vendored } from './vendor.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const quiet = process.argv.includes('--quiet');
const say = (/** @type {string} */ text) => quiet || process.stderr.write(`${text}\n`);
const at = (/** @type {string[]} */ ...parts) => join(root, ...parts);

const LOCK = at('package-lock.json');
const INSTALLED = at('node_modules', '.package-lock.json'); // npm writes it last: the install is whole
const DIST = at('dist');
const STAMP = at('dist', '.stamp.json'); // written last: the build is whole
const BUSY = at('build', 'setup.pid');

/** The text of a file, or undefined if there is none. @param {string} path */
function read(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** @param {string | undefined} text @returns {any} the value, or undefined if it is missing or cut short */
function parse(text) {
  try {
    return text === undefined ? undefined : JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Ends this process with an exit code, and a line that says why if nothing else has said it yet. */
class Stop extends Error {
  /** @param {number} code @param {string} [reason] */
  constructor(code, reason) {
    super(reason);
    this.code = code;
  }
}

/** Runs a command to its end, its output on stderr; throws `Stop` with its exit code if it fails.
 * @param {string} command @param {string[]} args @param {boolean} [shell] */
async function run(command, args, shell = false) {
  const child = spawn(command, args, { cwd: root, stdio: ['ignore', 2, 2], shell });
  // npm may take its time to undo a half-done install; nobody needs that, the next setup starts it anew.
  const forward = (/** @type {NodeJS.Signals} */ signal) => {
    interrupted = signal;
    child.kill(signal);
    setTimeout(() => child.kill('SIGKILL'), 2000).unref();
  };
  /** @type {NodeJS.Signals | undefined} */
  let interrupted;
  process.on('SIGINT', forward).on('SIGTERM', forward);
  const code = await new Promise((resolve, reject) => {
    child.once('error', (error) => reject(new Stop(1, `cannot run ${command}: ${error.message}`)));
    child.once('close', (code, signal) => {
      const cause = interrupted ?? signal;
      resolve(cause ? 128 + constants.signals[cause] : code);
    });
  });
  process.off('SIGINT', forward).off('SIGTERM', forward);
  if (code !== 0) throw new Stop(code);
}

/** True if node_modules holds every package of the lock file at its version. Optional ones depend on the platform,
 * peers on the user's settings. */
function isInstalled() {
  const wanted = parse(read(LOCK))?.packages;
  const present = parse(read(INSTALLED))?.packages;
  if (!wanted || !present) return false;
  return Object.entries(wanted).every(
    ([path, { version, integrity, optional, devOptional, peer }]) =>
      path === '' ||
      optional ||
      devOptional ||
      peer ||
      (present[path]?.version === version &&
        present[path]?.integrity === integrity &&
        existsSync(at(path, 'package.json'))),
  );
}

async function install() {
  say('Installing dependencies (npm ci) ...');
  // An interrupted install must not pass for a whole one.
  rmSync(INSTALLED, { force: true });
  // Building and testing need the development tools, and those their native parts, whatever the user's settings are.
  const args = [
    'ci',
    '--include=dev',
    '--include=optional',
    '--install-strategy=hoisted',
    '--package-lock=true',
  ];
  const manners = ['--no-audit', '--no-fund', '--progress=false', '--loglevel=error'];
  const npm = process.env.npm_execpath;
  if (npm && /npm-cli\.c?js$/.test(npm)) await run(process.execPath, [npm, ...args, ...manners]);
  else await run('npm', [...args, ...manners], process.platform === 'win32');
}

/** All source files in a folder. @param {string} folder @returns {string[]} */
function sources(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return sources(path);
    return /(?<!\.d)\.[cm]?[jt]s$/.test(entry.name) ? [path] : [];
  });
}

/** The hand-written kernels by name, as the compiler wants them. */
function kernels() {
  const names = readdirSync(at('assembly')).filter((name) => name.endsWith('.ts') && name !== 'index.ts');
  return Object.fromEntries(names.sort().map((name) => [name, readFileSync(at('assembly', name), 'utf8')]));
}

/** Made of assembly/, for pages, which cannot read files. */
const LIBRARY = 'run/library.js';

/** What `dist` should be made of, and whether it is: a hash of the sources and the list of files they become. */
function buildState() {
  const files = sources(at('src')).sort();
  const hash = createHash('sha256');
  for (const path of [
    ...files,
    at('scripts', 'bundle.mjs'),
    at('scripts', 'vendor.mjs'),
    at('tsconfig.json'),
    at('tsconfig.build.json'),
    LOCK,
  ]) {
    hash
      .update(`${relative(root, path)}\0`)
      .update(readFileSync(path))
      .update('\0');
  }
  hash.update(JSON.stringify(kernels()));
  const outputs = files.map((path) => relative(at('src'), path).replace(/ts$/, 'js').replaceAll('\\', '/'));
  outputs.push(LIBRARY, ...TARGETS.map(bundlePath), ...vendored());
  const wanted = { hash: hash.digest('hex'), outputs };
  const stamp = parse(read(STAMP));
  const stands = (/** @type {string} */ path) => existsSync(join(DIST, path));
  return {
    wanted,
    isCurrent: stamp?.hash === wanted.hash && outputs.every(stands),
    // The compiler writes only what it thinks has changed: where files vanished from src or dist, start over.
    isIncremental: !!stamp?.outputs?.every(
      (/** @type {string} */ path) => outputs.includes(path) && stands(path),
    ),
  };
}

async function build() {
  const { wanted, isCurrent, isIncremental } = buildState();
  if (isCurrent) return;
  say('Building (tsc) ...');
  if (!isIncremental) rmSync(DIST, { recursive: true, force: true });
  const tsc = at('node_modules', 'typescript', 'bin', 'tsc');
  await run(process.execPath, [tsc, '-p', at('tsconfig.build.json')]);
  const main = join(DIST, 'cli', 'main.js');
  if (existsSync(main)) chmodSync(main, 0o755); // npx sets this only the first time
  const library = `export const library = ${JSON.stringify(kernels())};`;
  writeFileSync(join(DIST, LIBRARY), `${library}\nexport const build = '${wanted.hash.slice(0, 16)}';\n`);
  await vendor(root, DIST);
  await bundleRuntime(DIST);
  writeFileSync(STAMP, JSON.stringify(wanted));
}

/** Waits until no other setup works in this clone, then holds its place. Returns what gives the place back.
 * The holder touches its file every second, so a file left behind by a killed process blocks nobody for long. */
async function takeTurn() {
  mkdirSync(dirname(BUSY), { recursive: true });
  for (let waited = false; ; ) {
    try {
      writeFileSync(BUSY, String(process.pid), { flag: 'wx' });
      break;
    } catch (error) {
      if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EEXIST') throw error;
    }
    if (isAbandoned()) {
      rmSync(BUSY, { force: true });
      continue;
    }
    if (!waited) say('Waiting for another command that sets up this folder ...');
    waited = true;
    await sleep(200);
  }
  const beat = setInterval(() => existsSync(BUSY) && utimesSync(BUSY, new Date(), new Date()), 1000);
  return () => {
    clearInterval(beat);
    rmSync(BUSY, { force: true });
  };
}

/** True if the process that wrote the turn file is gone: its number is free, or was given to a stranger. */
function isAbandoned() {
  const pid = Number(read(BUSY));
  const age = Date.now() - (statSync(BUSY, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
  if (age > 10_000) return true;
  if (!pid) return false; // being written, or just given back
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'ESRCH';
  }
}

async function setup() {
  if (!isSupported(process.versions.node))
    throw new Stop(1, `2headgrad needs ${WANTED}; this is ${process.versions.node}.`);
  const done = await takeTurn();
  try {
    if (!isInstalled()) await install();
    if (!process.argv.includes('--no-build')) await build();
  } finally {
    done();
  }
}

try {
  await setup();
} catch (error) {
  if (!(error instanceof Stop)) throw error;
  if (error.message) process.stderr.write(`${error.message}\n`);
  process.exitCode = error.code;
}
