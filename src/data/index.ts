/**
 * Words, texts and images, and what models are fed of them, for Node: `import { loadWords } from '2headgrad/data'`.
 *
 * @module 2headgrad/data
 */

export { type BrownOptions, loadBrown } from './brown.js';
export { type Contexts, contexts, type Split, split } from './dataset.js';
export { type Digits, loadDigits } from './digits.js';
export { type Idx, readIdx } from './idx.js';
export { type Images, loadImages } from './images.js';
export { loadWords, type Words } from './names.js';
export {
  type Checkpoint,
  decodeSafetensors,
  encodeSafetensors,
  type SafetensorsDType,
  type StoredTensor,
  type Tensors,
} from './safetensors.js';
export { type StreamOptions, type Streams, streams } from './streams.js';
export { loadText, type Text, type TextOptions, type TokenKind } from './text.js';
export { BYTE_TOKENS, CharacterTokens, type TextTokens, textTokens } from './tokens.js';
export { Vocabulary } from './vocabulary.js';
export { continuations, splitText, spread, windows } from './windows.js';
export { splitWords, type WordOptions, WordTokens } from './word-tokens.js';
