import { type Mutant, mutantsOf } from '../mutant.js';

export const graph: readonly Mutant[] = [
  ...mutantsOf(
    'src/graph/indices.ts',
    ['test/train/computed-indices.test.ts'],
    [['elements that repeat count as many', 'repeats ? 0 :', '']],
  ),
];
