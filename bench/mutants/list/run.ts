import { type Mutant, mutantsOf } from '../mutant.js';

export const run: readonly Mutant[] = [
  ...mutantsOf(
    'src/run/engine.ts',
    ['test/train/panels.test.ts'],
    [['users read a variable as it lies', 'if (!panels) return view;', 'return view;']],
  ),
  ...mutantsOf(
    'src/run/cache-folder.ts',
    ['test/run/cache-folder.test.ts'],
    [
      [
        'a folder of XDG_CACHE_HOME that cannot be made ends nothing',
        '    return undefined;\n',
        '    throw error;\n',
      ],
      ['a warning comes once', '  if (warned) return;\n', ''],
    ],
  ),
  ...mutantsOf(
    'src/run/cache-contents.ts',
    ['test/run/cache-contents.test.ts'],
    [
      ['what only has the name of a module is left alone', 'about?.isFile() &&', 'about &&'],
      ['a draft that is being written is left alone', '!isModule && Date.now()', 'false && Date.now()'],
    ],
  ),
];
