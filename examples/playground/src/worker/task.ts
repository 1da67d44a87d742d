import type { Session } from '2headgrad';
import type { Kind, ModelFiles, Project, Shown, Started, Wish } from '../protocol.js';
import { digitsTask } from './kinds/digits.js';
import { textTask } from './kinds/text.js';
import { wordsTask } from './kinds/words.js';
import type { Step } from './model.js';

/** A model with what it learns from, and what can be seen of it on the way. */
export interface Task {
  step: Step;
  /** Rows that it is trained on, and rows that it is not. */
  train: Record<string, ArrayLike<number>>;
  dev: Record<string, ArrayLike<number>>;
  about: Pick<Started, 'tokens' | 'hasTanh' | 'writes' | 'looks'>;
  /** What using it takes, beside what `2headgrad compile` gives. */
  using: Pick<ModelFiles, 'context' | 'characters'>;
  /** What somebody asks to see, at once; the seed is of what is drawn by chance. */
  show(session: Session, wish: Wish, seed: number): Shown;
  /** What takes longer. */
  measure?(session: Session): Shown;
}

const LOAD: Record<Kind, (project: Project) => Promise<Task>> = {
  words: wordsTask,
  text: textTask,
  digits: digitsTask,
};

/** Runs the user's source and joins what it makes with what it learns from. */
export const loadTask = (project: Project): Promise<Task> => LOAD[project.kind](project);
