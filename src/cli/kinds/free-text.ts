import { escapeText } from '../../report/escape.js';
import type { Sampler } from './kind.js';

/** How samples are shown that are texts of many lines and end where they are cut. */
export const FREE_TEXT: Pick<Sampler, 'counts' | 'endless' | 'text' | 'html'> = {
  counts: { train: 1, sample: 1 },
  endless: true,
  text: (samples) => samples.flatMap((sample) => sample.split('\n')),
  html: (samples) =>
    samples.map((sample) => `<pre style="white-space: pre-wrap">${escapeText(sample)}</pre>`).join(''),
};
