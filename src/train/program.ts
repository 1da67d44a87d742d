import { GraphError } from '../errors.js';
import type { Graph } from '../graph/graph.js';
import type { Variable } from '../ops/tensor.js';
import type { DType, Shape } from '../shape.js';
import type { Calibration } from './description.js';
import type { MetricDescription } from './metrics.js';

/** A variable of a program by its name; parameters, running statistics and optimizer state alike. */
export interface ProgramVariable {
  readonly name: string;
  readonly role: 'parameter' | 'state';
  readonly shape: Shape;
  readonly dtype: DType;
  readonly variable: Variable;
  /** A parameter that training leaves as it is. */
  readonly frozen?: boolean;
}

/** What the engines run: graphs that share variables. */
export interface Program {
  readonly name: string;
  readonly variables: readonly ProgramVariable[];
  /**
   * `train` always; `evaluate` with the model in use mode; `calibrate` with batch norms; `predict`, `diagnose` and
   * entries by names of the user's where the step asks for them.
   */
  readonly entries: Readonly<Record<string, Graph>>;
  /** Which steps are looked at: the first, and how many it is to the next; the entry `diagnose` is what looks. */
  readonly diagnostics?: { readonly first: number; readonly every: number };
  /** How what the entry `evaluate` gives beside the loss is put together. */
  readonly metrics?: Readonly<Record<string, MetricDescription>>;
  /** Batch norms in the order in which the model runs them; `calibrate` gives the moments of what goes into each. */
  readonly calibration?: readonly Calibration[];
}

/** The graph of an entry, or an error that lists those there are. */
export function entry(program: Program, name: string): Graph {
  const graph = program.entries[name];
  if (!graph)
    throw new GraphError(
      `${program.name} has no entry ${name}: it has ${Object.keys(program.entries).join(', ')}`,
    );
  return graph;
}
