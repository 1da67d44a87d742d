import { inputAttrs, isInput, type Node } from '../graph/graph.js';
import { type Buffer, CONTROL, LOSSES, RATES } from '../plan/layout.js';
import type { EntryPlan, MemoryPlan } from '../plan/plan.js';
import { printable, shownName } from '../printable.js';
import { THREAD_SHARE, usefulThreads } from '../schedule/cost.js';
import type { Kernel, Schedule } from '../schedule/kernel.js';
import { formatType, numel } from '../shape.js';
import { format } from './code.js';
import { emitGemm } from './gemm.js';
import { type Body, emitNest } from './nest.js';
import { POISON, poisonAfter, poisonStart } from './poison.js';
import { emitCopy, emitFold, emitScatter } from './scatter.js';
import { Cells, ownCall, sharedCall } from './share.js';

/** What each file of assembly/ offers to emitted modules. */
const LIBRARY: Record<string, RegExp> = {
  './math': /\b(exp4|expm14|log4|log1p4|softplus4|tanh4|sigmoid4|erf4|sin4|cos4|rsqrt4)\b/g,
  './lanes':
    /\b(sumLanes|maxLanes|nanmaxLanes|sumLanesI32|maxLanesI32|lostIn|addToTotals|takeTotals|firstLanes|loadStrided|storeLanes|rowIndex|gatherLanes)\b/g,
  './madd': /\b(multiplyAdd)\b/g,
  './pack': /\b(packColumns|packStrided|packVector|packVectors2)\b/g,
  './power': /\b(pow4)\b/g,
  './random': /\b(randomIndex|random4)\b/g,
  './rows': /\b(chainRows|chainEqual|sumChain|zeroRow)\b/g,
  './team':
    /\b(barrier|currentJob|endJobs|enlist|firstUnit|isInTeam|nextJob|startJob|takePart|scratch|thread|threads)\b/g,
};

export interface ModuleSource {
  readonly text: string;
  /** Kernels in running order with the function that each became. */
  readonly functions: readonly {
    readonly entry: string;
    readonly kernel: Kernel;
    readonly name: string;
    /** How many threads share it at most. */
    readonly threads: number;
  }[];
}

export interface EmitOptions {
  /** Nanoseconds of work that each thread of a shared kernel has at least. */
  readonly threadShare?: number;
  /** Fill memory with NaN while it holds no live value. */
  readonly poison?: boolean;
  /** Call `mark` of the host when a step begins and after each kernel. */
  readonly profile?: boolean;
}

/**
 * The AssemblyScript of a whole program: one function a kernel, one an entry, and the loop over training steps. What
 * users name stands in comments alone. Addresses are in capitals and numbered, functions of this module are `step0`
 * and `kernel_0_3_...` (entry, kernel), and what functions declare is neither, so that no name hides another.
 */
export function emitModule(
  name: string,
  schedules: Readonly<Record<string, Schedule>>,
  plan: MemoryPlan,
  { threadShare = THREAD_SHARE, poison = false, profile = false }: EmitOptions = {},
): ModuleSource {
  const functions: { entry: string; kernel: Kernel; name: string; threads: number }[] = [];
  const lines: string[] = [];
  const cells = new Cells();
  lines.push('// Variables');
  const variables = declareAll('VARIABLE', plan.variables, lines);
  const constants = declareAll('CONSTANT', plan.constants, lines);
  const entries = Object.keys(schedules);
  entries.forEach((entry, index) => {
    const local = emitEntry({ entry, index }, schedules[entry], plan.entries[entry], {
      variables: new Map(plan.variables.map((v, i) => [v.name, variables[i]])),
      constants: new Map(plan.constants.map((c, i) => [c.address, constants[i]])),
      threadShare,
      cells,
      profile,
      poison: poison ? plan.arena : null,
    });
    lines.push('', ...local.lines);
    functions.push(...local.functions);
  });
  if (poison) lines.push('', ...POISON);
  lines.push('', ...driver(plan, entries, cells));
  const body = format(lines);
  const clock = profile ? ["@external('env', 'mark') declare function mark(kernel: i32): void;"] : [];
  const code = withoutComments(body);
  const imports = Object.entries(LIBRARY).flatMap(([file, pattern]) => {
    const used = [...new Set(code.match(pattern) ?? [])].sort();
    return used.length ? [`import { ${used.join(', ')} } from '${file}';`] : [];
  });
  return {
    text: [
      `// ${shownName(name)}: ${entries.map(shownName).join(', ')}`,
      ...imports,
      ...clock,
      '',
      body,
      '',
    ].join('\n'),
    functions,
  };
}

function emitEntry(
  { entry, index }: { entry: string; index: number },
  schedule: Schedule,
  plan: EntryPlan,
  shared: {
    variables: ReadonlyMap<string, string>;
    constants: ReadonlyMap<number, string>;
    threadShare: number;
    cells: Cells;
    profile: boolean;
    poison: MemoryPlan['arena'] | null;
  },
) {
  const lines: string[] = [`// ${shownName(entry)}: inputs, outputs, intermediate values`];
  const named = (what: string, buffers: readonly Buffer[]) => {
    const addresses = declareAll(`${what}_${index}`, buffers, lines);
    return new Map(buffers.map((b, i) => [b.name, addresses[i]]));
  };
  const inputs = named('INPUT', plan.inputs);
  const outputs = named('OUTPUT', plan.outputs);
  const arena = named('ARENA', plan.arena);
  const inArena = new Map(plan.arena.map((b) => [b.node, arena.get(b.name)]));
  const local = new Map<Node, string>();
  for (const [node, at] of schedule.storage) {
    switch (at.kind) {
      case 'variable':
        local.set(node, shared.variables.get(at.name)!);
        break;
      case 'input':
        local.set(node, inputs.get(at.name)!);
        break;
      case 'output':
        local.set(node, outputs.get(at.name)!);
        break;
      case 'arena':
        local.set(node, inArena.get(node)!);
        break;
      case 'constant':
        local.set(node, shared.constants.get(plan.address.get(node)!)!);
    }
  }
  const functions = schedule.kernels.map((kernel, i) => {
    const stem = `kernel_${index}_${i}`;
    const name = `${stem}_${kernel.name}`;
    const body = emitKernel(kernel, schedule, plan, stem, (node) => local.get(node)!);
    const parameters = body.units > 1 ? 'begin: usize, end: usize' : '';
    for (const helper of body.functions ?? []) lines.push('', ...helper);
    lines.push('', ...describe(kernel), `function ${name}(${parameters}): void {`, ...body.lines, '}');
    const { units } = body;
    const threads = usefulThreads(kernel, units, shared.threadShare);
    const call = threads > 1 ? sharedCall(name, kernel, units, threads, shared.cells) : ownCall(name, units);
    lines.push(...call.lines);
    return { entry, kernel, name, threads, call: call.text };
  });
  lines.push(
    '',
    `/** One run of ${comment(shownName(entry))}, this thread's part. */`,
    `function ${stepName(index)}(): void {`,
    ...steps(functions, plan, shared),
    '}',
  );
  return { lines, functions };
}

function emitKernel(
  kernel: Kernel,
  schedule: Schedule,
  plan: EntryPlan,
  name: string,
  addressOf: (node: Node) => string,
): Body {
  const options = {
    address: addressOf,
    stored: new Set(kernel.stores),
    overwrites: (node: Node) => schedule.storage.get(node)?.kind === 'variable',
  };
  const liesOn = (old: Node) => plan.address.get(old) === plan.address.get(kernel.stores[0]);
  switch (kernel.kind) {
    case 'nest':
      return emitNest(kernel, options);
    case 'gemm':
      return emitGemm(kernel, { ...options, name });
    case 'scatter':
      return emitScatter(kernel, { ...options, overwrites: () => liesOn(kernel.base.source) });
    case 'fold':
      return emitFold(kernel, { ...options, overwrites: () => liesOn(kernel.updates.source) });
    case 'copy':
      return emitCopy(kernel, options);
  }
}

/** Calls in order; threads meet wherever one may touch what another has not finished with. */
function steps(
  functions: readonly { kernel: Kernel; threads: number; call: string }[],
  plan: EntryPlan,
  { poison, profile }: { poison: MemoryPlan['arena'] | null; profile: boolean },
): string[] {
  const lines: string[] = poison ? poisonStart(plan, poison) : [];
  if (profile) lines.push('if (thread == 0) mark(-1);');
  let since: (typeof functions)[number][] = [];
  for (const [i, next] of functions.entries()) {
    const conflict = since.some(
      (before) => (before.threads > 1 || next.threads > 1) && touchesSame(before.kernel, next.kernel, plan),
    );
    if (conflict) {
      lines.push('barrier();');
      since = [];
    }
    since.push(next);
    lines.push(next.call);
    const poisoned = poison ? poisonAfter(plan, i) : [];
    if (poisoned.length) since = [];
    lines.push(...poisoned);
    if (profile) lines.push(`if (thread == 0) mark(${i});`);
  }
  return lines;
}

function touchesSame(a: Kernel, b: Kernel, plan: EntryPlan): boolean {
  const span = (node: Node) => ({
    from: plan.address.get(node)!,
    to: plan.address.get(node)! + 4 * numel(node.shape),
  });
  const overlaps = (x: readonly Node[], y: readonly Node[]) =>
    x.some((m) => y.some((n) => span(m).from < span(n).to && span(n).from < span(m).to));
  // Between two writers of one place a reader stands today, and so two barriers; the first clause does not rely on that.
  return overlaps(a.stores, b.stores) || overlaps(a.stores, b.loads) || overlaps(a.loads, b.stores);
}

/** Copies a few bytes, a multiple of four, by loads and stores: calling memory.copy costs as much as many of them. */
function copyBytes(to: string, from: string, bytes: number): string[] {
  if (bytes > 128) return [`memory.copy(${to}, ${from}, ${bytes});`];
  const lines: string[] = [];
  for (let at = 0; at < bytes; ) {
    const size = [16, 8, 4].find((s) => at + s <= bytes)!;
    const offset = at ? `, ${at}` : '';
    if (size === 16) lines.push(`v128.store(${to}, v128.load(${from}${offset})${offset});`);
    else {
      const type = `u${8 * size}`;
      lines.push(`store<${type}>(${to}, load<${type}>(${from}${offset})${offset});`);
    }
    at += size;
  }
  return lines;
}

/** The loop over training steps, batch drawn to loss kept; `step` is the function that takes one. */
function trainLoop(train: EntryPlan, step: string): string[] {
  const rate = train.inputs.at(-1)!;
  const columns = train.inputs.slice(0, -1);
  const loss = train.outputs.find((o) => o.name === 'loss')!;
  const row = (b: Buffer) => 4 * numel(b.shape.slice(1));
  return [
    '/** Draws the rows of a batch from the dataset. */',
    'function drawBatch(step: u32): void {',
    `const seed = load<u32>(${CONTROL.seed});`,
    `const rows = load<u32>(${CONTROL.rows});`,
    `for (let i: u32 = 0; i < ${columns[0].shape[0] ?? 1}; i++) {`,
    'const row = <usize>randomIndex(seed, 1, step, i, rows);',
    ...columns.flatMap((b, c) => [
      `const from${c} = load<usize>(${CONTROL.columns + 4 * c}) + row * ${row(b)};`,
      `const to${c}: usize = ${b.address} + <usize>i * ${row(b)};`,
      ...copyBytes(`to${c}`, `from${c}`, row(b)),
    ]),
    '}',
    '}',
    '',
    '/** Training steps on drawn batches, until all are done, a loss is not finite, or an index leaves its table. */',
    'function trainSteps(): void {',
    `const steps = load<i32>(${CONTROL.steps});`,
    `const first = load<u32>(${CONTROL.first});`,
    'for (let i = 0; i < steps; i++) {',
    'if (thread == 0) {',
    'drawBatch(first + i);',
    `store<f32>(${rate.address}, load<f32>(${RATES} + 4 * <usize>i));`,
    '}',
    'barrier();',
    `${step}();`,
    'if (thread == 0) {',
    `store<f32>(${LOSSES} + 4 * <usize>i, load<f32>(${loss.address}));`,
    `store<i32>(${CONTROL.taken}, i + 1);`,
    '}',
    'barrier();',
    `const loss = load<f32>(${LOSSES} + 4 * <usize>i);`,
    'if (loss - loss != 0) break;',
    ...(train.guards ?? []).map(({ fault }) => `if (load<i32>(${fault}) != 0) break;`),
    '}',
    '}',
    '',
  ];
}

/** What the host calls, and what the workers run. */
function driver(plan: MemoryPlan, entries: readonly string[], cells: Cells): string[] {
  const { train } = plan.entries;
  return [
    ...(train ? trainLoop(train, stepName(entries.indexOf('train'))) : []),
    'function runJob(): void {',
    ...cells.forget(),
    `const times = load<i32>(${CONTROL.times});`,
    'for (let i = 0; i < times; i++) {',
    'switch (currentJob()) {',
    ...(train ? ['case 1: trainSteps(); break;'] : []),
    ...entries.map((_, i) => `case ${2 + i}: ${stepName(i)}(); break;`),
    '}',
    'barrier();',
    '}',
    '}',
    '',
    '/** Makes this instance one of `count` threads, whose scratch begins at `scratchAt`; the first is the host. */',
    'export function join(index: i32, count: i32, scratchAt: usize): void {',
    `enlist(index, count, scratchAt + <usize>index * ${plan.threadScratch});`,
    '}',
    '',
    `/** Runs a job on so many threads: 1 trains steps, ${comment(entries.map((e, i) => `${2 + i} is ${shownName(e)}`).join(', '))}. */`,
    'export function run(job: i32, team: i32): void {',
    ...cells.clear(),
    'startJob(job, team);',
    'runJob();',
    '}',
    '',
    '/** Tells the workers to end. */',
    'export function dismiss(): void {',
    'endJobs();',
    '}',
    '',
    '/** A worker: does its part of each job until it is told to end. */',
    'export function work(seen: i32): void {',
    'while (true) {',
    'seen = nextJob(seen);',
    'if (currentJob() == 0) return;',
    'if (isInTeam()) runJob();',
    '}',
    '}',
  ];
}

function describe(kernel: Kernel): string[] {
  const list = (nodes: readonly Node[]) =>
    nodes.map((n) => `${isInput(n) ? shownName(inputAttrs(n).name) : n.op.name} ${formatType(n)}`).join(', ');
  const where = [...new Set(kernel.stores.map((n) => n.where).filter(Boolean))].join(', ');
  const text = `${list(kernel.stores)}${where ? ` (${where})` : ''}, from ${list(kernel.loads) || 'constants'}`;
  return [`/** ${comment(text)}. */`];
}

/** Declares the addresses of buffers as numbered constants, whose names it returns. */
function declareAll(what: string, buffers: readonly Buffer[], lines: string[]): string[] {
  return buffers.map(({ name, address, shape, dtype }, i) => {
    lines.push(
      `const ${what}_${i}: usize = ${address}; // ${shownName(name)}: ${formatType({ shape, dtype })}`,
    );
    return `${what}_${i}`;
  });
}

function stepName(entry: number): string {
  return `step${entry}`;
}

/** Text between the marks of a comment, which it must not end. */
function comment(text: string): string {
  return printable(text).replaceAll('*/', '*\\/');
}

function withoutComments(code: string): string {
  return code.replace(/\/\*.*?\*\/|\/\/.*/g, '');
}
