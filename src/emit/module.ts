import type { MemoryPlan } from '../plan/plan.js';
import { shownName } from '../printable.js';
import { THREAD_SHARE } from '../schedule/cost.js';
import type { Kernel, Schedule } from '../schedule/kernel.js';
import { format } from './code.js';
import { driver } from './driver.js';
import { declareAll, emitEntry, entryOf } from './entry.js';
import { functionsOf } from './functions.js';
import { POISON } from './poison.js';
import { PartFunctions } from './share.js';

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
  /** Whether kernels that differ in addresses alone become one function; by default yes. */
  readonly shareKernels?: boolean;
}

/**
 * The AssemblyScript of a whole program: a function for each kernel, or for several that differ in addresses alone, one an
 * entry, and the loop over training steps. What users name stands in comments alone. Addresses are in capitals and
 * numbered, functions of this module are `step0`, `kernel_0_3_...` (entry, kernel) and `shared_2_...`, and what functions
 * declare is neither, so that no name hides another.
 */
export function emitModule(
  name: string,
  schedules: Readonly<Record<string, Schedule>>,
  plan: MemoryPlan,
  { threadShare = THREAD_SHARE, poison = false, profile = false, shareKernels = true }: EmitOptions = {},
): ModuleSource {
  const lines: string[] = ['// Variables'];
  const variables = declareAll('VARIABLE', plan.variables, lines);
  const constants = declareAll('CONSTANT', plan.constants, lines);
  const names = {
    variables: new Map(plan.variables.map((v, i) => [v.name, variables[i]])),
    constants: new Map(plan.constants.map((c, i) => [c.address, constants[i]])),
  };
  const entries = Object.keys(schedules).map((entry, index) =>
    entryOf(entry, index, schedules[entry], plan.entries[entry], names),
  );
  const calls = functionsOf(
    entries.flatMap((entry) => entry.uses),
    shareKernels,
  );
  const parts = new PartFunctions();
  const options = { threadShare, parts, profile, poison: poison ? plan.arena : null };
  const functions = entries.flatMap((entry) => {
    const { lines: text, kernels } = emitEntry(entry, calls, options);
    lines.push('', ...text);
    return kernels.map(({ kernel, name, threads }) => ({ entry: entry.name, kernel, name, threads }));
  });
  if (poison) lines.push('', ...POISON);
  lines.push('', ...driver(plan, Object.keys(schedules), parts.cells));
  const body = format(lines);
  const clock = profile ? ["@external('env', 'mark') declare function mark(kernel: i32): void;"] : [];
  const code = withoutComments(body);
  const imports = Object.entries(LIBRARY).flatMap(([file, pattern]) => {
    const used = [...new Set(code.match(pattern) ?? [])].sort();
    return used.length ? [`import { ${used.join(', ')} } from '${file}';`] : [];
  });
  return {
    text: [
      `// ${shownName(name)}: ${Object.keys(schedules).map(shownName).join(', ')}`,
      ...imports,
      ...clock,
      '',
      body,
      '',
    ].join('\n'),
    functions,
  };
}

function withoutComments(code: string): string {
  return code.replace(/\/\*.*?\*\/|\/\/.*/g, '');
}
