import type { VariableDescription } from './description.js';
import type { Numbers } from './engine.js';

/**
 * Names of the variables that no training can go on with: parameters and the optimizer's state that hold Infinity or
 * NaN, and other state that holds NaN (Infinity has its use there, as in a mask).
 */
export function brokenVariables(
  variables: readonly VariableDescription[],
  read: (name: string) => Numbers,
): string[] {
  return variables
    .filter(({ name, role, dtype }) => {
      if (dtype !== 'f32') return false;
      const values = read(name);
      const strict = role === 'parameter' || name.startsWith('optimizer.');
      return !allFinite(values) && (strict || values.some(Number.isNaN));
    })
    .map(({ name }) => name);
}

/** Whether no element is Infinity or NaN: these alone times 0 are not 0. Four sums, so that none waits for the last. */
function allFinite(values: Numbers): boolean {
  let [a, b, c, d] = [0, 0, 0, 0];
  let i = 0;
  for (; i + 4 <= values.length; i += 4) {
    a += values[i] * 0;
    b += values[i + 1] * 0;
    c += values[i + 2] * 0;
    d += values[i + 3] * 0;
  }
  for (; i < values.length; i++) a += values[i] * 0;
  return a + b + c + d === 0;
}
