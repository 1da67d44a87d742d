/** What a module calls of assembly/, by file, as those say who write the calls. */
export class Imports {
  private readonly files = new Map<string, Set<string>>();

  add(file: string, ...names: readonly string[]): void {
    const known = this.files.get(file) ?? new Set();
    for (const name of names) known.add(name);
    this.files.set(file, known);
  }

  get lines(): string[] {
    const sorted = [...this.files].sort(([a], [b]) => (a < b ? -1 : 1));
    return sorted.map(([file, names]) => `import { ${[...names].sort().join(', ')} } from './${file}';`);
  }
}
