import { userLocation } from './source.js';

/** Every error that 2headgrad throws on purpose. `message` is one line in the user's terms: what, where, how to mend it. */
export class GradError extends Error {
  override name = 'GradError';
}

/** An error in the user's model: the message ends with the file and line that made it. */
class ModelError extends GradError {
  constructor(message: string) {
    const where = userLocation();
    super(where ? `${message} (${where})` : message);
  }
}

/** Shapes that do not fit together, found while tracing. */
export class ShapeError extends ModelError {
  override name = 'ShapeError';
}

/** An operation on a dtype that it does not take. */
export class DTypeError extends ModelError {
  override name = 'DTypeError';
}

/** A graph that breaks a rule of the IR, or cannot be differentiated or compiled. */
export class GraphError extends GradError {
  override name = 'GraphError';
}

/** Data, a file or a checkpoint that cannot be used as it is. */
export class DataError extends GradError {
  override name = 'DataError';
}

/** An option or argument outside of what is allowed. */
export class OptionError extends GradError {
  override name = 'OptionError';
}

/** Memory that this machine or browser does not give. */
export class OutOfMemoryError extends GradError {
  override name = 'OutOfMemoryError';
}

/** A WebAssembly feature that this engine lacks, and nothing to take its place. */
export class UnsupportedError extends GradError {
  override name = 'UnsupportedError';
}

/** A thread of a session that did not start, died, or does not answer. The session is of no use any more. */
export class WorkerError extends GradError {
  override name = 'WorkerError';
}

/** Training produced a loss that is not a finite number. `step` counts from 1. */
export class DivergedError extends GradError {
  override name = 'DivergedError';
  constructor(
    readonly step: number,
    readonly loss: number,
    readonly restoredStep: number,
  ) {
    super(
      `the loss became ${loss} at step ${step}; the parameters were put back to step ${restoredStep}, the last with a finite loss. Try a lower learning rate.`,
    );
  }
}
