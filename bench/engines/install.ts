import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { DEBIAN, type Engine, FOLDER } from './find.js';

/** Installs those of the engines that are missing, from npm and from Debian; what fails is said, and stays missing. */
export async function install(engines: readonly Engine[]): Promise<void> {
  const missing = engines.filter(({ path }) => !path);
  const browsers = missing.filter(({ kind }) => kind === 'page');
  if (missing.length > browsers.length) run('npm', ['ci', '--prefix', FOLDER]);
  const packages = browsers.flatMap(({ id }) => (DEBIAN[id] ?? '').split(' ')).filter(Boolean);
  if (packages.length === 0) return;
  if (process.getuid?.() !== 0 || !existsSync('/etc/debian_version')) {
    process.stderr.write(
      `Browsers are installed on Debian, as root: apt-get install ${packages.join(' ')}\n`,
    );
    return;
  }
  run('apt-get', ['update', '-q']);
  run('apt-get', ['install', '-qy', '--no-install-recommends', ...packages]);
}

function run(command: string, args: string[]): void {
  process.stderr.write(`${[command, ...args].join(' ')} ...\n`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  // What it prints goes to stderr: stdout belongs to the table.
  const { status } = spawnSync(command, args, {
    stdio: ['ignore', 2, 2],
    env,
    shell: process.platform === 'win32',
  });
  if (status !== 0) process.stderr.write(`${command} failed.\n`);
}
