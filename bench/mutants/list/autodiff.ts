import { type Mutant, mutantsOf } from '../mutant.js';

export const autodiff: readonly Mutant[] = [
  ...mutantsOf(
    'src/autodiff/gradients.ts',
    ['test/autodiff'],
    [['a second path to a tensor replaces the first', 'before ? add(before, flow) : flow', 'flow']],
  ),
];
