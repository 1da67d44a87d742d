import type { Session } from '../../src/index.js';
import type { GoldenFile, Sums } from './file.js';
import { type GoldenRun, writeInitial } from './model.js';

/** What an engine made of a golden run; gradients and final values by the names of the file. */
export interface Outcome {
  losses: number[];
  firstGradients: Sums;
  final: Sums;
}

/** Trains `steps` steps in a session of `run`; the gradients need a step with keepGradients. */
export function train(run: GoldenRun, session: Session, file: GoldenFile, steps = file.loss.length): Outcome {
  const losses: number[] = [];
  let firstGradients: Sums = {};
  writeInitial(run, session);
  for (let t = 0; t < steps; t++) {
    const loss = session.step({ lr: run.learningRate, batch: run.batch(t) });
    if (!Number.isFinite(loss)) throw new Error(`the ${session.kind} loss became ${loss} at step ${t + 1}`);
    losses.push(loss);
    if (t > 0 || !run.keepsGradients) continue;
    const gradients = session.gradients();
    const kept = Object.keys(file.firstGradients).filter((name) => ours(run, name) in gradients);
    firstGradients = Object.fromEntries(
      kept.map((name) => [name, sums(part(run, name, gradients[ours(run, name)]))]),
    );
  }
  const final = Object.keys(file.final).map((name) => [
    name,
    sums(part(run, name, session.read(ours(run, name)))),
  ]);
  return { losses, firstGradients, final: Object.fromEntries(final) };
}

/** The elements of a variable that the golden file calls `name`. */
export function part(run: GoldenRun, name: string, values: ArrayLike<number>): ArrayLike<number> {
  const place = run.names[name];
  if (typeof place === 'string') return values;
  const [from, to, of] = place.columns;
  return Array.from(values).filter((_, i) => i % of >= from && i % of < to);
}

/** Our name of the golden file's variable `name`, or of the one that it is a part of. */
export function ours(run: GoldenRun, name: string): string {
  const found = run.names[name];
  if (found === undefined) throw new Error(`the file has sums of ${name}, which this model does not have`);
  return typeof found === 'string' ? found : found.variable;
}

/** [sum, sum of squares]. */
export function sums(values: ArrayLike<number>): [number, number] {
  let [sum, squares] = [0, 0];
  for (let i = 0; i < values.length; i++) {
    sum += values[i];
    squares += values[i] * values[i];
  }
  return [sum, squares];
}

/** The largest relative error of a loss, over all steps. */
export function lossError(got: readonly number[], want: readonly number[]): number {
  return worst(got.map((loss, t) => relative(loss, want[t], Number.MIN_VALUE)));
}

/**
 * The largest relative error of a sum of squares, over all variables of the file.
 *
 * A gradient may be exactly 0 in theory (that of a bias before a norm, or of units that a relu shut off); what an
 * engine has there is rounding, of some 1e-7 of the elements that cancelled, so 1e-14 of their squares. Its error
 * relative to itself says nothing. So no reference counts as less than 1e-8 of the largest one: rounding then
 * shows as 1e-6, and a gradient that is wrong by as little as 1e-5 of the largest still shows as 1e-2.
 */
export function sumsError(got: Sums, want: Sums): number {
  const floor = 1e-8 * Math.max(...Object.values(want).map(([, squares]) => squares));
  return worst(
    Object.entries(want).map(([name, [, squares]]) => relative(got[name]?.[1] ?? Number.NaN, squares, floor)),
  );
}

function relative(got: number, want: number, floor: number): number {
  return got === want ? 0 : Math.abs(got - want) / Math.max(Math.abs(want), floor, Number.MIN_VALUE);
}

/** The largest of some errors; NaN, which no comparison finds, counts as infinitely wrong. */
function worst(errors: number[]): number {
  return errors.reduce((a, b) => Math.max(a, Number.isNaN(b) ? Number.POSITIVE_INFINITY : b), 0);
}

/** Whether two runs have the same losses and final variables, bit for bit. */
export function identical(a: Trained, b: Trained): boolean {
  return (
    sameBits(a.losses, b.losses) &&
    a.session.names().every((name) => sameBits(a.session.read(name), b.session.read(name)))
  );
}

export interface Trained {
  losses: number[];
  session: Session;
}

function sameBits(a: ArrayLike<number>, b: ArrayLike<number>): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (!Object.is(a[i], b[i])) return false;
  return true;
}
