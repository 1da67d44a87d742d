// Finds a Chromium for the browser tests and installs one if there is none. Never gives up silently: what cannot be
// found or installed is an error that names the command to run.
//
//   node scripts/chromium.mjs     prints the path

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isProgram, onPath } from './on-path.mjs';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome'];
const MAC = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
];

/** The path of a Chromium that can be started. Installing one may take minutes.
 * @returns {Promise<string>} */
export async function findChromium() {
  const chosen = process.env.CHROMIUM;
  if (chosen) {
    if (isProgram(chosen)) return chosen;
    throw new Error(
      `CHROMIUM is set to ${chosen}, which is not a program. Set it to the path of a Chromium, or unset it.`,
    );
  }
  const found = await installed();
  if (found) return found;

  const commands = installCommands();
  for (const { command, args } of commands) {
    process.stderr.write(`Installing Chromium (${[command, ...args].join(' ')}) ...\n`);
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    // What it prints goes to stderr: stdout belongs to the caller.
    if (spawnSync(command, args, { stdio: ['ignore', 2, 2], env }).status !== 0) continue;
    const path = await installed();
    if (path) return path;
  }
  throw new Error(
    'The browser tests need Chromium, and installing it failed. Run `npx playwright-core install --with-deps chromium` ' +
      '(or `apt-get install chromium` as root), or set CHROMIUM to the path of one.',
  );
}

/** @returns {Promise<string | undefined>} */
async function installed() {
  const found = onPath(NAMES);
  if (found) return found;
  if (process.platform === 'darwin') {
    const path = MAC.find(isProgram);
    if (path) return path;
  }
  const { chromium } = await import('playwright-core');
  const own = chromium.executablePath();
  return own && existsSync(own) ? own : undefined;
}

/** What to try, in order; the distribution's package brings the libraries that a browser needs.
 * @returns {{ command: string, args: string[] }[]} */
function installCommands() {
  const playwright = join(
    dirname(createRequire(import.meta.url).resolve('playwright-core/package.json')),
    'cli.js',
  );
  const own = { command: process.execPath, args: [playwright, 'install', 'chromium'] };
  const isRoot = process.getuid?.() === 0;
  if (!isRoot || !existsSync('/etc/debian_version')) return [own];
  // Ubuntu's package `chromium` does not exist and `chromium-browser` only leads to snap: the next command then serves.
  return [{ command: 'sh', args: ['-c', 'apt-get update -q && apt-get install -qy chromium'] }, own];
}

if (process.argv[1] && fileURLToPath(import.meta.url) === process.argv[1]) {
  console.log(await findChromium());
}
