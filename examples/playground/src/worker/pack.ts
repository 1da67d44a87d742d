import { strToU8, zip } from 'fflate';
import runtime from '../../../../dist/artifact/model.both.bundle.js?raw';
import { PACKAGE_TEXT, runtimeText } from '../engine.js';
import { FILE_NAMES, KINDS, type ModelFiles } from '../protocol.js';
import { scriptOf } from './scripts.js';

/** What a model's worker may fill: data, and types, which nobody runs. */
const OF_THE_MODEL = ['model.wasm', 'model.json', 'model.d.ts', 'weights.safetensors'];

/**
 * What `2headgrad compile` writes, with a script that uses it, as one zip. The code in it is ours: a model that
 * somebody else wrote must not get to write what is run in Node.
 */
export async function pack({ kind: given, files, context, characters }: ModelFiles): Promise<Uint8Array> {
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
  const kind = KINDS.find((known) => known === given) ?? 'words';
  const { name, text } = scriptOf(
    kind,
    Math.max(1, Math.floor(Number(context)) || 1),
    Array.from(characters, String),
  );
  all[name] = text;
  const entries = Object.entries(all).map(
    ([name, content]) =>
      [`${FILE_NAMES[kind]}/${name}`, typeof content === 'string' ? strToU8(content) : content] as const,
  );
  return new Promise((resolve, reject) => {
    // Without times of its own the same model gives the same zip.
    zip(Object.fromEntries(entries), { mtime: new Date(1980, 0, 1) }, (error, bytes) =>
      error ? reject(error) : resolve(bytes),
    );
  });
}
