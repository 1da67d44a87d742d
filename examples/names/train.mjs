import { readFileSync } from 'node:fs';

const { start } = await import(new URL('compiled/model.js', import.meta.url).href);
const words = readFileSync(new URL('names.txt', import.meta.url), 'utf8')
  .trim()
  .split('\n');
const rows = words.flatMap((word) => {
  const ids = [0, 0, 0, ...Array.from(word, (letter) => letter.charCodeAt(0) - 96), 0];
  return ids.slice(3).map((id, i) => ({ context: ids.slice(i, i + 3), id }));
});
const data = { x: rows.flatMap(({ context }) => context), y: rows.map(({ id }) => id) };

const session = await start({ seed: 42 });
session.data(data);
for await (const { at, loss } of session.run({ steps: 20_000, lr: 0.1, every: 4000 }))
  console.log(at, loss.toFixed(4));
console.log('mean', session.evaluate(data).toFixed(4));
await session.save(process.argv[2] ?? 'names.safetensors');
await session.close();
