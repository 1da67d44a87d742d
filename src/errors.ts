import { located, userLocation } from './source.js';

/**
 * Every error that 2headgrad throws on purpose. `message` is one line in the user's terms: what, where, how to mend it.
 * @example
 * ```ts
 * import { GradError, nn, OptionError } from '2headgrad';
 * try {
 *   nn.linear(0.5, 2);
 * } catch (error) {
 *   console.log(error instanceof GradError, error instanceof OptionError); // true true
 * }
 * ```
 */
export class GradError extends Error {
  override name = 'GradError';
}

/** An error in the user's model: the message ends with the layer, where one was running, and the file and line. */
export class ModelError extends GradError {
  /** The innermost layer that was running. */
  layer: object | undefined;
  private readonly what: string;
  private readonly where: string;

  constructor(message: string) {
    const where = userLocation();
    super(where ? `${message} (${where})` : message);
    this.what = message;
    this.where = where;
    // Not for whoever prints the error.
    for (const name of ['layer', 'what', 'where'] as const)
      Object.defineProperty(this, name, { enumerable: false, writable: true, value: this[name] });
  }

  /** Names the layer as the model that was looked at calls it. */
  nameLayer(layer: string): void {
    const place = layer && `, in ${layer}`;
    this.message = `${this.what}${place}${this.where && ` (${this.where})`}`;
  }
}

/**
 * Shapes that do not fit together, found while tracing.
 * @example
 * ```ts
 * import { add, ShapeError, tensor } from '2headgrad';
 * try {
 *   add(tensor([1, 2]), tensor([1, 2, 3]));
 * } catch (error) {
 *   console.log(error instanceof ShapeError); // true
 * }
 * ```
 */
export class ShapeError extends ModelError {
  override name = 'ShapeError';
}

/**
 * An operation on a dtype that it does not take.
 * @example
 * ```ts
 * import { div, DTypeError, tensor } from '2headgrad';
 * try {
 *   div(tensor([1, 2], { dtype: 'i32' }), 2);
 * } catch (error) {
 *   console.log(error instanceof DTypeError); // true
 * }
 * ```
 */
export class DTypeError extends ModelError {
  override name = 'DTypeError';
}

/**
 * A graph that breaks a rule of the IR, or cannot be differentiated or compiled.
 * @example
 * ```ts
 * import { gradients, GraphError, tensor } from '2headgrad';
 * try {
 *   gradients(tensor([1, 2]), []);
 * } catch (error) {
 *   console.log(error instanceof GraphError); // true
 * }
 * ```
 */
export class GraphError extends GradError {
  override name = 'GraphError';
}

/**
 * Data, a file or a checkpoint that cannot be used as it is.
 * @example
 * ```ts
 * import { DataError, f32, meanSquaredError, nn, optim, trainStep } from '2headgrad';
 * const step = trainStep({
 *   model: nn.linear(2, 1),
 *   batch: { x: f32(2, 2), y: f32(2, 1) },
 *   loss: (model, { x, y }) => meanSquaredError(model(x), y),
 *   optimizer: optim.sgd(),
 * });
 * try {
 *   step.interpret().data({ x: [1, 2, 3], y: [1] });
 * } catch (error) {
 *   console.log(error instanceof DataError); // true
 * }
 * ```
 */
export class DataError extends GradError {
  override name = 'DataError';
}

/**
 * An option or argument outside of what is allowed.
 * @example
 * ```ts
 * import { nn, OptionError } from '2headgrad';
 * try {
 *   nn.dropout(2);
 * } catch (error) {
 *   console.log(error instanceof OptionError); // true
 * }
 * ```
 */
export class OptionError extends GradError {
  override name = 'OptionError';
}

/**
 * Memory that this machine or browser does not give.
 * @example
 * ```ts
 * import { OutOfMemoryError } from '2headgrad';
 * const mend = (error: unknown) => (error instanceof OutOfMemoryError ? 'take a smaller batch' : 'look at it');
 * console.log(mend(new OutOfMemoryError('more than can be addressed'))); // take a smaller batch
 * ```
 */
export class OutOfMemoryError extends GradError {
  override name = 'OutOfMemoryError';
}

/** An amount of memory in an error: rounded up to MiB. */
export function mebibytes(bytes: number): string {
  return `${Math.ceil(bytes / 2 ** 20).toLocaleString('en-US')} MiB`;
}

/** An exact number of bytes, and what that is in kB or MB, rounded up. */
export function bytesText(bytes: number): string {
  const [size, unit] = bytes < 1e6 ? [1e3, 'kB'] : [1e6, 'MB'];
  const rounded = Math.ceil((10 * bytes) / size) / 10;
  return `${bytes.toLocaleString('en-US')} bytes (${rounded.toLocaleString('en-US')} ${unit})`;
}

/** What `make` makes, of so many elements of four bytes or more; an array that cannot be had is named by `what`. */
export function allocated<T>(elements: number, what: string, make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new OutOfMemoryError(
      located(
        `${what} needs ${mebibytes(4 * elements)} of memory, which is not to be had here: use a smaller batch or model`,
      ),
    );
  }
}

/**
 * A WebAssembly feature that this engine lacks, and nothing to take its place.
 * @example
 * ```ts
 * import { UnsupportedError } from '2headgrad';
 * const mend = (error: unknown) => (error instanceof UnsupportedError ? 'take another engine' : 'look at it');
 * console.log(mend(new UnsupportedError('no SIMD here'))); // take another engine
 * ```
 */
export class UnsupportedError extends GradError {
  override name = 'UnsupportedError';
}

/**
 * A thread of a session that did not start, died, or does not answer. The session is of no use any more.
 * @example
 * ```ts
 * import { WorkerError } from '2headgrad';
 * const mend = (error: unknown) => (error instanceof WorkerError ? 'compile again' : 'look at it');
 * console.log(mend(new WorkerError('a thread ended'))); // compile again
 * ```
 */
export class WorkerError extends GradError {
  override name = 'WorkerError';
}

/**
 * Training produced a number that is not finite: the loss, or, where that still is one, the gradient of a parameter.
 * `step` counts from 1.
 * @example
 * ```ts
 * import { DivergedError, f32, meanSquaredError, nn, optim, trainStep } from '2headgrad';
 * const step = trainStep({
 *   model: nn.linear(2, 1),
 *   batch: { x: f32(2, 2), y: f32(2, 1) },
 *   loss: (model, { x, y }) => meanSquaredError(model(x), y),
 *   optimizer: optim.sgd(),
 * });
 * const session = step.interpret();
 * session.data({ x: [1, 2, 3, 4], y: [1, 2] });
 * try {
 *   await session.run({ steps: 100, lr: 1e9 });
 * } catch (error) {
 *   if (error instanceof DivergedError) console.log(error.restoredStep < error.step); // true
 * }
 * ```
 */
export class DivergedError extends GradError {
  override name = 'DivergedError';
  constructor(
    readonly step: number,
    readonly loss: number,
    /** Where the parameters were put back to. */
    readonly restoredStep: number,
    /** Variables that were no longer finite though the loss was. */
    readonly variables: readonly string[] = [],
  ) {
    const [some, more] = [variables.slice(0, 4).join(', '), variables.length > 4 ? ' and others' : ''];
    super(
      variables.length > 0
        ? `a gradient was not finite: ${some}${more} held Infinity or NaN by step ${step}, though the loss was ${loss}; all were put back to step ${restoredStep}. Look for a root, logarithm or quotient at 0, or try a lower learning rate.`
        : `the loss became ${loss} at step ${step}; the parameters were put back to step ${restoredStep}, the last with a finite loss. Try a lower learning rate.`,
    );
  }
}
