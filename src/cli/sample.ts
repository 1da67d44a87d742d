import { stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { DataError, GradError, OptionError } from '../errors.js';
import type { Choice } from '../models/choose.js';
import { readConfig, readTrained } from './folder.js';
import { breathe } from './interrupt.js';
import { refuseWithoutFile, settingsOfRun } from './kept-settings.js';
import { kindNamed, kindOf, MODEL_FILE } from './kinds/index.js';
import type { Kind, Sampler } from './kinds/kind.js';
import { EXTENSIONS } from './model.js';
import { Output, text } from './output.js';
import type { SettingValues } from './own-settings.js';
import { MODEL } from './run-files.js';

export interface SampleOptions extends Partial<Choice> {
  count?: number;
  seed?: number;
  prompt?: string;
  length?: number;
  model?: string;
  export?: string;
  set?: SettingValues;
  json?: boolean;
}

/** Tokens of a text that does not end by itself, unless told. */
const LENGTH = 200;

/** Prints what a trained model makes up: that of a folder, or of the folder into which a kind or a file is trained unless told. */
export async function sample(what: string, options: SampleOptions): Promise<number> {
  const { seed, prompt, length, json = false, temperature = 1, topK = 0, topP = 1 } = options;
  const { folder, own } = await trainedOne(what, options);
  const config = await readConfig(folder, own, (file) => fileHint(folder, file));
  const { kind, settings, kept } = config;
  if (own && kind !== own)
    throw new OptionError(
      `--model ${options.model ?? what}: the run in ${folder} is one of ${kind.name}, which needs no file`,
    );
  const { sampler } = kind;
  if (!sampler)
    throw new OptionError(
      `${kind.name} does not say how to sample: export function sample(session, { prompt, length, next, random }) that returns a text, or use the model in a program, by session.load(${JSON.stringify(join(folder, MODEL))}) and predict`,
    );
  kind.checkSame?.(kept, folder);
  if (length !== undefined && !sampler.endless)
    throw new OptionError(`--length: ${sampler.noun} end where the model ends them`);
  const { bytes, at } = await readTrained(folder, config);
  const chosen = seed ?? settings.seed;
  const how = { prompt, temperature, topK, topP, length: length ?? LENGTH };
  const made = sampler.draw(bytes, kept, settings, chosen, how);
  const count = options.count ?? sampler.counts.sample;
  const output = new Output(json);
  const samples: string[] = [];
  try {
    for (let i = 0; i < count && process.stdout.writable; i++) {
      const { value } = made.next();
      if (json) samples.push(value);
      else print(output, sampler, value, i);
      if (i % 100 === 99 || sampler.endless) await breathe();
    }
  } catch (error) {
    if (error instanceof OptionError) throw error;
    throw error instanceof GradError ? new DataError(`${folder}: ${error.message}`) : error;
  }
  output.result({ samples, seed: chosen, steps: at, dir: folder });
  return 0;
}

async function trainedOne(
  what: string,
  options: SampleOptions,
): Promise<{ folder: string; own: Kind | undefined }> {
  const isFolder = await stat(what).then(
    (found) => found.isDirectory(),
    () => false,
  );
  const isFile = EXTENSIONS.includes(extname(what));
  if (isFolder || options.model !== undefined || !(isFile || kindNamed(what)))
    return { folder: what, own: await ownKind(what, options) };
  const { export: exported, set } = options;
  const kind = await kindOf(what, exported, await settingsOfRun(what, { set, exported }));
  return { folder: kind.folder, own: isFile ? kind : undefined };
}

/** The kind of a model file that was named; no folder's own word is a reason to run a file. */
async function ownKind(
  folder: string,
  { model, export: exported, set }: SampleOptions,
): Promise<Kind | undefined> {
  if (model === undefined && exported !== undefined)
    throw new OptionError(`--export ${exported}: give the model file too, by --model`);
  refuseWithoutFile(model, set);
  if (model === undefined) return undefined;
  const kind = await kindOf(model, exported, await settingsOfRun(model, { set, exported, folder }));
  if (kind.format !== MODEL_FILE.format)
    throw new OptionError(`--model ${model}: expected a model file, ${kind.name} needs none`);
  return kind;
}

const fileHint = (folder: string, file: string) =>
  `give that too, if it exports a function sample: 2headgrad sample ${folder} --model ${file}; in a program session.load(${JSON.stringify(join(folder, MODEL))}) has its weights`;

/** One a line, or a text of many lines, with a line between two. */
function print(output: Output, { endless }: Sampler, value: string, i: number): void {
  if (endless && i > 0) output.line('---');
  if (endless) text(value);
  else output.line(value);
}
