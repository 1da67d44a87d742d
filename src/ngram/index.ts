/**
 * N-grams, what neural language models are compared with: `import { KneserNey } from '2headgrad/ngram'`.
 *
 * @module 2headgrad/ngram
 */

export { BackOffNgrams } from './back-off.js';
export { ClassNgrams } from './class-based.js';
export { contextsOf, countNgrams, type Grams, type NgramCounts } from './counts.js';
export { InterpolatedNgrams } from './interpolated.js';
export { KneserNey } from './kneser-ney.js';
export { mixture, mixtureWeights } from './mixture.js';
export { type NgramModel, perplexity, probabilitiesOf } from './model.js';
export { type WordClassOptions, wordClasses } from './word-classes.js';
