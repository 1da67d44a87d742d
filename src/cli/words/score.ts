import { continuations } from '../../data/windows.js';
import type { Evaluated } from '../../train/metrics.js';
import type { Session } from '../../train/session.js';
import { breathe } from '../interrupt.js';
import type { Rows } from '../kinds/kind.js';
import type { WordRows } from './corpus.js';

/** Rows between two looks for a signal. */
const PIECE = 4096;

/** The last scores of each part: they are asked for as a loss and then for the table. */
const made = new WeakMap<WordRows, { session: Session; at: number; scores: Float64Array }>();

/** The probability that a model gives each word that has a whole context before it in its piece, computed in its module. */
export async function probabilities(session: Session, rows: WordRows): Promise<Float64Array> {
  const last = made.get(rows);
  if (last && last.session === session && last.at === session.at) return last.scores;
  const { pieces, context } = rows;
  const scores = new Float64Array(rows.rows);
  let at = 0;
  for (const piece of pieces)
    for (let start = 0; start + context < piece.length; start += PIECE) {
      const { x, y } = continuations([piece.subarray(start, start + PIECE + context)], context);
      const { output } = session.invoke('score', { x, y });
      for (const score of output) scores[at++] = Math.exp(score);
      await breathe();
    }
  made.set(rows, { session, at: session.at, scores });
  return scores;
}

/** The mean of -ln p. */
export async function lossOf(session: Session, rows: Rows): Promise<Evaluated> {
  const scores = await probabilities(session, rows as WordRows);
  return { loss: scores.reduce((sum, p) => sum - Math.log(p), 0) / scores.length };
}
