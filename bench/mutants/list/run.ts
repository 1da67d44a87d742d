import { type Mutant, mutantsOf } from '../mutant.js';

export const run: readonly Mutant[] = [
  ...mutantsOf(
    'src/run/engine.ts',
    ['test/train/panels.test.ts'],
    [['users read a variable as it lies', 'if (!panels) return view;', 'return view;']],
  ),
];
