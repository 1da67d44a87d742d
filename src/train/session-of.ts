import type { Session } from './session.js';
import type { ReadableNames } from './typed-names.js';
import type { UseTypes } from './typed-uses.js';

/** The session of a step: of a model M, a batch B, `predict` that takes P and returns O, metrics R and the user's entries E. */
export type SessionOf<M, B, P, R, E, O> = Session<R, B, UseTypes<P, O>, E, ReadableNames<M>>;
