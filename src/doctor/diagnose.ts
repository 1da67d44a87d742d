import { checkOptions, learningRate } from '../check.js';
import { OptionError } from '../errors.js';
import { checkSeed } from '../random/seed.js';
import { type AnyTrainStep, TrainStep } from '../run/train-step.js';
import type { Columns } from '../train/engine.js';
import type { Finding } from './finding.js';
import { admit } from './patient.js';
import { RULES } from './rules/index.js';

/** A training step of any model, as `trainStep` makes it. */
export interface Examinable {
  readonly definition: object;
  readonly madeAt: string;
}

export interface DiagnoseOptions {
  /** The dataset, as `session.data` takes it: rows of each part of the batch. */
  data?: Columns | undefined;
  /** The learning rate to judge. */
  lr?: number | undefined;
  /** Of the initial values and of the batch; 42 unless given, as in training. */
  seed?: number | undefined;
}

export interface Diagnosis {
  /** What is wrong, what keeps the model from learning first; empty for a healthy model. */
  readonly findings: readonly Finding[];
  /** Every rule that was applied, with what holds where it found nothing. */
  readonly checked: readonly { readonly rule: string; readonly holds: string }[];
  /** Rules that had nothing to judge by, and why. */
  readonly notChecked: readonly { readonly rule: string; readonly why: string }[];
}

/**
 * Examines a training step: its static graph, and one batch in float64 where there is data (or where all inputs are
 * tokens, which can be made up). Training is not changed by it.
 *
 * Throws what the model throws while it is traced, DataError for data that does not fit, OptionError for a rate or
 * seed that is none.
 *
 * @example
 * ```ts
 * import { crossEntropy, diagnose, f32, i32, nn, optim, trainStep } from '2headgrad';
 * const step = trainStep({
 *   model: nn.sequential(nn.linear(2, 8), nn.batchNorm(8), nn.relu(), nn.linear(8, 3)),
 *   batch: { x: f32(16, 2), y: i32(16) },
 *   loss: (model, { x, y }) => crossEntropy(model(x), y),
 *   optimizer: optim.sgd(),
 * });
 * const { findings } = await diagnose(step);
 * console.log(findings.map(({ rule }) => rule).join(', ')); // bias-before-batch-norm
 * ```
 */
export async function diagnose(step: Examinable, options: DiagnoseOptions = {}): Promise<Diagnosis> {
  checkOptions('diagnose', options, ['data', 'lr', 'seed']);
  const { data, lr, seed = 42 } = options;
  if (!(step instanceof TrainStep))
    throw new OptionError('diagnose: expected what trainStep({ ... }) returns');
  checkSeed(seed);
  if (lr !== undefined) learningRate('diagnose: lr', lr);
  const patient = admit(step as unknown as AnyTrainStep, { data, lr, seed });
  const findings: Finding[] = [];
  const checked: { rule: string; holds: string }[] = [];
  const notChecked: { rule: string; why: string }[] = [];
  for (const rule of RULES) {
    const answer = await rule.examine(patient);
    if ('notChecked' in answer) notChecked.push({ rule: rule.name, why: answer.notChecked });
    else {
      checked.push({ rule: rule.name, holds: rule.holds });
      findings.push(...answer.map((problem) => ({ rule: rule.name, ...problem })));
    }
  }
  return { findings, checked, notChecked };
}
