/** A change that breaks the compiler or the runtime, and the tests that have to notice. */
export interface Mutant {
  /** What goes wrong, in some words. */
  readonly what: string;
  /** Path from the root. */
  readonly file: string;
  /** Text that stands once in the file, and what takes its place. */
  readonly before: string;
  readonly after: string;
  /** Test files or folders. */
  readonly tests: readonly string[];
}

type Change = readonly [what: string, before: string, after: string, ...tests: string[]];

const of = (file: string, tests: readonly string[], changes: readonly Change[]): Mutant[] =>
  changes.map(([what, before, after, ...own]) => ({
    what,
    file,
    before,
    after,
    tests: own.length ? own : tests,
  }));

/** Faults that somebody could make, by file. */
export const MUTANTS: readonly Mutant[] = [
  ...of(
    'src/autodiff/gradients.ts',
    ['test/autodiff'],
    [['a second path to a tensor replaces the first', 'before ? add(before, flow) : flow', 'flow']],
  ),
  ...of(
    'src/ops/convolution.ts',
    ['test/ops/images.test.ts'],
    [
      ['filters are not turned round for the image', 'reshape(flippedKernel(w), [', 'reshape(w, ['],
      ['the first window of a cotangent begins too early', 'spans[i] - 1 - before[i]', 'spans[i] - 1'],
    ],
  ),
  ...of(
    'src/ops/pool.ts',
    ['test/ops/pool.test.ts'],
    [['padding counts as 0', 'toTensor(Number.NEGATIVE_INFINITY)', 'toTensor(0)']],
  ),
  ...of(
    'src/ops/window.ts',
    ['test/ops/forward.test.ts', 'test/emit/ops.test.ts'],
    [['windows leave no places out', 'of[axis] * dilations[i])', 'of[axis])']],
  ),
  ...of(
    'src/graph/indices.ts',
    ['test/train/computed-indices.test.ts'],
    [['elements that repeat count as many', 'repeats ? 0 :', '']],
  ),
  ...of(
    'src/optimize/centred-sums.ts',
    ['test/nn/images.test.ts'],
    [['what is added twice is taken off', "(is(centred, 'sub') ? 1 : -1) * sign", 'sign']],
  ),
  ...of(
    'src/ops/scan-vjp.ts',
    ['test/scan'],
    [
      ['the gradient of a scan runs the same way', 'reverse: !reverse,', 'reverse,'],
      ['what a step found is taken for what is the same in each', 'same: same.map(identity)', 'same'],
    ],
  ),
  ...of(
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
  ...of(
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
  ...of(
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
  ...of(
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
  ...of(
    'src/memory-size.ts',
    ['test/memory-size.test.ts'],
    [['a MiB is a million bytes', 'isBinary ? 1024 : 1000', 'isBinary ? 1000 : 1000']],
  ),
  ...of(
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
  ...of(
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
  ...of(
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
  ...of(
    'src/kernels/region-reads.ts',
    ['test/schedule/strided-stores.test.ts'],
    [
      [
        'a table that rows are gathered from lies in a part',
        "node.op.lower.kind === 'gather' && i === 0 }))",
        'false }))',
      ],
      ['a sum takes its elements as they lie', ' || passes(kernel, [access]);', ' || true;'],
    ],
  ),
  ...of(
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
  ...of(
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
  ...of(
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
  ...of(
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
  ...of(
    'src/loops/prologue.ts',
    ['test/emit/prologues.test.ts'],
    [['four lines go on in the next part of an axis', 'this.lines.at(-1)! % 4 === 0', 'true']],
  ),
  ...of(
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
  ...of(
    'src/optimize/common-subexpressions.ts',
    ['test/optimize'],
    [
      ['every op is taken for commutative', 'if (node.op.commutative) inputs', 'inputs'],
      ['attributes are not compared', 'attrsText(node.attrs)}', "''}"],
    ],
  ),
  ...of(
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
  ...of(
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
  ...of(
    'src/optimize/implicit-broadcasts.ts',
    ['test/optimize'],
    [['a product repeats its matrices', 'x.shape.length >= 2 &&', 'true ||']],
  ),
  ...of(
    'src/optimize/dead-code.ts',
    ['test/optimize'],
    [['updates go with dead code', 'u.variable !== u.value', 'false']],
  ),
  ...of(
    'src/schedule/fuse.ts',
    ['test/schedule'],
    [
      ['a node joins over a kernel that has to run in between', 'order.waitsFor([node], cluster)', 'false'],
      ['outputs are not placed', 'for (const root of roots(graph)) placeSource(root, placed);', ''],
      ['costly nodes wait for their readers too', 'lower.cost > 2', 'lower.cost > 200'],
      ['nests never join their siblings', 'a.id), ...siblings]', 'a.id)]'],
    ],
  ),
  ...of(
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
  ...of(
    'src/schedule/precedence.ts',
    ['test/schedule'],
    [['the order stays as it is when more is said', 'this.ranks.set(m, ranks[i]);', ';']],
  ),
  ...of(
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
  ...of(
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
  ...of(
    'src/schedule/recompute.ts',
    ['test/schedule'],
    [
      ['nothing is too much to make again', 'const BUDGET = 3;', 'const BUDGET = 3000;'],
      ['nothing is made again', 'const BUDGET = 3;', 'const BUDGET = 0;'],
      ['a value made again is also stored', 'cluster.members.delete(node);', ''],
    ],
  ),
  ...of(
    'src/kernels/stages.ts',
    ['test/schedule'],
    [
      ['a reduction is known in its own stage', "made.level === 'reduce' ? 1 : 0", '0'],
      ['what a later stage needs is never stored', 'uses <= 1 ||', 'true ||'],
    ],
  ),
  ...of(
    'src/shape.ts',
    ['test/ops', 'test/schedule'],
    [
      [
        'a slice begins at its start on the last axis alone',
        'sum + place * strides[axis]',
        'place * strides[axis]',
      ],
      [
        'axes that are apart are walked as one',
        'if (axes[last - 1].stride !== stride * size) return null;',
        '',
      ],
    ],
  ),
  ...of(
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
  ...of(
    'src/schedule/legalize.ts',
    ['test/schedule'],
    [
      ['a scatter walks transposed rows as they lie', 'isContiguous(input) ? input : copied(input)', 'input'],
      ['a part of a tensor counts as the whole', 'whole && offset === 0', 'offset === 0'],
    ],
  ),
  ...of(
    'src/schedule/unit-reductions.ts',
    ['test/schedule'],
    [['reductions over one axis of one element drop the others', 'axes.every(', 'axes.some(']],
  ),
  ...of(
    'src/schedule/in-place.ts',
    ['test/schedule'],
    [
      ['rows are summed where their indices lie', ' && kernel.ids.source !== old', ''],
      ['a table is read where its result lies', '(node) => node === old', '() => false'],
    ],
  ),
  ...of(
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
  ...of(
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
  ...of(
    'src/schedule/list-schedule.ts',
    ['test/schedule'],
    [['a way is not measured again when its values die', 'others.size <= LOOKAHEAD', 'others.size < 0']],
  ),
  ...of(
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
  ...of(
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
  ...of(
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
  ...of(
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
  ...of(
    'src/plan/plan.ts',
    ['test/plan'],
    [['memory beyond 32 bits is planned', 'if (bytes <= MAX_MEMORY) return;', 'return;']],
  ),
  ...of(
    'src/emit/code.ts',
    ['test/emit'],
    [['a name of a user ends its comment', "replaceAll('*/', '*\\\\/')", "replaceAll('*/', '*/')"]],
  ),
  ...of(
    'src/loops/query.ts',
    ['test/loops', 'test/emit'],
    [
      ['what a loop counts along is no part of a program', 'statement.along?.from', 'undefined'],
      ['functions of tiles import nothing', '...functions.map((f) => f.body)', ''],
    ],
  ),
  ...of(
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
  ...of(
    'src/loops/print.ts',
    ['test/loops', 'test/emit'],
    [
      ['programs that differ in the type of an op are one', 'e.from === e.to ? typed', 'true ? typed'],
      ['programs that differ in the type of a step are one', "dtype === 'f32' ? op", 'dtype ? op'],
    ],
  ),
  ...of(
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
  ...of(
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
  ...of(
    'src/emit/entry.ts',
    ['test/emit', 'test/schedule'],
    [['threads meet nowhere', "lines.push('barrier();');\n        meetings.meet();", 'meetings.meet();']],
  ),
  ...of(
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
  ...of(
    'src/emit/elements.ts',
    ['test/emit/elements.test.ts', 'test/emit/barriers.test.ts'],
    [
      ['parts of one value count as all of it', 'runsOf(set) > 1)', 'runsOf(set) > Infinity)'],
      ['elements of two sets are in neither', 'split.has(old)', 'split.size > 0'],
    ],
  ),
  ...of(
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
  ...of(
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
  ...of(
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
  ...of(
    'src/emit/poison.ts',
    ['test/emit/poison.test.ts'],
    [['memory that others have taken over is poisoned', 'b.from <= kernel && b.to > kernel', 'false']],
  ),
  ...of(
    'src/printable.ts',
    ['test/printable.test.ts'],
    [['controls are printed', '[\\p{Cc}\\p{Cs}', '[\\p{Cs}']],
  ),
  ...of(
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
  ...of(
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
  ...of(
    'src/run/engine.ts',
    ['test/train/panels.test.ts'],
    [['users read a variable as it lies', 'if (!panels) return view;', 'return view;']],
  ),
  ...of(
    'src/schedule/panels.ts',
    ['test/schedule/panels.test.ts'],
    [['a matrix lies in panels that another kernel reads by rows', 'if (!roles) refused.add(at.name);', '']],
  ),
  ...of(
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
  ...of(
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
  ...of(
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
  ...of(
    'src/optimize/attention/build.ts',
    ['test/optimize/block-attention.test.ts'],
    [['sums of blocks are put at the first key', 'seen!, cut.runs[i].keys[0])', 'seen!, 0)']],
  ),
];
