import { accessSync, constants, existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { arch, platform } from 'node:process';
import { fileURLToPath } from 'node:url';

/** How an engine is made to run the model. */
export type Kind = 'process' | 'page' | 'server';

export interface Engine {
  /** As in `--only`. */
  readonly id: string;
  readonly name: string;
  readonly kind: Kind;
  /** The program, if there is one. */
  readonly path: string | undefined;
  /** What installs it. */
  readonly install: string;
}

const INSTALL = 'npm run engines -- --install';

/** Whether a window can be opened; where not, one is pretended (xvfb-run). */
export const HAS_DISPLAY = !!(process.env.DISPLAY || process.env.WAYLAND_DISPLAY);

/** Where the engines that come from npm are installed. */
export const FOLDER = fileURLToPath(new URL('.', import.meta.url));

/** All engines that this command knows, whether they are there or not; this Node first. */
export function engines(folder = FOLDER, path = process.env.PATH ?? ''): Engine[] {
  const places = path.split(delimiter).filter(Boolean);
  const find = (...names: string[]) =>
    names.flatMap((name) => places.map((place) => join(place, name))).find(isProgram);
  const fromNpm = (name: string) => {
    const own = join(folder, 'node_modules', '.bin', name);
    return isProgram(own) ? own : find(name);
  };
  const onDebian = (packages: string) =>
    existsSync('/etc/debian_version') ? `${INSTALL}, as root (apt-get install ${packages})` : packages;
  return [
    { id: 'node', name: 'Node', kind: 'process', path: process.execPath, install: '' },
    ...nodes(folder),
    { id: 'deno', name: 'Deno', kind: 'process', path: fromNpm('deno'), install: INSTALL },
    { id: 'bun', name: 'Bun', kind: 'process', path: fromNpm('bun'), install: INSTALL },
    {
      ...{ id: 'chromium', name: 'Chromium', kind: 'page' },
      path: process.env.CHROMIUM ?? find('chromium', 'chromium-browser', 'google-chrome'),
      install: onDebian('chromium'),
    },
    {
      ...{ id: 'firefox', name: 'Firefox', kind: 'page' },
      path: find('firefox-esr', 'firefox'),
      install: onDebian('firefox-esr'),
    },
    {
      ...{ id: 'webkit', name: 'WebKitGTK', kind: 'page' },
      path: HAS_DISPLAY || find('xvfb-run') ? (find('MiniBrowser') ?? miniBrowser()) : undefined,
      install: onDebian(DEBIAN.webkit),
    },
    { id: 'workerd', name: 'workerd', kind: 'server', path: fromNpm('workerd'), install: INSTALL },
  ] satisfies Engine[];
}

/** Debian's packages of the browsers. */
export const DEBIAN: Readonly<Record<string, string>> = {
  chromium: 'chromium',
  firefox: 'firefox-esr',
  webkit: 'libwebkit2gtk-4.1-0 xvfb xauth',
};

/** The versions of Node that npm has for this platform: dependencies such as `node-22-linux-x64`. */
function nodes(folder: string): Engine[] {
  const { optionalDependencies } = JSON.parse(readFileSync(join(FOLDER, 'package.json'), 'utf8'));
  const suffix = `-${platform}-${arch}`;
  const names = Object.keys(optionalDependencies).filter((name) => name.endsWith(suffix));
  return names.map((name) => {
    const program = join(folder, 'node_modules', name, 'bin', 'node');
    const path = isProgram(program) ? program : undefined;
    const id = name.slice(0, -suffix.length);
    return { id, name: `Node ${id.slice('node-'.length)}`, kind: 'process', path, install: INSTALL };
  });
}

/** WebKitGTK's own small browser lies beside the library. */
function miniBrowser(): string | undefined {
  const libraries = [
    '/usr/lib',
    ...(existsSync('/usr/lib') ? readdirSync('/usr/lib').map((f) => `/usr/lib/${f}`) : []),
  ];
  return libraries
    .flatMap((library) =>
      ['webkitgtk-6.0', 'webkit2gtk-4.1', 'webkit2gtk-4.0'].map((f) => join(library, f, 'MiniBrowser')),
    )
    .find(isProgram);
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** The engines of these ids; throws where one is none. `node` is all of Node's versions. */
export function select(all: readonly Engine[], only: readonly string[] | undefined): Engine[] {
  const fits = (engine: Engine, id: string) =>
    engine.id === id || (id === 'nodes' && /^node\b/.test(engine.id));
  const unknown = only?.find((id) => !all.some((engine) => fits(engine, id)));
  if (unknown !== undefined)
    throw new Error(`--only: there is no ${unknown}; there are nodes, ${all.map(({ id }) => id).join(', ')}`);
  return all.filter((engine) => only?.some((id) => fits(engine, id)) ?? true);
}
