import { once } from 'node:events';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import sirv from 'sirv';
import { ISOLATION_HEADERS } from '../../test/browser/server.js';
import { type Engine, HAS_DISPLAY } from './find.js';
import type { Outcome } from './outcome.js';
import { run, start, within } from './start.js';

type Answer = Pick<Outcome, 'version' | 'results' | 'notes'>;

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** A folder with the compiled names model and what trains it in each kind of engine. */
export async function prepare(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'engines-'));
  await cp(join(ROOT, 'bench/engines/run'), folder, { recursive: true });
  const args = [
    'compile',
    join(ROOT, 'examples/names/model.ts'),
    '--out',
    join(folder, 'compiled'),
    '--threads',
  ];
  await run(process.execPath, [join(ROOT, 'dist/cli/main.js'), ...args]);
  return folder;
}

/** Trains in an engine; what goes wrong is a note. */
export async function train(engine: Engine, folder: string, threads: readonly number[]): Promise<Outcome> {
  const { name, path, install } = engine;
  if (!path) return { engine: name, results: [], notes: [], missing: install };
  try {
    return { engine: name, ...(await KINDS[engine.kind]({ ...engine, path }, folder, threads)) };
  } catch (error) {
    return { engine: name, results: [], notes: [(error as Error).message] };
  }
}

type Train = (
  engine: Engine & { path: string },
  folder: string,
  threads: readonly number[],
) => Promise<Answer>;

const KINDS: Record<Engine['kind'], Train> = {
  async process({ id, path }, folder, threads) {
    const args = id === 'deno' ? ['run', '--allow-all', '--no-config'] : [];
    const printed = await run(path, [...args, 'process.js', ...threads.map(String)], { cwd: folder });
    return JSON.parse(printed.trim().split('\n').at(-1)!);
  },

  async page(engine, folder, threads) {
    const profile = await mkdtemp(join(tmpdir(), 'engines-profile-'));
    const { url, outcome, close } = await receive(folder);
    const query = threads.map((n) => `threads=${n}`).join('&');
    const { command, args, env } = browser(engine, profile);
    const version = versionIn(await run(command, [...args, '--version'], { env }));
    const started = start(command, [...args, `${url}?${query}`], { env });
    try {
      const ended = once(started.child, 'close').then(() => {
        throw new Error(`it ended by itself: ${started.output().trim().slice(-300)}`);
      });
      return { version, ...(await within(Promise.race([outcome, ended]), started)) };
    } finally {
      await started.stop();
      close();
      await rm(profile, { recursive: true, force: true, maxRetries: 5 });
    }
  },

  async server({ path }, folder) {
    const version = versionIn(await run(path, ['--version']));
    const started = start(path, ['serve', 'workerd.capnp', '--control-fd=1'], { cwd: folder });
    try {
      const port = async () => {
        for (;;) {
          const found = /"socket":"http","port":(\d+)/.exec(started.output());
          if (found) return Number(found[1]);
          if (started.child.exitCode !== null) throw new Error(started.output().trim());
          await sleep(50);
        }
      };
      const response = await fetch(`http://127.0.0.1:${await within(port(), started)}/`);
      return { version, ...((await within(response.json(), started)) as Answer) };
    } finally {
      await started.stop();
    }
  },
};

const versionIn = (text: string) => /\d+([.-]\d+)+/.exec(text)?.[0] ?? text.trim();

/** Serves a folder to an isolated page, and takes what that page posts. */
async function receive(folder: string): Promise<{ url: string; outcome: Promise<Answer>; close(): void }> {
  let tell: (answer: Answer) => void;
  const outcome = new Promise<Answer>((resolve) => {
    tell = resolve;
  });
  const files = sirv(folder, { dev: true });
  const server = createServer((request, response) => {
    for (const [name, value] of Object.entries(ISOLATION_HEADERS)) response.setHeader(name, value);
    if (request.method !== 'POST') return files(request, response);
    let text = '';
    request.on('data', (data) => (text += data));
    request.on('end', () => {
      response.end();
      tell(JSON.parse(text));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = () => {
    server.close();
    server.closeAllConnections();
  };
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, outcome, close };
}

/** What opens a page without a window, if the page's address comes last. */
function browser({ id, path }: Engine & { path: string }, profile: string) {
  const home = { HOME: profile, TMPDIR: profile, XDG_CACHE_HOME: profile, XDG_DATA_HOME: profile };
  if (id === 'firefox')
    return { command: path, args: ['--headless', '--no-remote', '--profile', profile], env: home };
  if (id === 'webkit') {
    // Shared memory is there, and behind a switch.
    const env = { ...home, JSC_useSharedArrayBuffer: '1' };
    if (HAS_DISPLAY) return { command: path, args: [], env };
    return { command: 'xvfb-run', args: ['--auto-servernum', path], env };
  }
  const sandbox = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  const quiet = ['--no-first-run', '--disable-gpu', '--disable-background-networking', '--disable-sync'];
  return { command: path, args: ['--headless', ...sandbox, ...quiet, `--user-data-dir=${profile}`], env: {} };
}
