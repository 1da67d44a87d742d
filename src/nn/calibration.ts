import type { Tensor, Variable } from '../ops/tensor.js';

/** The running statistics of a batch norm. */
export interface Running {
  readonly mean: Variable;
  readonly variance: Variable;
}

/** Is told what goes into each batch norm that is in use, in the order in which the model runs them. */
export type NormObserver = (running: Running, x: Tensor) => void;

let current: NormObserver | null = null;

export function normObserver(): NormObserver | null {
  return current;
}

/** Runs `f`, in which batch norms tell `observe` what goes into them. */
export function withNormObserver<T>(observe: NormObserver, f: () => T): T {
  const before = current;
  current = observe;
  try {
    return f();
  } finally {
    current = before;
  }
}
