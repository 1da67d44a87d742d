import { wordsStep } from '../../models/words.js';
import type { WordsSettings } from '../settings.js';
import type { WordVocabulary } from './corpus.js';

/** Pulls at the weights unless told: as in the paper (Bengio et al. 2003, section 4.2), and as PyTorch's AdamW. */
const DECAY = { sgd: 1e-4, adam: 0.01 } as const;

/** The sizes of a run's model. */
export const sizesOf = (vocab: number, { order, embed, hidden, direct }: WordsSettings) => ({
  ...{ vocab, context: order - 1, embed, hidden, direct },
});

export function stepOf({ size }: WordVocabulary, settings: WordsSettings, diagnostics?: { every: number }) {
  const { optimizer, dropout, batch, weightDecay } = settings;
  return wordsStep({
    ...sizesOf(size, settings),
    ...{ dropout, batch, optimizer, diagnostics },
    weightDecay: weightDecay ?? DECAY[optimizer],
  });
}
