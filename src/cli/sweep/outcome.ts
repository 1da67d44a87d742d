import { isObject } from '../../data/json.js';
import { PARTS, type Part } from '../kinds/kind.js';
import type { Configuration } from './draw.js';

/** Characters of a reason that are kept. */
export const MOST_REASON = 1000;
/** Far above what trainings give: what comes from a queue or a file may be anything. */
const [MOST_METRICS, MOST_NAME, MOST_CURVE] = [1000, 200, 1000];

/** What a training came to. All of it but `about` is the same wherever and however often it runs. */
export interface Outcome {
  readonly status: 'done' | 'diverged' | 'failed';
  /** Why it is not done. */
  readonly reason?: string;
  readonly steps?: number;
  /** Loss and metrics of one number for each part of the data. */
  readonly measured?: Readonly<Partial<Record<Part, Readonly<Record<string, number | null>>>>>;
  /** SHA-256 of the checkpoint. */
  readonly model?: string;
  /** Some of the losses on the way. */
  readonly curve?: SmallCurve;
  readonly about: { readonly host: string; readonly seconds: number };
}

export interface SmallCurve {
  readonly train: readonly (readonly [step: number, loss: number | null])[];
  readonly dev: readonly (readonly [step: number, loss: number | null])[];
}

/** A training of a sweep. */
export interface Trial {
  /** The hash of all that its result depends on. */
  readonly name: string;
  readonly settings: Configuration;
}

/** Where a running training is. */
export interface Place {
  readonly at: number;
  readonly of: number;
  readonly loss: string;
}

/** Whether there is nothing to be gained from running it again: what failed otherwise may have to do with the machine. */
export const isFinal = ({ status }: Outcome): boolean => status !== 'failed';

/** Whether a value that was read is an outcome. */
export function isOutcome(value: unknown): value is Outcome {
  if (!isObject(value) || !['done', 'diverged', 'failed'].includes(value.status as string)) return false;
  const { status, reason, steps, measured, model, curve, about } = value;
  const isPart = (x: unknown) =>
    x === undefined ||
    (isObject(x) &&
      Object.keys(x).length <= MOST_METRICS &&
      Object.entries(x).every(([name, n]) => name.length <= MOST_NAME && isNumber(n)));
  const isCurve = (x: unknown) =>
    x === undefined ||
    (isObject(x) &&
      [x.train, x.dev].every(
        (list) => Array.isArray(list) && list.length <= MOST_CURVE && list.every(isPoint),
      ));
  return (
    (status === 'done' || isReason(reason)) &&
    (model === undefined || isDigest(model)) &&
    (steps === undefined || Number.isSafeInteger(steps)) &&
    (measured === undefined || (isObject(measured) && PARTS.every((part) => isPart(measured[part])))) &&
    isCurve(curve) &&
    isObject(about) &&
    typeof about.host === 'string' &&
    Number.isFinite(about.seconds)
  );
}

/** Files have 1e999, which is none. */
const isNumber = (x: unknown) => x === null || Number.isFinite(x);
const isReason = (x: unknown) => typeof x === 'string' && x.length <= MOST_REASON + '...'.length;
const isDigest = (x: unknown) => typeof x === 'string' && /^[0-9a-f]{64}$/.test(x);
const isPoint = (x: unknown) =>
  Array.isArray(x) && x.length === 2 && Number.isSafeInteger(x[0]) && isNumber(x[1]);
