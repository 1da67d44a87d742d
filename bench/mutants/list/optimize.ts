import { type Mutant, mutantsOf } from '../mutant.js';

export const optimize: readonly Mutant[] = [
  ...mutantsOf(
    'src/optimize/centred-sums.ts',
    ['test/nn/images.test.ts'],
    [['what is added twice is taken off', "(is(centred, 'sub') ? 1 : -1) * sign", 'sign']],
  ),
  ...mutantsOf(
    'src/optimize/common-subexpressions.ts',
    ['test/optimize'],
    [
      ['every op is taken for commutative', 'if (node.op.commutative) inputs', 'inputs'],
      ['attributes are not compared', 'attrsText(node.attrs)}', "''}"],
    ],
  ),
  ...mutantsOf(
    'src/optimize/fold-transposes.ts',
    ['test/optimize'],
    [
      ['a transpose that others read is folded too', 'readers.get(before.inputs[0]) === 1', 'true'],
      [
        'a product turned around keeps its flags',
        '{ transposeA: !transposeB, transposeB: !transposeA }',
        '{ transposeA, transposeB }',
      ],
      [
        'a transpose of outer axes counts as one of the last two',
        'perm.slice(0, -2).every((axis, i) => axis === i)',
        'true',
      ],
    ],
  ),
  ...mutantsOf(
    'src/optimize/simplify-movement.ts',
    ['test/optimize'],
    [
      [
        'a slice of a slice begins where the outer one does',
        'starts.map((s, i) => s + inner[i])',
        'starts.map((s) => s)',
      ],
      ['two transposes become the outer one', 'perm.map((axis) => inner[axis])', 'perm.map((axis) => axis)'],
      ['a slice of padding is taken for the whole', 'sameShape(starts, before!)', 'true'],
    ],
  ),
  ...mutantsOf(
    'src/optimize/implicit-broadcasts.ts',
    ['test/optimize'],
    [['a product repeats its matrices', 'x.shape.length >= 2 &&', 'true ||']],
  ),
  ...mutantsOf(
    'src/optimize/dead-code.ts',
    ['test/optimize'],
    [['updates go with dead code', 'u.variable !== u.value', 'false']],
  ),
  ...mutantsOf(
    'src/optimize/attention/seen.ts',
    ['test/optimize/block-attention.test.ts'],
    [
      [
        'the tile that holds a last key is left out',
        'while (last > 1 && isHidden(last - 1)) last--;',
        'last = Math.max(1, last - 1);',
      ],
    ],
  ),
  ...mutantsOf(
    'src/optimize/attention/axes.ts',
    ['test/optimize/block-attention.test.ts'],
    [
      [
        'a product with transposed weights sums over keys',
        'at === 0 ? !transposeA : transposeB',
        'at === 0 ? transposeA : transposeB',
      ],
    ],
  ),
  ...mutantsOf(
    'src/optimize/attention/build.ts',
    ['test/optimize/block-attention.test.ts'],
    [['sums of blocks are put at the first key', 'seen!, cut.runs[i].keys[0])', 'seen!, 0)']],
  ),
];
