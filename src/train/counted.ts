import { countedTerms } from '../ops/counted.js';
import type { Tensor } from '../ops/tensor.js';
import { numel } from '../shape.js';
import { countName, termName } from './count-names.js';

/** Outputs that say how much counts in a batch, for a value of which the mean is taken over batches; none where all rows do. */
export function countedOutputs(name: string, value: Tensor): Record<string, Tensor> {
  if (value.dtype !== 'f32' || numel(value.shape) !== 1) return {};
  const terms = countedTerms(value) ?? [];
  const outputs = new Map<string, Tensor>();
  terms.forEach((term, i) => {
    if (terms.length > 1) outputs.set(termName(name, i), term.value);
    if (term.count) outputs.set(countName(name, i), term.count);
  });
  return Object.fromEntries(outputs);
}
