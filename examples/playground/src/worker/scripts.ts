import type { Kind } from '../protocol.js';

/** What a downloaded model is used by in Node, and what the file is called. */
export interface Script {
  name: string;
  text: string;
}

/** A script for a model of this kind: it sees so many characters, or images, at a time. */
export function scriptOf(kind: Kind, context: number, characters: readonly string[]): Script {
  if (kind === 'text') return { name: 'write.mjs', text: write(context, characters) };
  if (kind === 'digits') return { name: 'classify.mjs', text: classify(context) };
  return { name: 'words.mjs', text: words(context, characters) };
}

/** As a model of words makes them up in the page (kinds/words.ts). */
const words = (context: number, characters: readonly string[]) =>
  `// Makes up words with the model in this folder: node words.mjs
import { start } from './model.js';

const characters = ${JSON.stringify(characters)};
const session = await start();
for (let word = 0; word < 10; word++) {
  const ids = Array(${context}).fill(0);
  do {
    let random = Math.random();
    ids.push(session.predict({ x: ids.slice(-${context}) }).findIndex((p) => (random -= p) < 0));
  } while (ids.at(-1) > 0 && ids.length < 40);
  console.log(ids.map((id) => characters[id]).join(''));
}
await session.close();
`;

/** As `generateTokens` does: when the places are full, the later half of the text is read again. */
const write = (context: number, characters: readonly string[]) =>
  `// Goes on from a text with the model in this folder: node write.mjs "My fellow"
import { start } from './model.js';

const characters = ${JSON.stringify(characters)};
const session = await start();
const prompt = process.argv[2] ?? '';
const ids = Array.from(prompt, (character) => characters.indexOf(character)).filter((id) => id >= 0);
if (ids.length === 0) ids.push(Math.max(0, characters.indexOf(' ')));
process.stdout.write(prompt);
let [begin, read] = [0, 0];
for (let written = 0; written < 400; written++) {
  let next;
  while (read < ids.length) {
    if (read - begin === ${context}) begin = read = ids.length - Math.max(1, ${Math.floor(context / 2)});
    next = session.invoke('generate', { token: [ids[read]], place: [read - begin] }).output;
    read++;
  }
  let random = Math.random();
  const drawn = next.findIndex((p) => (random -= p) < 0);
  ids.push(drawn < 0 ? 0 : drawn);
  process.stdout.write(characters[ids.at(-1)]);
}
console.log();
await session.close();
`;

const classify = (rows: number) =>
  `// Says which digit a picture shows with the model in this folder: node classify.mjs [FILE]
// FILE has a line for each row, a blank for paper and any other character for ink; without one a seven is shown.
import { readFileSync } from 'node:fs';
import { start } from './model.js';

const seven = '\\n'.repeat(7) + ' '.repeat(8) + '#'.repeat(12) +
  Array.from({ length: 13 }, (_, i) => '\\n' + ' '.repeat(18 - Math.floor(i / 2)) + '##').join('');
const picture = process.argv[2] ? readFileSync(process.argv[2], 'utf8') : seven;
const x = new Float32Array(${rows} * 28 * 28);
picture.split(/\\r?\\n/).slice(0, 28).forEach((line, row) => {
  Array.from(line).slice(0, 28).forEach((character, i) => { x[28 * row + i] = Number(character.trim() !== ''); });
});
const session = await start();
const probabilities = Array.from(session.predict({ x })).slice(0, 10);
probabilities.forEach((p, digit) => console.log(digit, p.toFixed(4)));
await session.close();
`;
