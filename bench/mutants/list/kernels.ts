import { type Mutant, mutantsOf } from '../mutant.js';

export const kernels: readonly Mutant[] = [
  ...mutantsOf(
    'src/kernels/regions.ts',
    ['test/kernels/regions.test.ts'],
    [
      [
        'loops run on from one row of a part to what lies beside it',
        'last.some((at, axis) => at >= region.sizes[axis])',
        'false',
      ],
    ],
  ),
  ...mutantsOf(
    'src/kernels/region-reads.ts',
    ['test/schedule/strided-stores.test.ts'],
    [
      [
        'a table that rows are gathered from lies in a part',
        "fixed: node.op.lower.kind === 'gather' && i === 0,",
        'fixed: false,',
      ],
      ['a sum takes its elements as they lie', ' || passes(kernel, [access]);', ' || true;'],
    ],
  ),
  ...mutantsOf(
    'src/kernels/index-map.ts',
    ['test/schedule/index-maps.test.ts'],
    [
      [
        'an axis of an operand goes on in the next row of a copy',
        'last.some((at, i) => at >= domain[i])',
        'last.some((at, i) => at > domain[i])',
      ],
    ],
  ),
  ...mutantsOf(
    'src/kernels/stages.ts',
    ['test/schedule'],
    [
      ['a reduction is known in its own stage', "made.level === 'reduce' ? 1 : 0", '0'],
      ['what a later stage needs is never stored', 'uses <= 1 ||', 'true ||'],
    ],
  ),
  ...mutantsOf(
    'src/kernels/view.ts',
    ['test/schedule'],
    [
      [
        'what no strides express is not copied',
        "node.op.lower.kind === 'movement' && viewOf(node).source === node",
        'false',
      ],
    ],
  ),
  ...mutantsOf(
    'src/kernels/tiling.ts',
    ['test/schedule'],
    [
      ['k is never cut', 'const PANEL_BYTES = 20 * 1024;', 'const PANEL_BYTES = 2000 * 1024;'],
      [
        'long epilogues stay in registers',
        'const REGISTER_EPILOGUE = 16;',
        'const REGISTER_EPILOGUE = 1600;',
      ],
    ],
  ),
  ...mutantsOf(
    'src/kernels/cost.ts',
    ['test/schedule', 'test/emit'],
    [
      ['kernels are shared whatever their work', 'if (share <= 0) return units;', 'return units;'],
      [
        'long kernels are not shared in parts',
        'const PARTS_FROM = 200_000;',
        'const PARTS_FROM = 200_000_000_000;',
      ],
    ],
  ),
  ...mutantsOf(
    'src/kernels/sum-order.ts',
    ['test/property/sum-bits.test.ts'],
    [
      [
        'axes that no loop passes as one are cut as one',
        'if (cut && !passAsOne(loops, cut, reads)) return false;',
        '',
      ],
    ],
  ),
];
