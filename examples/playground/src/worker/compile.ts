import { type CompiledModule, graphToDot, printMemory, printSchedule } from '../engine.js';
import type { Compiled, Kind, Project } from '../protocol.js';
import { takeAssemblies } from './host/asc.js';
import { loadTask, type Task } from './task.js';

/** A model that can be trained. */
export interface Prepared {
  kind: Kind;
  task: Task;
  module: CompiledModule;
  seed: number;
}

/** Runs the user's source and compiles what it makes. */
export async function compile(project: Project): Promise<{ prepared: Prepared; compiled: Compiled }> {
  const task = await loadTask(project);
  const { step } = task;
  takeAssemblies();
  const begun = performance.now();
  const module = await step.compileModule();
  const total = performance.now() - begun;
  const assemblies = takeAssemblies();
  const loadMilliseconds = assemblies.reduce((sum, assembly) => sum + assembly.loadMilliseconds, 0);
  const parameters = step.program.variables
    .filter((v) => v.role === 'parameter')
    .reduce((sum, v) => sum + v.shape.reduce((a, b) => a * b, 1), 0);
  const compiled = {
    wasmBytes: module.wasm.length,
    milliseconds: total - loadMilliseconds,
    cached: assemblies.every(({ cached }) => cached),
    parameters,
    entries: Object.fromEntries(
      Object.keys(module.graphs).map((entry) => [
        entry,
        {
          dot: graphToDot(module.graphs[entry]),
          nodes: module.graphs[entry].nodes.length,
          schedule: printSchedule(module.schedules[entry]),
          kernels: module.schedules[entry].kernels.length,
        },
      ]),
    ),
    memory: printMemory(module.plan),
    assemblyScript: module.source.text,
    compilerBytes: assemblies.find(({ compilerBytes }) => compilerBytes)?.compilerBytes ?? null,
    loadMilliseconds,
  };
  return { prepared: { kind: project.kind, task, module, seed: project.seed }, compiled };
}
