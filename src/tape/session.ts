import { checkOptions, oneOf } from '../check.js';
import type { Tensor } from '../ops/tensor.js';
import { checkSeed } from '../random/seed.js';
import { describeProgram } from '../train/description.js';
import { createRecorder } from '../train/diagnostics.js';
import type { MetricResults } from '../train/metrics.js';
import { Session } from '../train/session.js';
import type { SessionOf } from '../train/session-of.js';
import { StepDefinition, type StepOptions, type Types } from '../train/step.js';
import type { UsesOf } from '../train/typed-uses.js';
import { TapeEngine } from './engine.js';
import { PRECISIONS, type Precision } from './tape.js';

export interface InterpretOptions {
  /** Of the initial values and of the batches drawn; 42 unless given. */
  seed?: number | undefined;
  precision?: Precision | undefined;
}

/** A training step on the tape: as `trainStep(step).interpret(options)`, without a compiler within reach. */
export function interpret<
  M,
  B extends Types,
  P extends Types = Record<never, never>,
  E extends Record<string, Types> = Record<never, never>,
  V = Record<never, never>,
  O = Tensor,
  F = Record<never, never>,
>(
  step: StepOptions<M, B, P, E, V, O, F>,
  options: InterpretOptions = {},
): SessionOf<M, B, P, MetricResults<V>, UsesOf<E, F>, O> {
  const definition = new StepDefinition(step as unknown as StepOptions<M, B, P>);
  return interpretDefinition(definition as unknown as StepDefinition, options);
}

export function interpretDefinition(definition: StepDefinition, options: InterpretOptions = {}): Session {
  checkOptions('interpret', options, ['seed', 'precision'], {
    threads: 'the tape runs on one thread; compile({ threads }) has more',
    wide: 'the tape has no vectors; compile({ wide: true }) may have wide ones',
  });
  const { seed = 42, precision = 'float32' } = options;
  checkSeed(seed);
  oneOf('interpret: precision', precision, PRECISIONS);
  const description = describeProgram(definition.program());
  const engine = new TapeEngine(definition, seed, precision);
  return new Session(description, engine, null, createRecorder(description, engine));
}
