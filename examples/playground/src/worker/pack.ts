import { strToU8, zip } from 'fflate';
import runtime from '../../../../dist/artifact/model.both.bundle.js?raw';
import { PACKAGE_TEXT, runtimeText } from '../engine.js';
import type { ModelFiles } from '../protocol.js';

/** What a model's worker may fill: data, and types, which nobody runs. */
const OF_THE_MODEL = ['model.wasm', 'model.json', 'model.d.ts', 'weights.safetensors'];

/**
 * What `2headgrad compile` writes, with a script that makes up words, as one zip. The code in it is ours: a model that
 * somebody else wrote must not get to write what is run in Node.
 */
export async function pack({ files, context, characters }: ModelFiles): Promise<Uint8Array> {
  const all: Record<string, Uint8Array | string> = {};
  for (const name of OF_THE_MODEL) {
    const content = files[name];
    if (content instanceof Uint8Array || typeof content === 'string') all[name] = content;
  }
  all['model.js'] = runtimeText(
    runtime,
    Object.keys(all).filter((name) => !name.endsWith('.d.ts')),
  );
  all['package.json'] = PACKAGE_TEXT;
  all['words.mjs'] = script(Math.max(1, Math.floor(Number(context)) || 1), Array.from(characters, String));
  const entries = Object.entries(all).map(
    ([name, content]) => [`names/${name}`, typeof content === 'string' ? strToU8(content) : content] as const,
  );
  return new Promise((resolve, reject) => {
    // Without times of its own the same model gives the same zip.
    zip(Object.fromEntries(entries), { mtime: new Date(1980, 0, 1) }, (error, bytes) =>
      error ? reject(error) : resolve(bytes),
    );
  });
}

/** As sampleWords does, by the compiled model alone. */
function script(context: number, characters: readonly string[]): string {
  return `// Makes up words with the model in this folder: node words.mjs
import { start } from './model.js';

const characters = ${JSON.stringify(['', ...characters])};
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
}
