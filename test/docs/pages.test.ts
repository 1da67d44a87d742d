import { beforeAll, describe, expect, it } from 'vitest';
import { exportsOf, printsOf } from './examples.js';
import { pagesOf } from './pages.js';
import { Programs } from './programs.js';

// What the docs say is run, in a project with the packed package: each page's blocks of TypeScript are one program, and so is
// each example of the reference. They are type-checked as a strict user's would be.

const pages = pagesOf()
  .filter(({ program }) => program !== '')
  .map((page) => ({ ...page, path: page.path.replace(/\.md$/, '') }));
const exported = ['src/index.ts', 'src/onnx/index.ts'].flatMap(exportsOf);
const examples = exported
  .filter(({ program }) => program !== '')
  // Numbered, since some names differ in their case alone.
  .map(({ name, program }, i) => ({ path: `examples/${i} ${name}`, program }));
const programs = new Programs('docs-programs', [...pages, ...examples]);
beforeAll(() => programs.install());

it('each export of the package has an example in its comment', () => {
  expect(exported.length).toBeGreaterThan(200);
  expect(exported.filter(({ program }) => program === '').map(({ name, at }) => `${name} (${at})`)).toEqual(
    [],
  );
});

it('the examples show the export that they belong to, and say what they print', () => {
  const wrong = exported.filter(({ name, program }) => {
    const own = name.split('.').at(-1)!;
    return (
      !new RegExp(`\\b${own}\\b`).test(program.replace(/^import .*$/gm, '')) || printsOf(program).length === 0
    );
  });
  expect(wrong.map(({ name }) => name)).toEqual([]);
});

it('programs of all pages and examples are type-checked, with the declarations that users get', () => {
  expect(programs.typeErrors()).toEqual([]);
});

describe('what is run prints what is said', () => {
  let all: Map<string, string[]>;
  beforeAll(async () => {
    all = await programs.printed();
  }, 300_000);

  it.each(pages.map((page) => [page.path, page] as const))('%s', (path, { prints }) => {
    const lines = all.get(path) ?? [];
    let from = 0;
    for (const line of prints) {
      const at = lines.indexOf(line, from);
      expect(at, `${line}\n\nis not in\n\n${lines.join('\n')}`).toBeGreaterThanOrEqual(from);
      from = at + 1;
    }
  });

  it('in the examples of the reference, line by line', () => {
    const said = examples.map(({ path, program }) => [path, printsOf(program)]);
    expect(examples.map(({ path }) => [path, all.get(path)])).toEqual(said);
  });
});
