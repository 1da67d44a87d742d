import type { Patient } from './patient.js';

/** Something that is wrong with a model. */
export interface Finding {
  /** The rule that found it, by its name in `RULES`. */
  readonly rule: string;
  /** The user's file and line (`model.ts:14`), or '' where it is not known. */
  readonly where: string;
  /** What is wrong, with the numbers that show it. */
  readonly why: string;
  /** What to change. */
  readonly fix: string;
}

/** A finding before its rule signs it. */
export type Problem = Omit<Finding, 'rule'>;

/** A rule's answer where it has nothing to judge by: why that is. */
export interface NotChecked {
  readonly notChecked: string;
}

/** One thing that can be wrong with a model. Rules stand in a table, and know nothing of each other. */
export interface Rule {
  readonly name: string;
  /** What holds for a model without a finding, as a clean bill says it. */
  readonly holds: string;
  examine(patient: Patient): readonly Problem[] | NotChecked | Promise<readonly Problem[] | NotChecked>;
}
