import { type Mutant, mutantsOf } from '../mutant.js';

export const loops: readonly Mutant[] = [
  ...mutantsOf(
    'src/loops/index-map.ts',
    ['test/emit/index-maps.test.ts'],
    [
      [
        'a run that begins inside of one is a whole one',
        "min(binary(size, '-', 'inside'), binary('stop', '-', 'step'))",
        "min(size, binary('stop', '-', 'step'))",
      ],
    ],
  ),
  ...mutantsOf(
    'src/loops/prologue.ts',
    ['test/emit/prologues.test.ts'],
    [['four lines go on in the next part of an axis', 'this.lines.at(-1)! % 4 === 0', 'true']],
  ),
  ...mutantsOf(
    'src/loops/query.ts',
    ['test/loops', 'test/emit'],
    [
      ['what a loop counts along is no part of a program', 'statement.along?.from', 'undefined'],
      ['functions of tiles import nothing', '...functions.map((f) => f.body)', ''],
    ],
  ),
  ...mutantsOf(
    'src/loops/in-place.ts',
    ['test/loops'],
    [
      ['what is read after it is written is safe', 'first.order <= store.order', 'true'],
      ['turns of a loop never touch the same element', 'if (by < span) return told;', ''],
      ['threads wait for each other', 'threads && !around', 'false && !around'],
      ['a stride is a base though its rows run into each other', 'high + bytes <= base', 'true'],
      ['offsets within a buffer do not count', '4 * buffers[access.buffer].element', '0'],
    ],
  ),
  ...mutantsOf(
    'src/loops/print.ts',
    ['test/loops', 'test/emit'],
    [
      ['programs that differ in the type of an op are one', 'e.from === e.to ? typed', 'true ? typed'],
      ['programs that differ in the type of a step are one', "dtype === 'f32' ? op", 'dtype ? op'],
    ],
  ),
  ...mutantsOf(
    'src/loops/nest.ts',
    ['test/emit/parts.test.ts'],
    [
      [
        'every part takes in what is left behind the last step',
        "[when(binary(PART, '==', cut.parts - 1), ...body)]",
        'body',
      ],
    ],
  ),
];
