import { strToU8, zip } from 'fflate';
import runtime from '../../../../dist/artifact/model.both.bundle.js?raw';
import packageJson from '../../../../package.json' with { type: 'json' };
import { type AnyTrainStep, compileAhead, moduleCache, readLibrary } from '../engine.js';
import type { Project } from '../protocol.js';
import { loadTask, type Task } from './task.js';

/** What `2headgrad compile` writes, with a script that makes up words, as one zip. */
export async function artifact({
  checkpoint,
  ...project
}: Project & { checkpoint: Uint8Array | null }): Promise<Uint8Array> {
  const task = await loadTask(project);
  const { files } = await compileAhead(task.step as unknown as AnyTrainStep, {
    library: await readLibrary(),
    cache: moduleCache(),
    runtime,
    generator: `2headgrad ${packageJson.version}`,
    seed: project.seed,
    weights: checkpoint ?? undefined,
  });
  const entries = [...files, ['words.mjs', script(task)] as const].map(
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
function script({ vocabulary, context }: Task): string {
  const characters = Array.from({ length: vocabulary.size - 1 }, (_, i) => vocabulary.decode([i + 1]));
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
