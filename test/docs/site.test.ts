import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { pagesOf, ROOT } from './pages.js';

// The site that `npm run docs` makes, built once: typedoc.json has each of its warnings be an error.

const SITE = join(ROOT, 'build', 'docs-site');
const TAG = /<[a-z](?:"[^"]*"|[^">])*>/gi;
let files: string[] = [];

beforeAll(async () => {
  const bin = join(ROOT, 'node_modules', 'typedoc', 'bin', 'typedoc');
  // What it says is in the error, if it ends with one.
  await promisify(execFile)(process.execPath, [bin, '--out', SITE], { cwd: ROOT });
  files = readdirSync(SITE, { recursive: true, encoding: 'utf8' });
}, 300_000);

/** The values of attributes with these names, of all elements of a page or picture. */
function attributes(markup: string, ...names: string[]): string[] {
  const attribute = new RegExp(`\\s(?:${names.join('|')})="([^"]*)"`, 'g');
  return (markup.match(TAG) ?? []).flatMap((tag) =>
    [...tag.matchAll(attribute)].map(([, value]) => value.replaceAll('&amp;', '&')),
  );
}

const contents = new Map<string, string>();
function read(path: string): string {
  if (!contents.has(path)) contents.set(path, readFileSync(path, 'utf8'));
  return contents.get(path)!;
}
const anchors = new Map<string, Set<string>>();
function anchorsIn(path: string): Set<string> {
  if (!anchors.has(path)) anchors.set(path, new Set(attributes(read(path), 'id', 'name')));
  return anchors.get(path)!;
}

/** Why a link of a page leads nowhere, or null. */
function fault(from: string, to: string): string | null {
  if (/^(https?|mailto|data):/.test(to)) return null;
  const [path, anchor] = to.split('#');
  const target = path === '' ? from : resolve(dirname(from), decodeURIComponent(path));
  if (relative(SITE, target).startsWith('..')) return 'is outside of the site';
  if (!existsSync(target)) return 'is not there';
  if (!anchor || !/\.(html|svg)$/.test(target)) return null;
  return anchorsIn(target).has(decodeURIComponent(anchor)) ? null : 'has no such place';
}

describe('the site', () => {
  it('has every page of the docs, and one for each module', () => {
    const titles = files.filter((path) => path.endsWith('.html')).map((path) => read(join(SITE, path)));
    const headings = titles.map((page) => /<h1[^>]*>([^<]*)/.exec(page)?.[1]);
    const missing = pagesOf()
      .map(({ text }) => /^# (.*)$/m.exec(text)![1])
      .filter((title) => !headings.includes(title));
    expect(missing).toEqual([]);
    const { exports } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    const modules = Object.keys(exports).filter((name) => name !== './package.json');
    expect(headings.filter((heading) => heading?.startsWith('Module ')).sort()).toEqual(
      modules.map((name) => `Module 2headgrad${name.slice(1)}`).sort(),
    );
  });

  it('has links and pictures that lead somewhere, to the heading too', () => {
    const pages = files.filter((path) => path.endsWith('.html')).map((path) => join(SITE, path));
    expect(pages.length).toBeGreaterThan(400);
    const broken = new Set(
      pages.flatMap((page) =>
        attributes(read(page), 'href', 'src').flatMap((to) => {
          const why = fault(page, to);
          return why ? [`${relative(SITE, page)}: ${to} ${why}`] : [];
        }),
      ),
    );
    expect([...broken]).toEqual([]);
  });

  it('finds the names of the package and the titles of its pages', () => {
    expect(read(join(SITE, 'assets', 'search.js')).length).toBeGreaterThan(10_000);
  });
});
