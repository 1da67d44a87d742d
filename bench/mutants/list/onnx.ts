import { type Mutant, mutantsOf } from '../mutant.js';

const patterns = ['test/onnx/patterns.test.ts'];

export const onnx: readonly Mutant[] = [
  ...mutantsOf('src/onnx/patterns.ts', patterns, [
    ['exponentials may be read elsewhere', '!found || reads(e) !== 2', '!found'],
    ['any sum will do', "is(of, 'sum') && isOver(of, axis)", "is(of, 'sum')"],
    [
      'a query may see nothing',
      '!isTotal(total) && !(guarded && showsSome(x))',
      '!isTotal(total) && !guarded',
    ],
    ['a mask is left out', 'mask && !causal ? [q, k, v, mask]', 'mask === undefined ? [q, k, v, mask]'],
  ]),
  ...mutantsOf('src/onnx/pools.ts', patterns, [
    ['room is left out', 'before: sizes[inner - 1] ?? 0', 'before: 0'],
    ['who asks for the place is overlooked', 'reads(chosen) !== 1', 'reads(chosen) < 1'],
  ]),
  ...mutantsOf(
    'src/onnx/rows.ts',
    ['test/onnx/export.test.ts'],
    [
      [
        'constants that differ are taken as they are',
        'this.ofRows(x, sizes, { at, where }) : null;',
        'this.ofRows(x, sizes, { at, where }) : name;',
      ],
    ],
  ),
];
