import { type Mutant, mutantsOf } from '../mutant.js';

export const root: readonly Mutant[] = [
  ...mutantsOf(
    'src/memory-size.ts',
    ['test/memory-size.test.ts'],
    [['a MiB is a million bytes', 'isBinary ? 1024 : 1000', 'isBinary ? 1000 : 1000']],
  ),
  ...mutantsOf(
    'src/shape.ts',
    ['test/ops', 'test/schedule'],
    [
      [
        'a slice begins at its start on the last axis alone',
        'sum + place * strides[axis]',
        'place * strides[axis]',
      ],
      [
        'axes that are apart are walked as one',
        'if (axes[last - 1].stride !== stride * size) return null;',
        '',
      ],
    ],
  ),
  ...mutantsOf(
    'src/printable.ts',
    ['test/printable.test.ts'],
    [['controls are printed', '[\\p{Cc}\\p{Cs}', '[\\p{Cs}']],
  ),
];
