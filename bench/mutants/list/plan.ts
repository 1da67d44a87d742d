import { type Mutant, mutantsOf } from '../mutant.js';

export const plan: readonly Mutant[] = [
  ...mutantsOf(
    'src/plan/budget.ts',
    ['test/plan/budget.test.ts'],
    [
      [
        'what comes out above the budget stays',
        'if (made.peak <= most) return made.entry;',
        'if (made.entry) return made.entry;',
      ],
    ],
  ),
  ...mutantsOf(
    'src/plan/arena.ts',
    ['test/plan'],
    [
      [
        'buffers that live at one time share bytes',
        'rival.from > slot.to || slot.from > rival.to',
        'rival.from >= slot.to || slot.from >= rival.to',
      ],
      [
        'a gap is taken that is too small',
        'if (offset + slot.bytes <= at) break;',
        'if (offset < at) break;',
      ],
      ['only the first way to place is tried', 'if (topOf(best) === bound) break;', 'break;'],
    ],
  ),
  ...mutantsOf(
    'src/plan/plan.ts',
    ['test/plan'],
    [['memory beyond 32 bits is planned', 'if (bytes <= MAX_MEMORY) return;', 'return;']],
  ),
];
