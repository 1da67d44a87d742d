import { THREAD_SHARE } from '../kernels/cost.js';
import type { Group, Kernel, LoopKernel, Schedule } from '../kernels/kernel.js';
import type { LoopProgram } from '../loops/program.js';
import type { MemoryPlan } from '../plan/plan.js';
import { shownName } from '../printable.js';
import { checkPlaces } from './check-places.js';
import { format } from './code.js';
import { driver } from './driver.js';
import { emitEntry, entryOf } from './entry.js';
import { functionsOf } from './functions.js';
import { Imports } from './imports.js';
import { declareAll, usesIn } from './names.js';
import { POISON } from './poison.js';
import { PartFunctions } from './share.js';

export interface ModuleSource {
  readonly text: string;
  /** Kernels in running order with the function that each became. */
  readonly functions: readonly {
    readonly entry: string;
    readonly kernel: Kernel;
    readonly name: string;
    readonly program: LoopProgram;
    /** How many threads share it at most. */
    readonly threads: number;
    /** Of one that is not shared: whether the second thread does it, if there is one. */
    readonly second: boolean;
    /** The group that runs it, if one does. */
    readonly group: Group | null;
    /** The loops in which it runs, from the outside in. */
    readonly loops: readonly LoopKernel[];
  }[];
}

export interface EmitOptions {
  /** Nanoseconds of work that each thread of a shared kernel has at least. */
  readonly threadShare?: number;
  /** Fill memory with NaN while it holds no live value, and prove what kernels overwrite to be safe. */
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
  if (poison) for (const { step } of entries) checkPlaces(step);
  const calls = functionsOf(
    entries.flatMap((entry) => usesIn(entry.step)),
    shareKernels,
  );
  const imports = new Imports();
  const parts = new PartFunctions(imports);
  const options = { threadShare, parts, imports, profile, poison: poison ? plan.arena : null };
  const functions = entries.flatMap((entry) => {
    const { lines: text, kernels } = emitEntry(entry, calls, options);
    lines.push('', ...text);
    return kernels.map((kernel) => ({ entry: entry.name, ...kernel }));
  });
  if (poison) lines.push('', ...POISON);
  lines.push('', ...driver(plan, Object.keys(schedules), parts.cells, imports));
  const body = format(lines);
  const clock = profile ? ["@external('env', 'mark') declare function mark(kernel: i32): void;"] : [];
  const progress = body.includes('reached(')
    ? ["@external('env', 'reached') declare function reached(bytes: usize): void;"]
    : [];
  return {
    text: [
      `// ${shownName(name)}: ${Object.keys(schedules).map(shownName).join(', ')}`,
      ...imports.lines,
      ...clock,
      ...progress,
      '',
      body,
      '',
    ].join('\n'),
    functions,
  };
}
