import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { promisify } from 'node:util';
import { inflateSync } from 'node:zlib';
import { parseHTML } from 'linkedom';
import { beforeAll, describe, expect, it } from 'vitest';
import * as exported from '../../src/index.js';
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

/** The programs that site.js gives to the playground from a page, as links. */
function programsIn(page: string): string[] {
  const { document } = parseHTML(read(join(SITE, page)));
  const location = { pathname: `/${page.split(sep).join('/')}` };
  new Function('document', 'location', read(join(ROOT, 'docs', 'site.js')))(document, location);
  return [...document.querySelectorAll('.open-in-playground')].map((link) =>
    Buffer.from(link.getAttribute('href')!.split('#code=')[1], 'base64url').toString(),
  );
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

  it('opens every program of a model in the playground, to the letter, but for those of files and of Node', () => {
    const without: string[] = [];
    for (const { path, text, program } of pagesOf()) {
      if (!program.includes('trainStep(')) continue;
      const heading = /^# (.*)$/m.exec(text)![1];
      const page = files.find(
        (file) =>
          /^(index|documents)\b.*\.html$/.test(file) &&
          /<h1[^>]*>([^<]*)/.exec(read(join(SITE, file)))?.[1] === heading,
      )!;
      const opened = programsIn(page);
      if (opened.length === 0) without.push(path);
      else expect(program.trim(), path).toContain(opened.at(-1)!.trim());
    }
    // Weights of elsewhere, a file that is written, and MNIST's files.
    expect(without.sort()).toEqual(
      ['from/pytorch.md', 'guide/onnx.md', 'recipes/digits.md', 'recipes/transfer.md'].map((path) =>
        join(path),
      ),
    );
    const [example] = programsIn(join('functions', '2headgrad.nn.embedding.html'));
    expect(example).toContain('nn.embedding(27, 8)');
  });

  it('finds the names of the package and the titles of its pages', () => {
    const [, data] = /searchData = "([^"]*)"/.exec(read(join(SITE, 'assets', 'search.js')))!;
    const { rows } = JSON.parse(inflateSync(Buffer.from(data, 'base64')).toString());
    const found = new Set(rows.map(({ name }: { name: string }) => name));
    const titles = pagesOf().flatMap(({ text }) => /^title: (.*)$/m.exec(text)?.[1] ?? []);
    expect(titles.length).toBeGreaterThan(20);
    expect([...titles, ...Object.keys(exported)].filter((name) => !found.has(name))).toEqual([]);
  });
});
