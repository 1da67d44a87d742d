// Programs that tests start and no package of npm brings: installed where that can be done, else named, with the command.
// Their tests are then skipped; with the variable CI set they fail.
//
//   node scripts/programs.mjs

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { onPath } from './on-path.mjs';

/** Which package of Debian has them. */
const PACKAGES = /** @type {const} */ ({
  ip: 'iproute2',
  mpirun: 'openmpi-bin',
  pgrep: 'procps',
  'redis-server': 'redis-server',
});

/** @typedef {keyof typeof PACKAGES} Program */

/** @param {Program} program */
export const command = (program) => `apt-get install ${PACKAGES[program]}`;

/** The programs that are not on the PATH.
 * @returns {Program[]} */
export function missingPrograms() {
  const all = /** @type {Program[]} */ (Object.keys(PACKAGES));
  return all.filter((program) => !onPath([program]));
}

function install() {
  const missing = missingPrograms();
  if (missing.length === 0) return;
  if (process.getuid?.() === 0 && existsSync('/etc/debian_version')) {
    const packages = missing.map((program) => PACKAGES[program]).join(' ');
    process.stderr.write(`Installing ${packages} ...\n`);
    const script = `apt-get update -q && apt-get install -qy --no-install-recommends ${packages}`;
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    spawnSync('sh', ['-c', script], { stdio: ['ignore', 'ignore', 2], env });
  }
  for (const program of missingPrograms())
    process.stderr.write(`${program} is missing: tests that need it are skipped (${command(program)})\n`);
}

if (process.argv[1] && fileURLToPath(import.meta.url) === process.argv[1]) install();
