/** A change that breaks the compiler or the runtime, and the tests that have to notice. */
export interface Mutant {
  /** What goes wrong, in some words. */
  readonly what: string;
  /** Path from the root. */
  readonly file: string;
  /** Text that stands once in the file, and what takes its place. */
  readonly before: string;
  readonly after: string;
  /** Test files or folders. */
  readonly tests: readonly string[];
}

type Change = readonly [what: string, before: string, after: string, ...tests: string[]];

/** The mutants of a file, each with these tests unless it has its own. */
export const mutantsOf = (file: string, tests: readonly string[], changes: readonly Change[]): Mutant[] =>
  changes.map(([what, before, after, ...own]) => ({
    what,
    file,
    before,
    after,
    tests: own.length ? own : tests,
  }));
