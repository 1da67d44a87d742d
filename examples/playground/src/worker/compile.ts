import { graphToDot, printMemory, printSchedule } from '../engine.js';
import type { Compiled, Project } from '../protocol.js';
import { loadTask } from './task.js';

/** Compiles the model; the page's cache then has it for the worker that trains. */
export async function compile(project: Project): Promise<Compiled> {
  const { step } = await loadTask(project);
  const begun = performance.now();
  const module = await step.compileModule();
  const total = performance.now() - begun;
  const parameters = step.program.variables
    .filter((v) => v.role === 'parameter')
    .reduce((sum, v) => sum + v.shape.reduce((a, b) => a * b, 1), 0);
  return {
    wasmBytes: module.wasm.length,
    milliseconds: total,
    cached: module.cached,
    parameters,
    entries: Object.fromEntries(
      Object.keys(module.graphs).map((entry) => [
        entry,
        {
          dot: graphToDot(module.graphs[entry]),
          schedule: printSchedule(module.schedules[entry]),
          kernels: module.schedules[entry].kernels.length,
        },
      ]),
    ),
    memory: printMemory(module.plan),
    assemblyScript: module.source.text,
    compilerBytes: compilerBytes(),
  };
}

/** What the compiler's files have in bytes as they came, once they were loaded. */
function compilerBytes(): number | null {
  const files = performance
    .getEntriesByType('resource')
    .filter(({ name }) => /\/(asc|binaryen)-/.test(name)) as PerformanceResourceTiming[];
  return files.reduce((sum, file) => sum + file.encodedBodySize, 0) || null;
}
