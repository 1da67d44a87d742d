import { type Mutant, mutantsOf } from '../mutant.js';

export const emit: readonly Mutant[] = [
  ...mutantsOf(
    'src/emit/milestones.ts',
    ['test/distributed/progress.test.ts'],
    [
      ['all of a list is sent at the first look', 'ends[i] = end;', 'ends[i] = bytes;'],
      [
        'nothing of a list is sent before its end',
        'const more = end - bytes >= piece;',
        'const more = false;',
      ],
    ],
  ),
  ...mutantsOf(
    'src/emit/code.ts',
    ['test/emit'],
    [['a name of a user ends its comment', "replaceAll('*/', '*\\\\/')", "replaceAll('*/', '*/')"]],
  ),
  ...mutantsOf(
    'src/emit/functions.ts',
    ['test/emit'],
    [
      ['kernels never share a function', 'share ? samePrograms(uses)', 'false ? samePrograms(uses)'],
      [
        'an address that differs is taken for one that all have in common',
        'list.every((address) => address === list[0])',
        'true',
      ],
      [
        'parts of a buffer are told apart by nothing',
        'plus(constant, bytes + 4 * element)',
        'plus(constant, bytes)',
      ],
    ],
  ),
  ...mutantsOf(
    'src/emit/share.ts',
    ['test/emit'],
    [
      [
        'all calls of long kernels count their parts in one cell',
        '[taken, cell, ...addresses]',
        '[taken, PARTS, ...addresses]',
      ],
    ],
  ),
  ...mutantsOf(
    'src/emit/entry.ts',
    ['test/emit', 'test/schedule'],
    [['threads meet nowhere', "lines.push('barrier();');\n        meetings.meet();", 'meetings.meet();']],
  ),
  ...mutantsOf(
    'src/emit/meetings.ts',
    ['test/emit', 'test/schedule'],
    [
      [
        'threads do not meet before what one of them has read is overwritten',
        ' || met(this.read, writes)',
        '',
      ],
      [
        'threads do not meet before what one of them has written is read',
        '[...writes, ...reads])',
        'writes)',
      ],
    ],
  ),
  ...mutantsOf(
    'src/emit/elements.ts',
    ['test/emit/elements.test.ts', 'test/emit/barriers.test.ts'],
    [
      ['parts of one value count as all of it', 'runsOf(set) > 1)', 'runsOf(set) > Infinity)'],
      ['elements of two sets are in neither', 'split.has(old)', 'split.size > 0'],
    ],
  ),
  ...mutantsOf(
    'src/emit/second-thread.ts',
    ['test/emit'],
    [
      ['two threads do what waits for each other', ' || overlap(a.writes, b.reads)', ''],
      [
        'the second thread makes what the first one needs next',
        'group.members.some(({ stores }) => stores.some(isResult))',
        'false',
      ],
      [
        'the second thread makes what the first reads that is too far behind to be compared',
        'for (const { touched } of beyond) later.run({ touched, threads: 2 });',
        '',
      ],
    ],
  ),
  ...mutantsOf(
    'src/emit/poison.ts',
    ['test/emit/poison.test.ts'],
    [['memory that others have taken over is poisoned', 'b.from <= kernel && b.to > kernel', 'false']],
  ),
];
