import { DataError, GradError, OptionError } from '../errors.js';
import type { Choice } from '../models/choose.js';
import { readConfig, readTrained } from './folder.js';
import { breathe } from './interrupt.js';
import type { Sampler } from './kinds/kind.js';
import { Output, text } from './output.js';

export interface SampleOptions extends Partial<Choice> {
  count?: number;
  seed?: number;
  prompt?: string;
  length?: number;
  json?: boolean;
}

/** Tokens of a text that does not end by itself, unless told. */
const LENGTH = 200;

/** Prints what the model of a trained folder makes up. */
export async function sample(folder: string, options: SampleOptions): Promise<number> {
  const { seed, prompt, length, json = false, temperature = 1, topK = 0, topP = 1 } = options;
  const config = await readConfig(folder);
  const { kind, settings, kept } = config;
  const { sampler } = kind;
  if (!sampler)
    throw new OptionError(`the run in ${folder} has nothing to sample: names, texts and words have`);
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

/** One a line, or a text of many lines, with a line between two. */
function print(output: Output, { endless }: Sampler, value: string, i: number): void {
  if (endless && i > 0) output.line('---');
  if (endless) text(value);
  else output.line(value);
}
