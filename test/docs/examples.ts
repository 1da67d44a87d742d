import { join, relative } from 'node:path';
import ts from 'typescript';
import { ROOT } from './pages.js';

/** What the package's main entry exports as a value, and the program of its `@example`, '' where it has none. */
export interface Export {
  /** As a user writes it: `nn.linear`. */
  readonly name: string;
  /** File and line of its declaration. */
  readonly at: string;
  readonly program: string;
}

const CODE = /^```ts\n([\s\S]*?)\n```$/;

/** What a program says behind its statements that it prints: `console.log(f(2)); // 4`. */
export function printsOf(program: string): string[] {
  return [...program.matchAll(/\); \/\/ (.*)$/gm)].map(([, said]) => said);
}

/** Every export of a module that is a value, those of namespaces by their path. */
export function exportsOf(entry: string): Export[] {
  // Names and comments are asked for, and no types: what would have to be read for these is left out.
  const program = ts.createProgram([join(ROOT, entry)], {
    module: ts.ModuleKind.NodeNext,
    noLib: true,
    types: [],
  });
  const checker = program.getTypeChecker();
  const walk = (module: ts.Symbol, prefix: string): Export[] =>
    checker.getExportsOfModule(module).flatMap((given) => {
      const symbol = given.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(given) : given;
      if (!(symbol.flags & ts.SymbolFlags.Value) || isTypeOnly(given)) return [];
      const name = prefix + given.name;
      if (symbol.flags & ts.SymbolFlags.ValueModule) return walk(symbol, `${name}.`);
      return [{ name, at: placeOf(symbol), program: exampleOf(symbol, checker) }];
    });
  return walk(checker.getSymbolAtLocation(program.getSourceFile(join(ROOT, entry))!)!, '');
}

/** `export type { Eager }` of a class is a type for users. */
function isTypeOnly(symbol: ts.Symbol): boolean {
  return !!symbol.declarations?.some((declaration) => ts.isTypeOnlyExportDeclaration(declaration));
}

function placeOf(symbol: ts.Symbol): string {
  const declaration = symbol.valueDeclaration ?? symbol.declarations![0];
  const file = declaration.getSourceFile();
  const { line } = file.getLineAndCharacterOfPosition(declaration.getStart());
  return `${relative(ROOT, file.fileName)}:${line + 1}`;
}

function exampleOf(symbol: ts.Symbol, checker: ts.TypeChecker): string {
  const tags = symbol.getJsDocTags(checker).filter(({ name }) => name === 'example');
  const texts = tags.map(({ text }) => ts.displayPartsToString(text).trim());
  return texts.map((text) => CODE.exec(text)?.[1] ?? '').join('\n');
}
