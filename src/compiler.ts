/**
 * The compiler, stage by stage: for tools that look inside, or that keep what it makes.
 *
 * @module 2headgrad/compiler
 */

export { type AheadOptions, type Artifact, compileAhead } from './aot/compile.js';
export type { Library } from './emit/asc.js';
export {
  type Cache,
  CompiledModule,
  type CompileOptions,
  type CompilerInput,
  compileProgram,
  PASSES,
} from './emit/compile.js';
export { emitModule, type ModuleSource } from './emit/module.js';
export { STAGES, type Stage } from './emit/stages.js';
export { graphToDot } from './graph/dot.js';
export type { Graph, Node } from './graph/graph.js';
export { parseGraph } from './graph/parse.js';
export { printGraph } from './graph/print.js';
export type { Kernel, Schedule } from './kernels/kernel.js';
export { type OptimizeOptions, optimize } from './optimize/index.js';
export { type MemoryPlan, planMemory } from './plan/plan.js';
export { printMemory } from './plan/print.js';
export { SCHEDULE_PASSES, type ScheduleOptions } from './schedule/passes.js';
export { printSchedule } from './schedule/print.js';
export { schedule } from './schedule/schedule.js';
export { trace } from './trace/tracer.js';
