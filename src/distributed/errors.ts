import { GradError } from '../errors.js';

/**
 * Another process of a training over several has ended, does not answer, or would train something else. This one cannot go on: start all
 * of them again, from the last checkpoint if there is one.
 * @example
 * ```ts
 * import { PeerError } from '2headgrad/distributed';
 * const mend = (error: unknown) => (error instanceof PeerError ? 'start again from the checkpoint' : 'look at it');
 * console.log(mend(new PeerError('rank 1 does not answer'))); // start again from the checkpoint
 * ```
 */
export class PeerError extends GradError {
  override name = 'PeerError';
  /** Whether all processes throw it, so that one of them is enough to tell. */
  constructor(
    message: string,
    readonly everywhere = false,
  ) {
    super(message);
  }
}
