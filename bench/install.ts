// What an install brings: packages, their bytes, and the time from `npm install` to the first trained step.
//
//   npm run bench:install

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { tableText } from '../src/cli/output.js';
import { installed } from './installed.js';

const ROOT = fileURLToPath(new URL('../', import.meta.url));
const SHELL = process.platform === 'win32';

const FIRST_STEP = `import { f32, meanSquaredError, nn, optim, trainStep } from '2headgrad';
const step = trainStep({ model: nn.linear(1, 1), batch: { x: f32(2, 1), y: f32(2, 1) },
  loss: (model, { x, y }) => meanSquaredError(model(x), y), optimizer: optim.sgd() });
const session = await step.compile({ cache: false });
session.data({ x: [1, 2], y: [2, 4] });
session.step({ lr: 0.1 });
await session.close();`;

const npm = (cwd: string, ...args: string[]) =>
  execFileSync('npm', [...args, '--no-audit', '--no-fund', '--loglevel=error'], {
    ...{ cwd, shell: SHELL, encoding: 'utf8' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });

const folder = mkdtempSync(join(tmpdir(), '2headgrad-install-'));
try {
  execFileSync(process.execPath, [join(ROOT, 'scripts/runtime.mjs')]);
  const rows = [];
  for (const [name, source] of [
    ['2headgrad', ROOT],
    ['2headgrad-runtime', join(ROOT, 'build/runtime')],
  ]) {
    const packed = npm(ROOT, 'pack', source, '--json', '--ignore-scripts', '--pack-destination', folder);
    const [{ filename, size }] = JSON.parse(packed);
    const app = join(folder, name);
    mkdirSync(app);
    writeFileSync(join(app, 'package.json'), '{ "name": "app", "private": true, "type": "module" }');
    const began = performance.now();
    npm(app, 'install', '--prefer-offline', join(folder, filename));
    const ready = performance.now();
    if (name === '2headgrad') {
      writeFileSync(join(app, 'first-step.js'), FIRST_STEP);
      execFileSync(process.execPath, ['first-step.js'], { cwd: app, stdio: 'inherit' });
    }
    const { paths, bytes } = installed(app, name);
    const seconds = (from: number, to: number) => `${((to - from) / 1000).toFixed(1)} s`;
    const trained = name === '2headgrad' ? seconds(began, performance.now()) : '-';
    rows.push([name, String(paths.length), mb(bytes), mb(size), seconds(began, ready), trained]);
  }
  const head = ['', 'packages', 'MB', 'MB packed', 'npm install', 'to the first step'];
  for (const line of tableText(head, rows)) console.log(line);
} finally {
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}

function mb(bytes: number): string {
  return (bytes / 1e6).toFixed(bytes < 1e6 ? 2 : 1);
}
