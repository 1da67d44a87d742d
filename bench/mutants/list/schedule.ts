import { type Mutant, mutantsOf } from '../mutant.js';

export const schedule: readonly Mutant[] = [
  ...mutantsOf(
    'src/schedule/pieces.ts',
    ['test/schedule/pieces.test.ts'],
    [
      [
        'pieces of an output are made where they came',
        'if (!pieces.includes(true)) return order;',
        'return order;',
      ],
    ],
  ),
  ...mutantsOf(
    'src/schedule/remake-events.ts',
    ['test/plan/budget.test.ts', 'test/train/memory.test.ts'],
    [
      [
        'a reader at the place where memory is given up finds what is made later',
        'place > after',
        'place >= after',
      ],
      [
        'what is made again reads what is not made yet',
        'for (const load of slice.loads) need(load, place);',
        '',
      ],
      [
        'bytes that live while a value is made again do not count',
        'if (traffic) places[',
        'if (traffic && false) places[',
      ],
    ],
  ),
  ...mutantsOf(
    'src/schedule/remake-graph.ts',
    ['test/train/memory.test.ts'],
    [
      [
        'later readers find what was kept',
        'if (!isRemade(story, dropped, node, place)) return',
        'if (node) return',
      ],
      [
        'readers of a cluster that was written anew find the old one',
        'if (own && image !== node) this.images.set(node, image);',
        '',
      ],
    ],
  ),
  ...mutantsOf(
    'src/schedule/remake-choice.ts',
    ['test/plan/budget.test.ts'],
    [
      [
        'another place may get above the budget',
        'excess < this.excess && !isDear && !this.isWorse(outcome.profile)',
        'excess < this.excess',
      ],
      ['what spares least for its time goes first', 'rank(b) - rank(a)', 'rank(a) - rank(b)'],
    ],
  ),
  ...mutantsOf(
    'src/schedule/along.ts',
    ['test/schedule/groups.test.ts'],
    [
      ['a group writes shifted columns', ' || walk.offset % whole !== 0', ''],
      [
        'a row of a tile reaches into the next',
        '(other.size - 1), 0) < stride;',
        '(other.size - 1), 0) <= stride;',
      ],
    ],
  ),
  ...mutantsOf(
    'src/schedule/groups.ts',
    ['test/schedule/groups.test.ts'],
    [
      [
        'a group overwrites what another tile reads',
        'w.members.size < 2 || keepApart(w.walks, size)',
        'true',
      ],
      ['a variable and its new value are two places', "return at && 'name' in at ?", 'return false ?'],
    ],
  ),
  ...mutantsOf(
    'src/schedule/strided-stores.ts',
    ['test/schedule/strided-stores.test.ts'],
    [
      [
        'a second place of a value is not looked at',
        'others.every((reader) => mayRead(',
        'others.some((reader) => mayRead(',
      ],
    ],
  ),
  ...mutantsOf(
    'src/schedule/prologues.ts',
    ['test/schedule/prologues.test.ts'],
    [
      ['a value that an epilogue reads is not stored', 'if (behind.includes(value)) return null;', ''],
      [
        'what reads a value is taken to be as it was',
        '[...new Set(this.readers.get(node))].filter((at) => this.drafts[at]?.loads.includes(node))',
        '[...new Set(this.readers.get(node))]',
      ],
    ],
  ),
  ...mutantsOf(
    'src/schedule/liveness.ts',
    ['test/schedule/order.test.ts'],
    [
      [
        'room for a whole is taken with each part',
        'if (begun[value]++ === 0) this',
        'begun[value]++;\n      this',
      ],
    ],
  ),
  ...mutantsOf(
    'src/schedule/liveness.ts',
    ['test/schedule', 'test/plan'],
    [
      ['a value dies one reader early', 'of reads) left[value]--;', 'of reads) left[value] -= 2;'],
      [
        'two values take over the memory of one',
        'if (this.left[value] === 0 && !this.taken.has(value)) return value;',
        'if (this.left[value] === 0) return value;',
      ],
    ],
  ),
  ...mutantsOf(
    'src/schedule/fuse.ts',
    ['test/schedule'],
    [
      ['a node joins over a kernel that has to run in between', 'order.waitsFor([node], cluster)', 'false'],
      ['outputs are not placed', 'for (const root of roots(graph)) placeSource(root, placed);', ''],
      ['costly nodes wait for their readers too', 'lower.cost > 2', 'lower.cost > 200'],
      ['nests never join their siblings', 'a.id), ...siblings]', 'a.id)]'],
    ],
  ),
  ...mutantsOf(
    'src/schedule/common-reads.ts',
    ['test/schedule'],
    [
      [
        'elements at another offset count as the same',
        'this.readers.get(source)?.get(offset)?.last() ?? []',
        '[...(this.readers.get(source)?.values() ?? [])].flatMap((r) => r.last())',
      ],
    ],
  ),
  ...mutantsOf(
    'src/schedule/precedence.ts',
    ['test/schedule'],
    [['the order stays as it is when more is said', 'this.ranks.set(m, ranks[i]);', ';']],
  ),
  ...mutantsOf(
    'src/schedule/cluster.ts',
    ['test/schedule', 'test/property'],
    [
      [
        'a member reads from registers what lies elsewhere',
        'if (read.strides.some((s, i) => s !== expected[i]))',
        'if (read.strides.some((s, i) => s > expected[i]))',
      ],
      [
        'reductions over other axes share loops',
        'r !== cluster.reduced[i] && cluster.domain[i] !== 1',
        'false',
      ],
      [
        'a gather reads indices that its own kernel makes',
        "if (member.node.op.lower.kind === 'gather') return 'indices must be in memory';",
        '',
      ],
      [
        'a product is reduced while it is made',
        "if (cluster.kind === 'gemm') return 'a product is not reduced while it is made';",
        '',
      ],
      [
        'a row reads single elements',
        "if (elementwise && member.level === 'row') return 'a row cannot read single elements';\n    const expected",
        'const expected',
      ],
      ['kernels have no most members', 'cluster.members.size >= MAX_MEMBERS', 'false'],
    ],
  ),
  ...mutantsOf(
    'src/schedule/merge.ts',
    ['test/schedule', 'test/property'],
    [
      [
        'kernels merge over one that has to run in between',
        'order.waitsFor(members, into, cluster)',
        'false',
      ],
      [
        'members come before what they are made of',
        'if (earlier.flatMap(sourcesOf).some((source) => added.includes(source))) return false;',
        '',
      ],
      ['kernels do not merge', "into.kind === 'nest' &&", 'false &&'],
    ],
  ),
  ...mutantsOf(
    'src/schedule/recompute.ts',
    ['test/schedule'],
    [
      ['nothing is too much to make again', 'const BUDGET = 3;', 'const BUDGET = 3000;'],
      ['nothing is made again', 'const BUDGET = 3;', 'const BUDGET = 0;'],
      ['a value made again is also stored', 'cluster.members.delete(node);', ''],
    ],
  ),
  ...mutantsOf(
    'src/schedule/legalize.ts',
    ['test/schedule'],
    [
      ['a scatter walks transposed rows as they lie', 'isContiguous(input) ? input : copied(input)', 'input'],
      ['a part of a tensor counts as the whole', 'whole && offset === 0', 'offset === 0'],
    ],
  ),
  ...mutantsOf(
    'src/schedule/unit-reductions.ts',
    ['test/schedule'],
    [['reductions over one axis of one element drop the others', 'axes.every(', 'axes.some(']],
  ),
  ...mutantsOf(
    'src/schedule/in-place.ts',
    ['test/schedule'],
    [
      ['rows are summed where their indices lie', ' && kernel.ids.source !== old', ''],
      ['a table is read where its result lies', '(node) => node === old', '() => false'],
    ],
  ),
  ...mutantsOf(
    'src/schedule/order.ts',
    ['test/schedule'],
    [
      [
        'a variable is overwritten before all have read it',
        'if (writer !== undefined && writer !== i) waits[writer].add(i);',
        '',
      ],
    ],
  ),
  ...mutantsOf(
    'src/schedule/moves.ts',
    ['test/schedule'],
    [
      [
        'kernels stay where they are',
        'if (best) this.take(best);\n    return best !== undefined;',
        'return false;',
      ],
      [
        'a kernel moves before what it waits for',
        'this.group.reach(readers, this.waits,',
        'this.group.reach(readers, this.followers,',
      ],
      ['a kernel moves behind what waits for it', 'group.hasAny(this.waits[order[end]])', 'false'],
    ],
  ),
  ...mutantsOf(
    'src/schedule/list-schedule.ts',
    ['test/schedule'],
    [['a way is not measured again when its values die', 'others.size <= LOOKAHEAD', 'others.size < 0']],
  ),
  ...mutantsOf(
    'src/schedule/panels.ts',
    ['test/schedule/panels.test.ts'],
    [['a matrix lies in panels that another kernel reads by rows', 'if (!roles) refused.add(at.name);', '']],
  ),
];
