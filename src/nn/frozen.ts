import type { Variable } from '../ops/tensor.js';

let current: ReadonlySet<Variable> = new Set();

/** Whether a variable stays as it is in the step that is being made. */
export const isFrozen = (variable: Variable): boolean => current.has(variable);

/** Runs `f`, in which layers take these variables for frozen. */
export function withFrozen<T>(frozen: ReadonlySet<Variable>, f: () => T): T {
  const before = current;
  current = frozen;
  try {
    return f();
  } finally {
    current = before;
  }
}
