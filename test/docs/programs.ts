import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import ts from 'typescript';
import { npm, tarball } from '../package/npm.js';
import { ROOT } from './pages.js';

/** A program that the docs show, under a path without a suffix, and what it is said to print. */
export interface Program {
  readonly path: string;
  readonly program: string;
}

/** Programs as files in a project of their own, into which the packed package is installed. */
export class Programs {
  private readonly folder: string;

  constructor(
    name: string,
    private readonly all: readonly Program[],
  ) {
    this.folder = join(ROOT, 'build', name);
    rmSync(this.folder, { recursive: true, force: true });
    for (const { path, program } of all) {
      mkdirSync(dirname(this.fileOf(path)), { recursive: true });
      // With an import or export it is a module, whose names are its own.
      writeFileSync(this.fileOf(path), `${program}\nexport {};\n`);
    }
  }

  /** Has the tarball installed, which the programs import by its name. */
  async install(): Promise<void> {
    writeFileSync(join(this.folder, 'package.json'), '{ "name": "app", "private": true, "type": "module" }');
    await npm(this.folder, 'install', '--prefer-offline', await tarball());
  }

  private fileOf(path: string): string {
    return join(this.folder, `${path}.ts`);
  }

  /** What the compiler says of them, as it would to a strict user who gets our declarations. */
  typeErrors(): string[] {
    const program = ts.createProgram(
      this.all.map(({ path }) => this.fileOf(path)),
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
    return ts.getPreEmitDiagnostics(program).map(({ file, messageText }) => {
      return `${file?.fileName ?? ''}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`;
    });
  }

  /** The lines that each prints, one after the other in one process, which has the compiler loaded once. */
  async printed(): Promise<Map<string, string[]>> {
    const runner = join(this.folder, 'run.mjs');
    const mark = '--- program ';
    const paths = JSON.stringify(this.all.map(({ path }) => [path, pathToFileURL(this.fileOf(path)).href]));
    writeFileSync(
      runner,
      `for (const [path, url] of ${paths}) {\n  console.log('${mark}' + path);\n  await import(url);\n}\n`,
    );
    const work = mkdtempSync(join(tmpdir(), '2headgrad-docs-'));
    try {
      const args = ['--import', import.meta.resolve('tsx'), runner];
      const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: work, maxBuffer: 2 ** 24 });
      return new Map(
        stdout
          .split(mark)
          .slice(1)
          .map((part) => part.trimEnd().split('\n'))
          .map(([path, ...lines]) => [path, lines]),
      );
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
  }
}
