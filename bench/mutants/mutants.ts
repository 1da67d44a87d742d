import { assembly } from './list/assembly.js';
import { autodiff } from './list/autodiff.js';
import { emit } from './list/emit.js';
import { graph } from './list/graph.js';
import { kernels } from './list/kernels.js';
import { loops } from './list/loops.js';
import { onnx } from './list/onnx.js';
import { ops } from './list/ops.js';
import { optimize } from './list/optimize.js';
import { plan } from './list/plan.js';
import { root } from './list/root.js';
import { run } from './list/run.js';
import { schedule } from './list/schedule.js';
import type { Mutant } from './mutant.js';

/** Faults that somebody could make, by the folder of src/ that they are in. */
export const MUTANTS: readonly Mutant[] = [
  ...assembly,
  ...autodiff,
  ...emit,
  ...graph,
  ...kernels,
  ...loops,
  ...onnx,
  ...ops,
  ...optimize,
  ...plan,
  ...root,
  ...run,
  ...schedule,
];
