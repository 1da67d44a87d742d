import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DOCS, linksOf, pagesOf, ROOT } from './pages.js';

// What the docs say is run: each page's blocks of TypeScript are one program, type-checked as a strict user's would be.

const pages = pagesOf();
const programs = pages.filter(({ program }) => program !== '');
// In the package's own folder, so that its name leads to it as its exports say.
const folder = join(ROOT, 'build', 'docs-programs');
const fileOf = (path: string) => join(folder, path.replace(/\.md$/, '.ts'));
const work = mkdtempSync(join(tmpdir(), '2headgrad-docs-'));
afterAll(() => rmSync(work, { recursive: true, force: true }));

rmSync(folder, { recursive: true, force: true });
for (const { path, program } of programs) {
  mkdirSync(dirname(fileOf(path)), { recursive: true });
  writeFileSync(fileOf(path), program);
}

it('programs of all pages are type-checked, with the declarations that users get', () => {
  const program = ts.createProgram(
    programs.map(({ path }) => fileOf(path)),
    {
      strict: true,
      noEmit: true,
      skipLibCheck: false,
      exactOptionalPropertyTypes: true,
      target: ts.ScriptTarget.ESNext,
      module: ts.ModuleKind.NodeNext,
      moduleResolution: ts.ModuleResolutionKind.NodeNext,
      types: ['node'],
    },
  );
  const said = ts.getPreEmitDiagnostics(program).map(({ file, messageText }) => {
    return `${file?.fileName ?? ''}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`;
  });
  expect(said).toEqual([]);
});

/** What the programs of all pages print, one after the other in one process, which has the compiler loaded once. */
async function printed(): Promise<Map<string, string[]>> {
  const runner = join(folder, 'run.mjs');
  const mark = '--- page ';
  const paths = JSON.stringify(programs.map(({ path }) => [path, pathToFileURL(fileOf(path)).href]));
  writeFileSync(
    runner,
    `for (const [path, url] of ${paths}) {\n  console.log('${mark}' + path);\n  await import(url);\n}\n`,
  );
  const args = ['--import', import.meta.resolve('tsx'), runner];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: work });
  return new Map(
    stdout
      .split(mark)
      .slice(1)
      .map((page) => page.trimEnd().split('\n'))
      .map(([path, ...lines]) => [path, lines]),
  );
}

describe('a page prints what it says', () => {
  let all: Map<string, string[]>;
  beforeAll(async () => {
    all = await printed();
  });

  it.each(programs.map((page) => [page.path, page] as const))('%s', (path, { prints }) => {
    const lines = all.get(path) ?? [];
    let from = 0;
    for (const line of prints) {
      const at = lines.indexOf(line, from);
      expect(at, `${line}\n\nis not in\n\n${lines.join('\n')}`).toBeGreaterThanOrEqual(from);
      from = at + 1;
    }
  });
});

it('links between pages lead somewhere', () => {
  const broken = pages.flatMap((page) =>
    linksOf(page)
      .filter((to) => !/^(https?:|#)/.test(to))
      .filter((to) => !existsSync(resolve(dirname(join(DOCS, page.path)), to.replace(/#.*/, ''))))
      .map((to) => `${page.path}: ${to}`),
  );
  expect(broken).toEqual([]);
});
