/** Words and what models are fed of them, for Node: `import { loadWords } from '2headgrad/data'`. */
export { type Contexts, contexts, type Split, split } from './dataset.js';
export { loadWords, type Words } from './names.js';
export { Vocabulary } from './vocabulary.js';
