import { identical, lossError, sumsError, train } from './compare.js';
import type { GoldenFile } from './file.js';
import { buildGolden } from './model.js';

/** The errors of the README: what a correct engine stays within. */
const TOLERANCE = { tape: 1e-10, compiled: 1e-5, sums: 1e-4 };

/** How far the sums of squares of final parameters may stray, and gradients: 1e-4 unless told otherwise. */
export function sumsTolerance({ model }: GoldenFile['config']): number {
  // The bias of an attention's keys has no gradient in exact arithmetic, and Adam makes steps of the noise of rounding.
  return model === 'gpt' ? 1e-3 : TOLERANCE.sums;
}

export interface Result {
  name: string;
  tape_max_rel_error: number;
  compiled_max_rel_error: number;
  compiled_2_threads_identical: boolean;
  grad_max_rel_error: number;
  final_max_rel_error: number;
}

/** Runs a golden file on every engine. */
export async function runGolden(file: GoldenFile): Promise<Result> {
  const tape = await onTape(file);
  const compiled = await onCompiled(file);
  return {
    name: file.name,
    tape_max_rel_error: tape.loss,
    compiled_max_rel_error: compiled.loss,
    compiled_2_threads_identical: compiled.identical,
    grad_max_rel_error: Math.max(tape.gradients, compiled.gradients),
    final_max_rel_error: Math.max(tape.final, compiled.final),
  };
}

/** The tape in float64. */
export async function onTape(file: GoldenFile) {
  const run = buildGolden(file.config, { keepGradients: true });
  await using session = run.step.interpret({ precision: 'float64' });
  const { losses, firstGradients, final } = train(run, session, file);
  return {
    loss: lossError(losses, file.loss),
    gradients: sumsError(firstGradients, file.firstGradients),
    final: sumsError(final, file.final),
  };
}

/**
 * Compiled with one and with two threads. Gradients come from a step of their own, since keeping them
 * changes what is compiled, and the step that users run is the one to hold to the reference.
 */
export async function onCompiled(file: GoldenFile) {
  const run = buildGolden(file.config);
  await using one = await run.step.compile({ threads: 1, seed: 1 });
  await using two = await run.step.compile({ threads: 2, seed: 1 });
  const { losses, final } = train(run, one, file);
  const { losses: again } = train(run, two, file);

  const keeping = buildGolden(file.config, { keepGradients: true });
  await using first = await keeping.step.compile({ threads: 1, seed: 1 });
  const { firstGradients } = train(keeping, first, file, 1);
  return {
    loss: lossError(losses, file.loss),
    identical: identical({ losses, session: one }, { losses: again, session: two }),
    gradients: sumsError(firstGradients, file.firstGradients),
    final: sumsError(final, file.final),
  };
}

/** What a result does not hold, in words; [] if all is well. */
export function failures(result: Result, config: GoldenFile['config']): string[] {
  const limits: [keyof Result, number][] = [
    ['tape_max_rel_error', TOLERANCE.tape],
    ['compiled_max_rel_error', TOLERANCE.compiled],
    ['grad_max_rel_error', TOLERANCE.sums],
    ['final_max_rel_error', sumsTolerance(config)],
  ];
  const over = limits.filter(([key, limit]) => !((result[key] as number) <= limit));
  const lines = over.map(([key, limit]) => `${key} is ${result[key]}, above ${limit}`);
  return result.compiled_2_threads_identical ? lines : [...lines, 'two threads gave other bits than one'];
}
