import { type Mutant, mutantsOf } from '../mutant.js';

export const assembly: readonly Mutant[] = [
  ...mutantsOf(
    'assembly/lanes.ts',
    ['test/emit/ops.test.ts'],
    [
      ['three lanes are written as two', 'if (n == 3) v128.store32_lane(to + 8, x, 2);', ''],
      [
        'the last lane of a strided load is left out',
        'if (n > 3) x = v128.load32_lane(from + 3 * stride, x, 3);',
        '',
      ],
      [
        'a maximum looks at half of the lanes',
        'return f32x4.pmax(pairs, v128.shuffle<f32>(pairs, pairs, 1, 0, 3, 2));',
        'return pairs;',
      ],
    ],
  ),
  ...mutantsOf(
    'assembly/pack.ts',
    ['test/train/panels.test.ts'],
    [
      [
        'columns of panels are taken from the next one',
        'from += first / PANEL * size;',
        'from += (first + 1) / PANEL * size;',
      ],
    ],
  ),
  ...mutantsOf(
    'assembly/pack.ts',
    ['test/emit', 'test/ops'],
    [
      [
        'rest of columns are packed from the first row',
        'store<f32>(to, load<f32>(row2 + at), 8);',
        'store<f32>(to, load<f32>(row0 + at), 8);',
      ],
    ],
  ),
];
