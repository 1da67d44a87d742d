/** Words and what models are fed of them, for Node: `import { loadWords } from '2headgrad/data'`. */
export { type Contexts, contexts, type Split, split } from './dataset.js';
export { loadWords, type Words } from './names.js';
export { loadText, type Text, type TextOptions } from './text.js';
export { BYTE_TOKENS, CharacterTokens, type TextTokens, textTokens } from './tokens.js';
export { Vocabulary } from './vocabulary.js';
export { splitText, spread, windows } from './windows.js';
