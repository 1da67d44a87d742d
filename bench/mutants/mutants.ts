/** A change that breaks the compiler or the runtime, and the tests that have to notice. */
export interface Mutant {
  /** What goes wrong, in some words. */
  readonly what: string;
  /** Path from the root. */
  readonly file: string;
  /** Text that stands once in the file, and what takes its place. */
  readonly before: string;
  readonly after: string;
  /** Test files or folders, those first that should notice soonest. */
  readonly tests: readonly string[];
}

/** Faults that somebody could make; each list is a folder's. */
export const MUTANTS: readonly Mutant[] = [
  {
    what: 'a power of two beyond the smallest normal number becomes a factor',
    file: 'src/optimize/simplify-arithmetic.ts',
    before: 'Math.abs(k) <= 126',
    after: 'Math.abs(k) <= 149',
    tests: ['test/optimize'],
  },
];
