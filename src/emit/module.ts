import { inputAttrs, isInput, type Node } from '../graph/graph.js';
import { type Buffer, CONTROL, LOSSES, RATES } from '../plan/layout.js';
import type { EntryPlan, MemoryPlan } from '../plan/plan.js';
import { THREAD_SHARE, usefulThreads } from '../schedule/cost.js';
import type { Kernel, Schedule } from '../schedule/kernel.js';
import { formatType, numel } from '../shape.js';
import { format } from './code.js';
import { emitGemm } from './gemm.js';
import { type Body, emitNest } from './nest.js';
import { POISON, poisonAfter, poisonStart } from './poison.js';
import { emitCopy, emitScatter } from './scatter.js';
import { Cells, ownCall, sharedCall } from './share.js';

/** What each file of assembly/ offers to emitted modules. */
const LIBRARY: Record<string, RegExp> = {
  './math': /\b(exp4|log4|tanh4|sigmoid4|erf4|sin4|cos4|rsqrt4)\b/g,
  './lanes':
    /\b(sumLanes|maxLanes|nanmaxLanes|sumLanesI32|maxLanesI32|firstLanes|loadStrided|storeLanes|rowIndex|gatherLanes)\b/g,
  './madd': /\b(multiplyAdd)\b/g,
  './pack': /\b(packColumns|packStrided|packVector|packVectors2)\b/g,
  './random': /\b(randomIndex|random4)\b/g,
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

/** The AssemblyScript of a whole program: one function a kernel, one a entry, and the loop over training steps. */
export function emitModule(
  name: string,
  schedules: Readonly<Record<string, Schedule>>,
  plan: MemoryPlan,
  { threadShare = THREAD_SHARE, poison = false, profile = false }: EmitOptions = {},
): ModuleSource {
  const functions: { entry: string; kernel: Kernel; name: string; threads: number }[] = [];
  const lines: string[] = [];
  const names = new Names();
  const cells = new Cells();
  lines.push('// Variables');
  const variableNames = new Map(plan.variables.map((v) => [v.name, names.fresh(v.name)]));
  for (const v of plan.variables) lines.push(address(variableNames.get(v.name)!, v));
  const constantNames = new Map<number, string>();
  for (const c of plan.constants) {
    constantNames.set(c.address, names.fresh(c.name));
    lines.push(address(constantNames.get(c.address)!, c));
  }
  const entries = Object.keys(schedules);
  for (const entry of entries) {
    const local = emitEntry(entry, schedules[entry], plan.entries[entry], names, {
      variableNames,
      constantNames,
      threadShare,
      cells,
      profile,
      poison: poison ? plan.arena : null,
    });
    lines.push('', ...local.lines);
    functions.push(...local.functions);
  }
  if (poison) lines.push('', ...POISON);
  lines.push('', ...driver(plan, entries, cells));
  const body = format(lines);
  const clock = profile ? ["@external('env', 'mark') declare function mark(kernel: i32): void;"] : [];
  const imports = Object.entries(LIBRARY).flatMap(([file, pattern]) => {
    const used = [...new Set(body.match(pattern) ?? [])].sort();
    return used.length ? [`import { ${used.join(', ')} } from '${file}';`] : [];
  });
  return {
    text: [`// ${name}: ${entries.join(', ')}`, ...imports, ...clock, '', body, ''].join('\n'),
    functions,
  };
}

function emitEntry(
  entry: string,
  schedule: Schedule,
  plan: EntryPlan,
  names: Names,
  shared: {
    variableNames: ReadonlyMap<string, string>;
    constantNames: ReadonlyMap<number, string>;
    threadShare: number;
    cells: Cells;
    profile: boolean;
    poison: MemoryPlan['arena'] | null;
  },
) {
  const lines: string[] = [`// ${entry}: inputs, outputs, intermediate values`];
  const local = new Map<Node, string>();
  const declare = (buffer: Buffer, stem: string): string => {
    const name = names.fresh(stem);
    lines.push(address(name, buffer));
    return name;
  };
  const inputs = new Map(plan.inputs.map((b) => [b.name, declare(b, `${entry}_${b.name}`)]));
  const outputs = new Map(plan.outputs.map((b) => [b.name, declare(b, `${entry}_${b.name}`)]));
  const arena = new Map(plan.arena.map((b) => [b.node, declare(b, `${entry}_${b.name}`)]));
  for (const [node, at] of schedule.storage) {
    const name =
      at.kind === 'variable'
        ? shared.variableNames.get(at.name)
        : at.kind === 'input'
          ? inputs.get(at.name)
          : at.kind === 'output'
            ? outputs.get(at.name)
            : at.kind === 'arena'
              ? arena.get(node)
              : shared.constantNames.get(plan.address.get(node)!);
    local.set(node, name!);
  }
  const functions = schedule.kernels.map((kernel, index) => {
    const name = `${entry}${index}_${kernel.name}`;
    const body = emitKernel(kernel, schedule, plan, `${entry}${index}`, (node) => local.get(node)!);
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
    `/** One run of ${entry}, this thread's part. */`,
    `function ${entry}Step(): void {`,
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
  switch (kernel.kind) {
    case 'nest':
      return emitNest(kernel, options);
    case 'gemm':
      return emitGemm(kernel, { ...options, name });
    case 'scatter': {
      const same = plan.address.get(kernel.base.source) === plan.address.get(kernel.node);
      return emitScatter(kernel, { ...options, overwrites: () => same });
    }
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

/** The loop over training steps, batch drawn to loss kept. */
function trainLoop(train: EntryPlan): string[] {
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
    '/** Training steps on drawn batches, until all are done or a loss is not finite. */',
    'function trainSteps(): void {',
    `const steps = load<i32>(${CONTROL.steps});`,
    `const first = load<u32>(${CONTROL.first});`,
    'for (let i = 0; i < steps; i++) {',
    'if (thread == 0) {',
    'drawBatch(first + i);',
    `store<f32>(${rate.address}, load<f32>(${RATES} + 4 * <usize>i));`,
    '}',
    'barrier();',
    'trainStep();',
    'if (thread == 0) {',
    `store<f32>(${LOSSES} + 4 * <usize>i, load<f32>(${loss.address}));`,
    `store<i32>(${CONTROL.taken}, i + 1);`,
    '}',
    'barrier();',
    `const loss = load<f32>(${LOSSES} + 4 * <usize>i);`,
    'if (loss - loss != 0) break;',
    '}',
    '}',
    '',
  ];
}

/** What the host calls, and what the workers run. */
function driver(plan: MemoryPlan, entries: readonly string[], cells: Cells): string[] {
  const { train } = plan.entries;
  return [
    ...(train ? trainLoop(train) : []),
    'function runJob(): void {',
    ...cells.forget(),
    `const times = load<i32>(${CONTROL.times});`,
    'for (let i = 0; i < times; i++) {',
    'switch (currentJob()) {',
    ...(train ? ['case 1: trainSteps(); break;'] : []),
    ...entries.map((entry, i) => `case ${2 + i}: ${entry}Step(); break;`),
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
    `/** Runs a job on so many threads: 1 trains steps, ${entries.map((e, i) => `${2 + i} is ${e}`).join(', ')}. */`,
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
    nodes.map((n) => `${isInput(n) ? inputAttrs(n).name : n.op.name} ${formatType(n)}`).join(', ');
  const where = [...new Set(kernel.stores.map((n) => n.where).filter(Boolean))].join(', ');
  return [
    `/** ${list(kernel.stores)}${where ? ` (${where})` : ''}, from ${list(kernel.loads) || 'constants'}. */`,
  ];
}

function address(name: string, { address, shape, dtype }: Buffer): string {
  return `const ${name}: usize = ${address}; // ${formatType({ shape, dtype })}`;
}

/** Distinct identifiers from any text. */
class Names {
  private readonly taken = new Set<string>();
  fresh(text: string): string {
    const stem = text.replace(/[^A-Za-z0-9]+/g, '_').replace(/^(?=\d)/, '_');
    let name = stem;
    for (let i = 2; this.taken.has(name); i++) name = `${stem}_${i}`;
    this.taken.add(name);
    return name;
  }
}
