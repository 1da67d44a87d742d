import { OptionError } from '../errors.js';
import { TapeEngine } from '../tape/engine.js';
import type { Precision } from '../tape/tape.js';
import type { Program } from './program.js';
import { Session } from './session.js';
import { StepDefinition, type StepOptions, type Types } from './step.js';

export interface InterpretOptions {
  /** Of the initial values and of the batches drawn; 42 unless given. */
  seed?: number;
  precision?: Precision;
}

/** A training step that an engine can run. */
export class TrainStep<M, B extends Types, P extends Types> {
  private readonly definition: StepDefinition<M, B, P>;
  private traced: Program | null = null;

  constructor(options: StepOptions<M, B, P>) {
    this.definition = new StepDefinition(options);
  }

  /** The traced graphs, as the compiler gets them. */
  get program(): Program {
    this.traced ??= this.definition.program();
    return this.traced;
  }

  /** Runs the step op by op on the tape: slow, and easy to follow; float64 for reference. */
  interpret({ seed = 42, precision = 'float32' }: InterpretOptions = {}): Session {
    checkSeed(seed);
    return new Session(this.program, new TapeEngine(this.definition as unknown as StepDefinition, seed, precision), seed);
  }
}

export function checkSeed(seed: number): void {
  if (!Number.isInteger(seed) || seed < 0 || seed > 0xffffffff) {
    throw new OptionError(`seed: expected a whole number from 0 to ${0xffffffff}, got ${seed}`);
  }
}

/**
 * Defines a training step: forward, backward and update of a model on a batch of fixed size.
 * Shapes are checked here, before anything runs.
 */
export function trainStep<M, B extends Types, P extends Types = Record<never, never>>(
  options: StepOptions<M, B, P>,
): TrainStep<M, B, P> {
  return new TrainStep(options);
}
