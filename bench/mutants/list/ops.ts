import { type Mutant, mutantsOf } from '../mutant.js';

export const ops: readonly Mutant[] = [
  ...mutantsOf(
    'src/ops/convolution.ts',
    ['test/ops/images.test.ts'],
    [
      ['filters are not turned round for the image', 'reshape(flippedKernel(w), [', 'reshape(w, ['],
      ['the first window of a cotangent begins too early', 'spans[i] - 1 - before[i]', 'spans[i] - 1'],
    ],
  ),
  ...mutantsOf(
    'src/ops/pool.ts',
    ['test/ops/pool.test.ts'],
    [['padding counts as 0', 'toTensor(Number.NEGATIVE_INFINITY)', 'toTensor(0)']],
  ),
  ...mutantsOf(
    'src/ops/window.ts',
    ['test/ops/forward.test.ts', 'test/emit/ops.test.ts'],
    [['windows leave no places out', 'of[axis] * dilations[i])', 'of[axis])']],
  ),
  ...mutantsOf(
    'src/ops/scan-vjp.ts',
    ['test/scan'],
    [
      ['the gradient of a scan runs the same way', 'reverse: !way.reverse,', 'reverse: way.reverse,'],
      ['what a step found is taken for what is the same in each', 'same: given.same.map(identity)', 'same: given.same'],
    ],
  ),
];
