import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { anchorsOf, linksOf, ROOT } from './pages.js';

// Whoever follows a link or looks at a picture in README, docs or the texts of examples gets there.

const filesIn = (folder: string): string[] =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' }).map((path) =>
    join(ROOT, folder, path),
  );
const texts = [
  ...readdirSync(ROOT).map((name) => join(ROOT, name)),
  ...filesIn('docs'),
  ...filesIn('examples'),
].filter((path) => path.endsWith('.md'));

it('links and pictures of all texts lead somewhere, to the heading too', () => {
  expect(texts.length).toBeGreaterThan(35);
  const broken = texts.flatMap((path) =>
    linksOf({ text: readFileSync(path, 'utf8') })
      .filter((to) => !/^(https?|mailto|data):/.test(to) && !leads(path, to))
      .map((to) => `${relative(ROOT, path)}: ${to}`),
  );
  expect(broken).toEqual([]);
});

it('addresses of other sites are whole ones', () => {
  const wrong = texts.flatMap((path) =>
    linksOf({ text: readFileSync(path, 'utf8') })
      .filter((to) => /^https?:/.test(to) && !URL.canParse(to))
      .map((to) => `${relative(ROOT, path)}: ${to}`),
  );
  expect(wrong).toEqual([]);
});

function leads(from: string, to: string): boolean {
  const [path, anchor] = to.split('#');
  const target = path === '' ? from : resolve(dirname(from), decodeURIComponent(path));
  if (!existsSync(target)) return false;
  if (!anchor) return true;
  return statSync(target).isFile() && anchorsOf(readFileSync(target, 'utf8')).includes(anchor);
}
